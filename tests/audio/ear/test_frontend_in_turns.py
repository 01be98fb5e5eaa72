"""The frontend while what takes long is done in several turns of the event loop."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import pytest

from device.audio.ear.frontend import Frontend
from device.audio.ear.gate import Gate
from device.audio.ear.preroll import PrerollRing
from device.audio.ear.segmenter import Segmenter
from device.core.events import VoiceStarted, VoiceStopped
from device.units import Hz, Samples
from tests.audio.ear.test_frontend import QUIET, VOICE, CountingVad, House

FRAME = 320


class TurningHouse(House):
    """A frontend that has turns."""

    def __init__(self) -> None:
        super().__init__()
        self.turns: deque[Callable[[], None]] = deque()
        self.vad, self.detector = CountingVad(), CountingVad()
        ring = PrerollRing()
        self.frontend = Frontend(
            ring=ring,
            gate=Gate(ring, Hz(16_000), self.sent.append),
            vad=self.vad,
            segmenter=Segmenter(),
            feed_wake=self.woken.append,
            reset_wake=self.reset_wake,
            post=self.posted.append,
            detector=self.detector,
            is_idle=lambda: self.idle,
            later=self.turns.append,
        )

    def take_turns(self) -> None:
        """Let the event loop come to all of it."""
        while self.turns:
            self.turns.popleft()()


@pytest.fixture
def house() -> TurningHouse:
    """Return one in which a voice has gone on for 800 ms when somebody needs to know of it, after 9.2 s of quiet."""
    house = TurningHouse()
    house.idle = True
    house.hear(QUIET, times=460)
    house.hear(VOICE, times=40)
    house.idle = False
    house.frontend.attend()
    return house


def test_what_was_missed_is_shown_in_parts(house: TurningHouse) -> None:
    """A second of it in each turn, and the voice told of in the last one."""
    shown = [len(house.detector.asked)]
    while house.turns:
        assert not house.posted
        house.turns.popleft()()
        shown.append(len(house.detector.asked))
    assert shown == [50 * part for part in range(1, 9)]
    assert [frame.position for frame in house.detector.asked] == [FRAME * n for n in range(100, 500)]
    assert house.posted == [VoiceStarted(Samples(460 * FRAME))]


def test_what_is_heard_meanwhile_is_judged_after_it(house: TurningHouse) -> None:
    """By what stands around the detector, in order, and not twice."""
    house.hear(VOICE, times=2)
    house.turns.popleft()()
    house.hear(QUIET, times=40)
    assert not house.vad.asked
    house.take_turns()
    house.hear(QUIET, times=20)
    assert [frame.position for frame in house.vad.asked] == [FRAME * n for n in range(500, 562)]
    assert house.posted == [VoiceStarted(Samples(460 * FRAME)), VoiceStopped(Samples(502 * FRAME + 1920))]


def test_an_idle_time_that_begins_meanwhile_finds_it_shown(house: TurningHouse) -> None:
    """Otherwise the detector would not know of it the next time."""
    house.idle = True
    house.hear(VOICE)
    assert len(house.detector.asked) == 400
    assert house.posted == [VoiceStarted(Samples(460 * FRAME)), VoiceStopped(Samples(500 * FRAME))]
    house.take_turns()
    assert not house.vad.asked
    assert len(house.posted) == 2


def test_an_interruption_forgets_it(house: TurningHouse) -> None:
    """What was said before a mute is not judged afterwards, and tells of no voice."""
    house.hear(VOICE)
    house.frontend.clear()
    house.take_turns()
    assert (len(house.detector.asked), house.vad.asked, house.posted) == (50, [], [])
    house.hear(VOICE, times=10)
    assert house.posted == [VoiceStarted(Samples(501 * FRAME))]
