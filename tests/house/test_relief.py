"""A house that is too slow for its echo canceller: on the real way of the sound, in a time of its own."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from device.audio.ear.frontend import Frontend
from device.audio.ear.gate import Gate
from device.audio.ear.preroll import PrerollRing
from device.audio.ear.segmenter import Segmenter
from device.audio.echo import canceller as cancelling
from device.audio.echo.farend import FarEnd
from device.audio.echo.filter import EchoFilter
from device.audio.echo.loading import LateLoader
from device.audio.echo.worker import EchoWorker
from device.core import events as ev
from device.core.events import Event
from device.core.memory import Settings
from device.core.strain import Burden, StrainSettings
from device.house.relief import open_relief
from device.kit.threads import Threads
from device.units import CAPTURE_RATE, Hz, Samples
from tests.core.test_machine import House as Machine
from tests.core.test_machine import names

FRAME = CAPTURE_RATE // 50
RATE = Hz(24_000)
USUAL = StrainSettings()


class House:
    """Every 20 ms a frame comes from the microphone; what handles it takes its time."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.arrived = self.now = 0.0
        self.filter_s = self.module_s = 0.0
        """What 10 ms cost the two parts of the canceller."""
        self.rest_s = 0.004
        """What a frame costs all else."""
        self.facts: list[tuple[float, Event]] = []
        self.machine = Machine(Settings(barge_in="voice"))
        self.waited: list[tuple[float, float]] = []
        """When each frame was handled, and how long it had waited."""
        self.is_playing = False
        self._noise = np.random.default_rng(2)
        self._make_slow(monkeypatch)
        self.far_end = FarEnd(RATE)
        self.loader = LateLoader(self.far_end, self.post, Threads("loading"))
        self.loader.canceller.load()
        self.worker = _Wake()
        wings: Any = (
            SimpleNamespace(controller=SimpleNamespace(post=self.post, status=self.machine.machine.status)),
            SimpleNamespace(loader=self.loader),
            SimpleNamespace(worker=self.worker),
        )
        self._controller = wings[0].controller
        self.relief = open_relief(*wings, clock=lambda: self.now)
        self.frontend = self._open_frontend()

    def post(self, fact: Event) -> None:
        """Tell the machine."""
        self.facts.append((self.now, fact))
        self.machine.tell(fact)

    def of(self, kind: type) -> list[Any]:
        """Return the facts of a kind, with their moments."""
        return [(at, fact) for at, fact in self.facts if isinstance(fact, kind)]

    def run(self, seconds: float) -> None:
        """Let time pass."""
        for _ in range(round(seconds * 50)):
            self._play()
            self.arrived += 0.02
            self.now = max(self.now, self.arrived)
            self._controller.status = self.machine.machine.status
            self.waited.append((self.now, self.now - self.arrived))
            self.relief.note(self.now - self.arrived)
            self.now += self.rest_s
            sound = self._noise.integers(-300, 300, FRAME).astype("<i2")
            self.frontend.on_frame(sound.tobytes(), self.arrived - 0.02)

    def longest_wait_s(self, since: float) -> float:
        """Return how long a frame has waited at most since then."""
        return max(waited for at, waited in self.waited if at >= since)

    def _play(self) -> None:
        if self.is_playing:
            for part in range(4):
                sound = self._noise.integers(-9_000, 9_000, RATE // 200).astype("<i2")
                self.far_end.write(sound.tobytes(), RATE, self.arrived + 0.01 + 0.005 * part)

    def _make_slow(self, monkeypatch: pytest.MonkeyPatch) -> None:
        house = self

        class SlowFilter(EchoFilter):
            def process(self, near: Any, far: Any) -> Any:
                house.now += house.filter_s
                return super().process(near, far)

        class SlowModule:
            def process(self, block: bytes, far_end: bytes, rate: Hz) -> bytes:
                house.now += house.module_s
                return block

        monkeypatch.setattr(cancelling, "EchoFilter", SlowFilter)
        monkeypatch.setattr(cancelling, "AudioProcessing", SlowModule)

    def _open_frontend(self) -> Frontend:
        ring = PrerollRing()
        return Frontend(
            ring=ring,
            gate=Gate(ring, RATE, lambda pcm: None),
            vad=SimpleNamespace(is_voice=lambda frame: False),
            segmenter=Segmenter(),
            feed_wake=lambda pcm: None,
            reset_wake=lambda: None,
            post=self.post,
            canceller=self.loader.canceller,
        )


class _Wake:
    """A wake word that does not run."""

    overdue_s = 0.0
    can_narrow = can_doze = is_awake = is_scoring = False

    def __init__(self) -> None:
        self.asked: list[tuple[str, bool]] = []

    def narrow(self, first_only: bool) -> None:
        """Note it."""
        self.asked.append(("narrow", first_only))

    def hurry_to_doze(self, is_hurried: bool) -> None:
        """Note it."""
        self.asked.append(("hurry", is_hurried))


@pytest.fixture
def house(monkeypatch: pytest.MonkeyPatch) -> House:
    """In the middle of an answer, and quick enough so far."""
    house = House(monkeypatch)
    house.run(1.0)
    house.machine.speak()
    house.is_playing = True
    house.run(2.0)
    assert house.relief.given_up == ()
    assert house.loader.canceller.is_running
    return house


def late_since(house: House) -> float:
    """Return when the first frame was late."""
    return next(at for at, waited in house.waited if 1000 * waited > USUAL.late)


def test_a_house_too_slow_for_the_linear_part_gives_that_up_and_is_in_time(house: House) -> None:
    """Within 200 ms; a voice still interrupts."""
    house.filter_s, house.module_s = 0.008, 0.005
    house.run(3.0)
    [(at, fact)] = house.of(ev.LoadShed)
    assert fact.without == (Burden.ECHO_FILTER,)
    assert at - late_since(house) <= 0.2
    assert house.longest_wait_s(at + 0.5) <= 0.02
    assert house.of(ev.EchoCancellationLost) == []
    assert "Duck" in names(house.machine.tell(ev.VoiceStarted(Samples(1))))


def test_a_house_too_slow_for_any_canceller_is_interrupted_by_the_wake_word(house: House) -> None:
    """And by a voice no more; no sound waits for longer than 100 ms soon after."""
    house.filter_s, house.module_s = 0.008, 0.012
    house.run(3.0)
    [_, (at, fact)] = house.of(ev.LoadShed)
    assert fact.without == (Burden.ECHO_FILTER, Burden.ECHO_CANCELLER)
    assert at - late_since(house) <= 0.4
    assert len(house.of(ev.EchoCancellationLost)) == 1
    assert house.longest_wait_s(at + 0.2) <= 0.1
    assert not house.loader.canceller.is_running
    assert house.machine.tell(ev.VoiceStarted(Samples(1))) == []
    assert "StopPlayback" in names(house.machine.wake())


def test_what_was_given_up_comes_back_once_nobody_speaks_and_is_told(house: House) -> None:
    """On a machine that has become quick enough the next answer is as the first."""
    house.filter_s, house.module_s = 0.008, 0.012
    house.run(3.0)
    house.filter_s = house.module_s = 0.001
    house.run(USUAL.first_wait / 1000 + 2 * USUAL.in_time / 1000)
    assert len(house.relief.given_up) == 2, "the answer goes on"
    house.machine.tell(ev.ButtonClicked(Samples(1)))
    house.is_playing = False
    house.run(2 * USUAL.in_time / 1000 + 1)
    assert house.relief.given_up == ()
    assert len(house.of(ev.EchoCancellationRecovered)) == 1
    assert house.facts[-1][1] == ev.LoadShed(())
    house.machine.speak()
    house.is_playing = True
    house.run(1.0)
    assert house.loader.canceller.is_running
    assert "Duck" in names(house.machine.tell(ev.VoiceStarted(Samples(1))))


def test_a_house_that_stands_still_for_a_moment_gives_nothing_up(house: House) -> None:
    """150 ms, in the middle of an answer."""
    house.filter_s, house.module_s = 0.001, 0.001
    for _ in range(5):
        house.now += 0.15
        house.run(2.0)
    assert house.relief.most_behind_s >= 0.13
    assert house.of(ev.LoadShed) == []


def test_a_wake_word_that_is_overdue_narrows_and_then_rests_sooner(house: House) -> None:
    """Though the event loop is in time: it runs in another thread. The canceller runs, so it goes first."""
    house.worker.can_narrow = house.worker.can_doze = True
    house.worker.is_awake = house.worker.is_scoring = True
    house.worker.overdue_s = 0.3
    house.run(0.8)
    assert house.relief.behind_s == 0.3
    assert house.relief.given_up == tuple(Burden)
    assert house.worker.asked == [("narrow", True), ("hurry", True)]


def test_a_canceller_that_is_late_in_its_own_thread_is_given_up(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Though the event loop is in time."""
    monkeypatch.setattr(EchoWorker, "overdue_s", property(lambda worker: 0.15))
    house.run(0.3)
    assert house.relief.behind_s == 0.15
    assert house.relief.given_up[0] is Burden.ECHO_FILTER
