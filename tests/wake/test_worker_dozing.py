"""The worker while its engine dozes: what the engine hears, and where."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from device.wake.worker import WakeWorker
from tests.waiting import until
from tests.wake.test_worker import BROKEN, QUIET, FakeWakeWord, House, Skipping

# A tone of 4 kHz that begins as WORD does.
LOUD = b"\1\0" + (b"\0\x10\0\x10\0\xf0\0\xf0" * 320)[2:]
# Longer than it takes to fall asleep and to forget.
LONG = 100
KEPT = 20


def _dozing_house(engine: FakeWakeWord, is_awaited: Callable[[], bool] = lambda: False) -> House:
    house = House()
    house.engine = engine
    house.worker = WakeWorker(engine, house.heard.append, house.posted.append, doze=True, is_awaited=is_awaited)
    house.worker.start()
    return house


async def _stay_quiet(house: House, since: int = 0) -> None:
    for index in range(since, since + LONG):
        house.worker.feed(QUIET)
        await house.until_scored((index + 1) * 1280)


async def test_a_dozing_engine_is_left_alone_and_counts_as_listening() -> None:
    """The position moves on, or a watchdog would take it for deaf."""
    house = _dozing_house(Skipping())
    await _stay_quiet(house)
    assert len(house.engine.pieces) < LONG - 40
    house.worker.close()


async def test_a_sound_wakes_the_engine_and_brings_what_was_kept() -> None:
    """The place of the detection is that in the stream, and the engine's own clock has not stood still."""
    house = _dozing_house(Skipping())
    await _stay_quiet(house)
    for _ in range(5):
        house.worker.feed(LOUD)
    await house.until_scored((LONG + 5) * 1280)
    assert KEPT * 1280 in house.engine.pieces
    assert len(house.engine.skipped) == 1
    assert house.heard[-1].end == (LONG + 5) * 1280
    assert house.engine._position == (LONG + 5) * 1280
    house.worker.close()


async def test_steps_begin_anew_while_it_dozes_and_the_sound_that_ends_that_is_whole() -> None:
    """They end within the card's blocks at first; what is left out then is of the quiet."""
    house = _dozing_house(Skipping())
    house.worker.feed(QUIET[:600])
    count = 0
    while not house.worker.is_punctual:
        house.worker.feed(QUIET)
        count += 1
        await until(lambda: house.worker.scored_samples == house.worker._asked)
        assert count <= LONG
    assert not house.worker.is_awake
    for _ in range(LONG - count):
        house.worker.feed(QUIET)
        await until(lambda: house.worker.scored_samples == house.worker._asked)
    for _ in range(5):
        house.worker.feed(LOUD)
    await house.until_scored(300 + (LONG + 5) * 1280)
    assert KEPT * 1280 in house.engine.pieces
    assert house.heard[-1].end == 300 + (LONG + 5) * 1280
    assert house.engine._position == 300 + (LONG + 5) * 1280
    house.worker.close()


async def test_an_engine_in_trouble_is_not_left_alone() -> None:
    """Only an inference shows that it is well again."""
    house = _dozing_house(Skipping())
    for _ in range(LONG):
        house.worker.feed(BROKEN)
        await asyncio.sleep(0)
        await until(lambda: len(house.engine.pieces) == house.worker._fed // 1280 and bool(house.posted))
    assert len(house.engine.pieces) == LONG
    assert house.worker.scored_samples == 0
    house.worker.close()


async def test_an_engine_that_cannot_skip_never_dozes() -> None:
    """It might need to hear everything."""
    house = _dozing_house(FakeWakeWord())
    await _stay_quiet(house)
    assert len(house.engine.pieces) == LONG
    house.worker.close()


async def test_while_a_word_is_awaited_the_engine_hears_everything_soon() -> None:
    """What was kept is scored first, and then all of it, three steps at a time; later it is left alone again."""
    awaited: list[bool] = []
    house = _dozing_house(Skipping(), lambda: bool(awaited))
    await _stay_quiet(house)
    awaited.append(True)
    before = len(house.engine.pieces)
    await _stay_quiet(house, since=LONG)
    assert house.engine.pieces[before] >= (KEPT - 2) * 1280
    assert set(house.engine.pieces[before + 1 :]) == {3 * 1280}
    assert len(house.engine.skipped) == 1
    awaited.clear()
    before = len(house.engine.pieces)
    await _stay_quiet(house, since=2 * LONG)
    assert len(house.engine.pieces) == before
    house.worker.close()
