"""The worker's thread: order, positions, failures, and that the event loop is not blocked."""

from __future__ import annotations

import asyncio
import math
import threading
from collections.abc import Callable, Mapping
from typing import ClassVar

import pytest

from device.core.events import Device, DeviceFailed, DeviceRecovered, Event
from device.ports.wake import Detection, DetectionRule, NearMiss
from device.units import Samples
from device.wake.openwakeword.engine import OpenWakeWord
from device.wake.worker import WakeWorker
from tests.waiting import until

FRAME = 320
WORD = b"\1\0" * 1280
QUIET = b"\0\0" * 1280
BROKEN = b"\2\0" * 1280


class FakeWakeWord:
    """Detects where a piece is WORD, raises where it is BROKEN, and waits while `gate` is shut."""

    words = ("fake",)
    step = Samples(1280)
    rules: ClassVar = {"fake": DetectionRule(0.5)}

    def __init__(self) -> None:
        self.pieces: list[int] = []
        self.threads: set[str] = set()
        self.resets = 0
        self.near = False
        self.known: Mapping[str, float] = {}
        self.gate = threading.Event()
        self.gate.set()
        self._position = 0

    @property
    def scores(self) -> Mapping[str, float]:
        """Count the pieces, if nothing else is wanted."""
        return self.known or {"fake": float(len(self.pieces))}

    def process(self, pcm: bytes) -> list[Detection]:
        """Take a piece."""
        self.threads.add(threading.current_thread().name)
        assert self.gate.wait(20)
        self.pieces.append(len(pcm) // 2)
        self._position += len(pcm) // 2
        if pcm[:2] == BROKEN[:2]:
            raise RuntimeError("bad model")
        return [Detection("fake", 1.0, Samples(self._position))] if pcm[:2] == WORD[:2] else []

    def pop_near_misses(self) -> list[NearMiss]:
        """Return one at the end of the newest piece."""
        return [NearMiss("fake", 0.4, 0.5, Samples(self._position))] if self.near else []

    def reset(self) -> None:
        """Count."""
        self.resets += 1


class Senseless(FakeWakeWord):
    """An engine whose scores of some pieces are NaN."""

    def __init__(self) -> None:
        super().__init__()
        self.score = math.nan

    @property
    def scores(self) -> Mapping[str, float]:
        """Whatever it is."""
        return {"fake": self.score, "other": 0.25}


class House:
    """A worker, its engine, and what it reported."""

    def __init__(self) -> None:
        self.engine = FakeWakeWord()
        self.heard: list[Detection] = []
        self.posted: list[Event] = []
        self.scores: list[Mapping[str, float]] = []
        self.near_misses: list[NearMiss] = []
        self.worker = WakeWorker(
            self.engine,
            self.heard.append,
            self.posted.append,
            self.scores.append,
            on_near_miss=self.near_misses.append,
        )

    async def until_scored(self, samples: int) -> None:
        """Wait until the engine has got so far."""
        await until(lambda: self.worker.scored_samples == samples)


@pytest.fixture
async def house() -> House:
    """Return a house whose worker runs."""
    house = House()
    house.worker.start()
    yield house
    house.engine.gate.set()
    house.worker.close()


async def test_near_misses_are_reported_where_they_were_in_the_fed_stream(house: House) -> None:
    """The engine counts from when it was started."""
    house.worker.close()
    house.worker.feed(QUIET)
    house.worker.start()
    house.engine.near = True
    house.worker.feed(QUIET)
    await house.until_scored(2560)
    assert house.near_misses == [NearMiss("fake", 0.4, 0.5, Samples(2560))]


async def test_of_a_word_that_is_not_heeded_nothing_is_reported() -> None:
    """It is scored all the same, and heard as soon as it is heeded."""
    house, heeded = House(), {"other"}
    told = (house.heard.append, house.posted.append, house.scores.append)
    house.worker = WakeWorker(
        house.engine, *told, on_near_miss=house.near_misses.append, heeds=lambda word: word in heeded
    )
    house.worker.start()
    try:
        house.engine.near = True
        house.worker.feed(WORD)
        await house.until_scored(1280)
        assert (house.heard, house.near_misses, len(house.scores)) == ([], [], 1)
        heeded.add("fake")
        house.worker.feed(WORD)
        await house.until_scored(2560)
        assert (len(house.heard), len(house.near_misses)) == (1, 1)
    finally:
        house.worker.close()


async def test_a_score_far_below_the_threshold_is_the_sign_of_a_word(house: House) -> None:
    """For 400 ms of sound; a sound in which nothing is heard is none."""
    house.worker._on_score = None
    scores = {"fake": 0.0, "other": 0.9}
    house.engine.known = scores
    for number, (score, expected) in enumerate([(0.004, False), (0.006, True), *[(0.0, True)] * 4, (0.0, False)], 1):
        scores["fake"] = score
        house.worker.feed(QUIET)
        await house.until_scored(1280 * number)
        await until(lambda expected=expected: house.worker.expects_word is expected)


async def test_the_event_loop_is_left_alone_while_there_is_nothing_to_tell(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody looks at the scores, and nothing is detected: how far the engine is, is known all the same."""
    house.worker._on_score = None
    house.worker.feed(QUIET)
    await house.until_scored(1280)
    calls: list[object] = []
    loop = asyncio.get_running_loop()
    cross_over = loop.call_soon_threadsafe
    monkeypatch.setattr(loop, "call_soon_threadsafe", lambda *call: calls.append(call) or cross_over(*call))
    for number in range(2, 8):
        house.worker.feed(QUIET)
        await house.until_scored(1280 * number)
    assert calls == []
    house.worker.feed(WORD)
    await until(lambda: len(house.heard) == 1)
    assert len(calls) == 1
    house.worker.feed(BROKEN)
    house.worker.feed(QUIET)
    await until(lambda: len(house.posted) == 2)
    assert [type(fact) for fact in house.posted] == [DeviceFailed, DeviceRecovered]


async def test_frames_are_handed_over_80_ms_at_a_time_in_another_thread(house: House) -> None:
    """12.5 times a second, not with every frame of 20 ms."""
    for _ in range(12):
        house.worker.feed(b"\0\0" * FRAME)
    await house.until_scored(12 * FRAME)
    assert house.engine.pieces == [1280, 1280, 1280]
    assert house.engine.threads == {"wake-word"}
    assert [scores["fake"] for scores in house.scores] == [1.0, 2.0, 3.0]


async def test_a_detection_is_reported_on_the_event_loop(house: House) -> None:
    """With its place in the stream."""
    threads = []
    house.worker._on_detection = lambda detection: threads.append((threading.current_thread(), detection.end))
    house.worker.feed(QUIET)
    house.worker.feed(WORD)
    await until(lambda: bool(threads))
    assert threads == [(threading.current_thread(), 2560)]


async def test_feeding_never_waits_for_the_engine(house: House) -> None:
    """The engine hangs; the event loop goes on."""
    house.engine.gate.clear()
    for _ in range(10):
        house.worker.feed(WORD)
    assert house.heard == []
    house.engine.gate.set()
    await house.until_scored(10 * 1280)
    assert len(house.heard) == 10


async def test_an_engine_too_slow_skips_to_the_newest_and_says_so_once(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    """Positions stay those of the fed stream, and the engine is reset before it goes on."""
    house.engine.gate.clear()
    house.worker.feed(QUIET)
    await until(lambda: bool(house.engine.threads))
    for _ in range(40):
        house.worker.feed(WORD)
    house.engine.gate.set()
    await house.until_scored(41 * 1280)
    assert house.engine.pieces == [1280, 1280]
    assert house.engine.resets == 1
    assert house.worker.skipped_samples == 39 * 1280
    assert [detection.end for detection in house.heard] == [41 * 1280]
    assert [record.levelname for record in caplog.records] == ["WARNING"]


async def test_no_more_than_some_seconds_wait_for_an_engine_that_hangs(house: House) -> None:
    """The oldest is dropped; when it goes on it hears the newest, at its place in the stream."""
    house.engine.gate.clear()
    house.worker.feed(QUIET)
    await until(lambda: bool(house.engine.threads))
    for _ in range(1_000):
        house.worker.feed(WORD)
    assert house.worker._waiting.samples <= 41 * 1280
    house.engine.gate.set()
    await house.until_scored(1_001 * 1280)
    assert house.engine.pieces == [1280, 1280]
    assert house.engine.resets == 1
    assert house.worker.skipped_samples == 999 * 1280
    assert [detection.end for detection in house.heard] == [1_001 * 1280]


async def test_it_tells_by_how_much_the_engine_is_overdue(house: House) -> None:
    """A piece may take as long as it lasts, and the next begins where it ends; what was scored is forgotten."""
    now = 100.0
    house.worker.close()
    house.worker = WakeWorker(house.engine, house.heard.append, house.posted.append, clock=lambda: now)
    house.worker.start()
    house.engine.gate.clear()
    for _ in range(3):
        house.worker.feed(QUIET)
    now += 0.08
    assert house.worker.overdue_s == 0.0
    now += 0.02
    assert house.worker.overdue_s == pytest.approx(0.02)
    house.engine.gate.set()
    await house.until_scored(3 * 1280)
    assert house.worker.overdue_s == 0.0
    house.engine.gate.clear()
    now += 60.0
    house.worker.feed(QUIET)
    assert house.worker.overdue_s == 0.0
    now += 0.1
    assert house.worker.overdue_s == pytest.approx(0.02)
    house.engine.gate.set()
    house.worker.close()
    assert house.worker.overdue_s == 0.0


async def test_a_late_engine_is_not_punctual_so_that_its_lateness_is_noticed_sooner(house: House) -> None:
    """Sound comes more often to who is late."""
    now, house.engine = 100.0, Skipping()
    house.worker.close()
    house.worker = WakeWorker(house.engine, house.heard.append, house.posted.append, clock=lambda: now)
    house.worker.start()
    await feed_and_settle(house, 20)
    assert house.worker.is_punctual
    house.engine.gate.clear()
    house.worker.feed(QUIET)
    now += 0.1
    house.worker.feed(QUIET)
    assert not house.worker.is_punctual
    house.engine.gate.set()
    await house.until_scored(22 * 1280)
    house.worker.feed(QUIET)
    assert house.worker.is_punctual


class Several(FakeWakeWord):
    """An engine of several words."""

    words = ("fake", "other")
    can_narrow = True

    def __init__(self) -> None:
        super().__init__()
        self.narrowed: list[tuple[int, bool, str]] = []

    def narrow(self, first_only: bool) -> None:
        """Note when, and in which thread."""
        self.narrowed.append((len(self.pieces), first_only, threading.current_thread().name))


async def test_an_engine_is_narrowed_in_its_own_thread_before_the_next_sound() -> None:
    """And told once of each change."""
    engine, house = Several(), House()
    house.worker = WakeWorker(engine, house.heard.append, house.posted.append)
    house.worker.start()
    assert house.worker.can_narrow
    for index, first_only in enumerate((False, True, True, False)):
        house.worker.narrow(first_only)
        house.worker.feed(QUIET)
        await house.until_scored((index + 1) * 1280)
    house.worker.close()
    assert engine.narrowed == [(1, True, "wake-word"), (3, False, "wake-word")]


async def test_an_engine_is_not_narrowed_to_a_word_that_is_not_heeded() -> None:
    """It would hear none; and what was narrowed before is not any more."""
    engine, house, heeded = Several(), House(), {"fake"}
    house.worker = WakeWorker(engine, house.heard.append, house.posted.append, heeds=lambda word: word in heeded)
    house.worker.start()
    house.worker.narrow(True)
    house.worker.feed(QUIET)
    await house.until_scored(1280)
    heeded.clear()
    assert not house.worker.can_narrow
    house.worker.feed(QUIET)
    await house.until_scored(2560)
    house.worker.close()
    assert engine.narrowed == [(0, True, "wake-word"), (1, False, "wake-word")]


async def test_an_engine_of_one_word_cannot_be_narrowed(house: House) -> None:
    """There is nothing that it could do without; asked all the same, it goes on."""
    assert not house.worker.can_narrow
    house.worker.narrow(True)
    house.worker.feed(WORD)
    await house.until_scored(1280)
    assert len(house.heard) == 1


async def test_an_engine_that_raises_is_reported_once_and_recovers(house: House) -> None:
    """It is reset and fed on; positions are right afterwards."""
    for pcm in (QUIET, BROKEN, BROKEN, WORD):
        house.worker.feed(pcm)
    await house.until_scored(4 * 1280)
    assert house.posted == [
        DeviceFailed(Device.WAKE_WORD, "the wake-word engine failed: bad model"),
        DeviceRecovered(Device.WAKE_WORD),
    ]
    assert house.engine.resets == 2
    assert [detection.end for detection in house.heard] == [4 * 1280]


async def test_the_age_of_the_last_inference_shows_an_engine_that_fails(house: House) -> None:
    """What failed does not count as scored."""
    house.worker.feed(QUIET)
    house.worker.feed(BROKEN)
    await until(lambda: bool(house.posted))
    assert house.worker.scored_samples == 1280


async def test_a_reset_reaches_the_engine_before_the_next_sound(house: House) -> None:
    """What was collected is forgotten, and counted all the same."""
    house.worker.feed(QUIET + b"\0\0" * 100)
    house.worker.feed(b"\0\0" * 77)
    house.worker.reset()
    house.worker.feed(WORD)
    await house.until_scored(1380 + 77 + 1280)
    assert house.engine.resets == 1
    assert house.heard[0].end == 1380 + 77 + 1280


class Skipping(FakeWakeWord):
    """An engine that can skip a part of the stream."""

    def __init__(self) -> None:
        super().__init__()
        self.skipped: list[int] = []

    def skip(self, samples: int) -> None:
        """Count it."""
        self.skipped.append(samples)
        self._position += samples


async def test_steps_end_with_the_blocks_of_a_card_once_no_word_is_under_way(house: House) -> None:
    """The engine skips what there was of a step, and detections are where they were in the stream."""
    house.engine = engine = Skipping()
    house.worker.close()
    house.worker = WakeWorker(engine, house.heard.append, house.posted.append)
    house.worker.start()
    engine.known = {"fake": 0.006}
    house.worker.feed(QUIET[:600])
    await feed_and_settle(house, 30, begun=300)
    assert not house.worker.is_punctual
    engine.known = {"fake": 0.0}
    await feed_and_settle(house, 5, begun=300)
    await until(lambda: not house.worker.expects_word)
    house.worker.feed(QUIET)
    assert house.worker.is_punctual
    house.worker.feed(3 * WORD)
    await until(lambda: bool(house.heard))
    assert engine.skipped == [300]
    assert engine.pieces == [*[1280] * 36, 3 * 1280]
    assert house.heard[0].end == 300 + 39 * 1280


async def test_an_engine_that_cannot_skip_is_never_punctual(house: House) -> None:
    """Nothing is dropped for it, and three steps at once would save it nothing."""
    await feed_and_settle(house, 30)
    house.worker.feed(QUIET[:600])
    await feed_and_settle(house, 30, begun=300)
    assert not house.worker.is_punctual
    assert house.worker._steps.begun_samples == 300


async def test_sound_fed_while_it_is_closed_is_counted_and_not_heard(house: House) -> None:
    """It can be started again."""
    house.worker.feed(WORD)
    await house.until_scored(1280)
    house.worker.close()
    house.worker.feed(WORD)
    house.worker.start()
    house.worker.feed(WORD)
    await house.until_scored(3 * 1280)
    assert [detection.end for detection in house.heard] == [1280, 3 * 1280]


async def test_closing_ends_the_thread_and_all_reports(house: House) -> None:
    """Also what was on its way."""
    house.worker.feed(WORD)
    house.worker.close()
    await asyncio.sleep(0)
    assert house.heard == []
    assert "wake-word" not in {thread.name for thread in threading.enumerate()}
    house.worker.close()


async def test_starting_twice_makes_one_thread(house: House) -> None:
    """A second start is harmless."""
    house.worker.start()
    assert [thread.name for thread in threading.enumerate()].count("wake-word") == 1


async def test_a_spoken_word_comes_through_the_real_engine_and_thread(
    say: Callable[..., object], silence: Callable[[float], object]
) -> None:
    """Fed in frames of 20 ms, as fast as it is scored, without falling behind."""
    heard: list[Detection] = []
    worker = WakeWorker(OpenWakeWord(["hey_jarvis"]), heard.append, lambda event: None)
    worker.start()
    pcm = b"".join(sound.tobytes() for sound in (silence(1.2), say("hey jarvis"), silence(0.8)))
    for at in range(0, len(pcm), FRAME * 2):
        worker.feed(pcm[at : at + FRAME * 2])
        if at % (FRAME * 40) == 0:
            await until(lambda: worker.scored_samples >= worker._asked, "the scores of what was fed")
    await until(lambda: heard, "the wake word")
    worker.close()
    assert heard[0].word == "hey_jarvis"
    assert worker.skipped_samples == 0


async def feed_and_settle(house: House, chunks: int, pcm: bytes = QUIET, begun: int = 0) -> None:
    """Feed chunks one by one, each listened to before the next, but for what has `begun` of another step."""
    for _ in range(chunks):
        house.worker.feed(pcm)
        await until(lambda fed=house.worker._fed: house.worker.scored_samples >= fed - begun, "a score")


async def test_an_engine_that_gives_no_numbers_is_told_of_as_deaf_once(caplog: pytest.LogCaptureFixture) -> None:
    """After two seconds, in which it is tried anew once; other words are still heard, and it may come back."""
    house = House()
    engine = house.engine = Senseless()
    house.worker = WakeWorker(engine, house.heard.append, house.posted.append, house.scores.append)
    house.worker.start()
    await feed_and_settle(house, 24)
    assert not house.posted
    await feed_and_settle(house, 60)
    (told,) = house.posted
    assert isinstance(told, DeviceFailed)
    assert told.device is Device.WAKE_WORD
    assert "fake are not numbers" in told.message
    assert engine.resets == 1
    assert caplog.text.count("not a number") == 1
    assert set(house.scores[-1].values()) == {0.0, 0.25}
    await feed_and_settle(house, 1, WORD)
    assert len(house.heard) == 1
    engine.score = 0.0
    await feed_and_settle(house, 24)
    assert len(house.posted) == 1
    await feed_and_settle(house, 1)
    assert house.posted[1:] == [DeviceRecovered(Device.WAKE_WORD)]
    house.worker.close()


async def test_a_single_score_that_is_no_number_is_noted_and_forgotten(caplog: pytest.LogCaptureFixture) -> None:
    """The device is not reported as deaf."""
    house = House()
    engine = house.engine = Senseless()
    house.worker = WakeWorker(engine, house.heard.append, house.posted.append)
    house.worker.start()
    for _ in range(5):
        engine.score = math.inf
        await feed_and_settle(house, 10)
        engine.score = 0.1
        await feed_and_settle(house, 1)
    assert not house.posted
    assert caplog.text.count("not a number") == 1
    house.worker.close()
