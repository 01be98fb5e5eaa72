"""What of the stream reaches the recogniser of stop words, and what becomes of what it hears."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.core.events import Event, StopWordHeard, VoiceStarted, VoiceStopped
from device.core.status import Phase, Status
from device.units import Samples
from device.wake.stopword.listener import AFTER, BEFORE, StopListener

FRAME = 320
QUIET = Status()
SOUNDING = Status(phase=Phase.SPEAKING, heeds_stop=True)
RINGING = Status(ringing=True, heeds_stop=True)


class FakeRecogniser:
    """Keeps what it hears, one piece of sound for each time that it begins; its word is a sample of 1000."""

    def __init__(self) -> None:
        self.voices: list[bytes] = []
        self.eager: list[bool] = []
        self.broken = False
        self.rests = 0

    def rest(self) -> None:
        """Count."""
        self.rests += 1

    def begin(self, eager: bool = False) -> None:
        """Begin another."""
        self.eager.append(eager)
        self.voices.append(b"")

    def hear(self, pcm: bytes) -> str:
        """Add to it."""
        if self.broken:
            raise RuntimeError("a secret")
        self.voices[-1] += pcm
        return "stop" if 1000 in np.frombuffer(pcm, "<i2") else ""


class Stage:
    """A listener whose recogniser runs at once; every sample of the stream is its own position, modulo 500."""

    def __init__(self, run: Callable[[Callable[[], object]], object] = lambda call: call()) -> None:
        self.recogniser = FakeRecogniser()
        self.facts: list[Event] = []
        self.listener = StopListener(self.recogniser, self.facts.append, run)
        self.status = QUIET
        self.position = 0

    def feed(self, frames: int, word: bool = False) -> None:
        """Go on by so many frames."""
        for _ in range(frames):
            sound = np.arange(self.position, self.position + FRAME) % 500
            self.position += FRAME
            self.listener.feed((sound + 1000 * word * (sound == 0)).astype("<i2").tobytes())

    def be(self, status: Status) -> None:
        """Tell of another status."""
        self.status = status
        self.listener.observe(StopWordHeard(""), status)

    def voice(self, ago: int = 1600) -> None:
        """A voice is noticed, which began so many samples ago."""
        self.listener.observe(VoiceStarted(Samples(self.position - ago)), self.status)

    def silence(self) -> None:
        """It is over."""
        self.listener.observe(VoiceStopped(Samples(self.position)), self.status)

    @property
    def heard(self) -> list[tuple[int, int]]:
        """How much of each voice was heard, and what its first sample was."""
        voices = [np.frombuffer(pcm, "<i2") for pcm in self.recogniser.voices]
        return [(len(voice), int(voice[0]) if len(voice) else -1) for voice in voices]


@pytest.mark.parametrize(
    ("status", "eager"),
    [
        (RINGING, True),
        (SOUNDING, False),
        (replace(SOUNDING, ringing=True), False),
        (replace(RINGING, announcing=True), False),
    ],
)
async def test_over_a_ring_alone_it_is_eager(status: Status, eager: bool) -> None:
    """Over whatever is said, other words are said, too."""
    stage = Stage()
    stage.be(status)
    stage.feed(50)
    stage.voice()
    stage.feed(30)
    assert stage.recogniser.eager == [eager]


async def test_a_voice_over_what_sounds_is_heard_from_before_its_onset_to_after_its_end() -> None:
    """No more, and no less."""
    stage = Stage()
    stage.feed(10)
    stage.be(SOUNDING)
    stage.feed(50)
    onset = stage.position - 1600
    stage.voice()
    stage.feed(30)
    stage.silence()
    end = stage.position
    stage.feed(50)
    assert stage.heard == [(end + AFTER - onset + BEFORE, (onset - BEFORE) % 500)]


async def test_nothing_is_heard_while_nothing_sounds() -> None:
    """Whoever speaks then."""
    stage = Stage()
    stage.feed(50)
    stage.voice()
    stage.feed(50)
    assert stage.heard == []


async def test_a_voice_that_goes_on_when_something_begins_to_sound_is_heard_from_then_on() -> None:
    """An alarm that rings in the middle of a talk."""
    stage = Stage()
    stage.voice()
    stage.feed(50)
    stage.be(SOUNDING)
    began = stage.position
    stage.feed(20)
    assert stage.heard == [(20 * FRAME, began % 500)]


async def test_the_word_is_told_once_and_the_rest_of_the_voice_is_not_heard() -> None:
    """Whatever follows it."""
    stage = Stage()
    stage.be(SOUNDING)
    stage.voice()
    stage.feed(10, word=True)
    await asyncio.sleep(0)
    stage.feed(10, word=True)
    await asyncio.sleep(0)
    assert stage.facts == [StopWordHeard("stop")]
    assert len(stage.heard) == 1


async def test_a_voice_that_silenced_the_answer_is_heard_to_the_end_of_a_word() -> None:
    """The answer stops before the word is over; but a long talk is no stop word."""
    stage = Stage()
    stage.be(SOUNDING)
    stage.voice(0)
    stage.feed(10)
    stage.be(QUIET)
    stage.feed(200)
    [(length, _)] = stage.heard
    assert 10 * FRAME + 24_000 <= length <= 10 * FRAME + 24_000 + FRAME


async def test_the_recogniser_rests_when_nothing_sounds_any_more() -> None:
    """Once, after the voice that is still heard; and not if it never heard anything."""
    stage = Stage()
    stage.be(SOUNDING)
    stage.be(QUIET)
    assert stage.recogniser.rests == 0
    stage.be(SOUNDING)
    stage.voice()
    stage.feed(10)
    stage.be(QUIET)
    assert stage.recogniser.rests == 0
    stage.silence()
    stage.feed(20)
    stage.feed(200)
    assert stage.recogniser.rests == 1


async def test_after_a_stop_word_the_recogniser_rests() -> None:
    """What sounded is over."""
    stage = Stage()
    stage.be(SOUNDING)
    stage.voice()
    stage.feed(10, word=True)
    stage.be(QUIET)
    await asyncio.sleep(0)
    assert stage.recogniser.rests == 1


async def test_a_ring_is_told_of_a_voice_that_may_say_a_stop_word() -> None:
    """It gives way; and nobody is told while nothing sounds."""
    stage, told = Stage(), []
    stage.listener.on_voice = lambda: told.append(stage.position)
    stage.voice()
    stage.be(RINGING)
    stage.feed(10)
    stage.voice()
    assert told == [stage.position]


async def test_an_interrupted_stream_is_forgotten() -> None:
    """What is before a break is not heard with what is after it."""
    stage = Stage()
    stage.be(SOUNDING)
    stage.feed(30)
    stage.listener.forget()
    stage.voice()
    stage.feed(5)
    assert stage.heard == [(5 * FRAME, stage.heard[0][1])]


async def test_a_recogniser_that_fails_is_switched_off_and_complained_of_once(caplog: pytest.LogCaptureFixture) -> None:
    """Without the text of its error, which might quote somebody."""
    stage = Stage()
    stage.recogniser.broken = True
    stage.be(SOUNDING)
    for _ in range(2):
        stage.voice()
        stage.feed(10)
        await asyncio.sleep(0)
    assert len(caplog.records) == 1
    assert "a secret" not in caplog.text
    assert len(stage.recogniser.voices) == 1


async def test_a_recogniser_that_cannot_keep_up_is_not_given_more_and_more() -> None:
    """Two seconds of frames may wait for it."""
    waiting: list[Callable[[], object]] = []
    stage = Stage(waiting.append)
    stage.be(SOUNDING)
    stage.voice()
    stage.feed(1000)
    assert len(waiting) == 100
    for call in waiting:
        call()
    stage.feed(1)
    assert len(waiting) == 101


@given(st.lists(st.sampled_from(["sounds", "quiet", "voice", "silence", "frames"]), max_size=40))
def test_nothing_but_voices_that_began_or_went_on_while_something_sounded_is_heard(steps: list[str]) -> None:
    """In whatever order things happen; and what is heard is the stream, without gaps."""
    asyncio.run(_play(steps))


async def _play(steps: list[str]) -> None:
    stage, sounded = Stage(), False
    for step in steps:
        match step:
            case "sounds" | "quiet":
                stage.be(replace(stage.status, heeds_stop=step == "sounds"))
                sounded = sounded or step == "sounds"
            case "voice":
                stage.voice(0)
            case "silence":
                stage.silence()
            case "frames":
                stage.feed(20)
    assert sounded or not stage.heard
    for pcm in stage.recogniser.voices:
        steps_between = np.diff(np.frombuffer(pcm, "<i2").astype(int)) % 500
        assert np.all(steps_between == 1)
