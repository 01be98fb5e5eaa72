"""Answers whose end is not told, and those that the local voice reads: on a loudspeaker in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from device.audio.mouth import player
from device.core.events import PlaybackFinished, PlaybackRanDry, PlaybackStarted, PlaybackStopped
from device.sim.devices.fakecard import FakeSpeaker
from device.units import Hz, Ms
from tests.audio.mouth.test_player import RATE, House, a_house, heard_ms, sound
from tests.waiting import until


@pytest.fixture
async def house(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    """It looks at once, by the card's clock."""
    monkeypatch.setattr(player, "LOOK_S", 0.0)
    async with a_house(FakeSpeaker(RATE)) as house:
        yield house


@pytest.mark.parametrize("ended", [True, False])
async def test_an_answer_that_runs_dry_is_told_once_with_whether_its_sound_was_at_an_end(
    house: House, ended: bool
) -> None:
    """A second without sound is no gap between two pieces."""
    house.player.play_answer(1, "item", sound(100))
    if ended:
        house.player.end_answer_item(1, "item")
    await house.pass_time(900)
    assert house.events == [PlaybackStarted(1)]
    for _ in range(3):
        await house.pass_time(400)
    await until(lambda: len(house.events) == 2)
    assert house.events[1] == PlaybackRanDry(1, ended)


async def test_an_answer_that_goes_on_is_told_again(house: House) -> None:
    """And may run dry again."""
    for _ in range(2):
        house.player.play_answer(1, "item", sound(100))
        await house.pass_time(100)
        await until(lambda: house.events[-1] == PlaybackStarted(1))
        for _ in range(4):
            await house.pass_time(400)
        await until(lambda: house.events[-1] == PlaybackRanDry(1, ended=False))
    assert len(house.events) == 4


async def test_an_answer_that_is_complete_does_not_run_dry(house: House) -> None:
    """It is finished."""
    house.player.play_answer(1, "item", sound(100))
    house.player.end_answer(1)
    for _ in range(5):
        await house.pass_time(400)
    await until(lambda: len(house.events) == 2)
    assert house.events[1] == PlaybackFinished(1)


async def test_an_answer_that_was_stopped_does_not_run_dry(house: House) -> None:
    """Nobody waits for it."""
    house.player.play_answer(1, "item", sound(100))
    await house.pass_time(40)
    house.player.stop()
    for _ in range(5):
        await house.pass_time(400)
    assert not any(isinstance(event, PlaybackRanDry) for event in house.events)


async def test_what_the_local_voice_reads_is_played_behind_the_answer(house: House) -> None:
    """At its own rate; its end is the answer's."""
    house.player.play_answer(1, "item", sound(100))
    house.player.read_answer(1, sound(100)[: 22_050 // 10 * 2], Hz(22_050))
    house.player.end_answer(1)
    await house.pass_time(400)
    await until(lambda: house.events[-1] == PlaybackFinished(1))
    assert heard_ms(house.speaker) == pytest.approx(200, abs=1)


async def test_reading_that_is_interrupted_is_nothing_to_tell_the_provider(house: House) -> None:
    """It has no item of it."""
    house.player.read_answer(1, sound(1_000), RATE)
    house.player.end_answer(1)
    await house.pass_time(100)
    house.player.stop()
    stopped = [event for event in house.events if isinstance(event, PlaybackStopped)]
    assert [event.item for event in stopped] == [""]
    assert stopped[0].played > Ms(0)
