"""What every voice detector does: software alone, and hardware with software behind it."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pytest

from device.audio.ear import hwvad
from device.audio.ear.hwvad import open_vad
from device.audio.ear.segmenter import Segmenter
from device.audio.ear.vad import Vad
from device.audio.frames import AudioFrame, Rechunker
from device.core.events import VoiceStarted, VoiceStopped
from device.errors import PanelError
from device.foreign.gpio import MockBoard
from device.house import configuration
from device.sim.devices.usb import FakeUsbBus, FakeXvf3000, FakeXvf3800
from device.units import Samples
from tests.waiting import block_until

PIN = 6
HARDWARE = ("gpio", "xvf3000", "xvf3800", "xvf3800 of old")


def voice(seconds: float) -> bytes:
    """Return something with the pitch, the formants and the rhythm of a voice."""
    moments = np.arange(int(16_000 * seconds)) / 16_000
    phase = 2 * np.pi * np.cumsum(120 + 15 * np.sin(2 * np.pi * 3 * moments)) / 16_000
    wave = sum(np.exp(-(((n * 120 - 600) / 500) ** 2)) * np.sin(n * phase) for n in range(1, 25))
    return bytes((2500 * wave).clip(-32_000, 32_000).astype("<i2").tobytes())


def room(seconds: float) -> bytes:
    """Return the hiss of a quiet room."""
    return bytes(np.random.default_rng(7).normal(0, 30, int(16_000 * seconds)).astype("<i2").tobytes())


@dataclass
class Subject:
    """A detector, and a world in which somebody speaks."""

    vad: Vad
    speak: Callable[[bool], None]
    """Let the hardware, if any, hear a voice or none."""
    break_down: Callable[[], None]
    """Break the hardware, if any, for good."""

    def share(self, pcm: bytes, frame_ms: int = 20) -> float:
        """Return the share of frames in which it hears a voice."""
        frames = Rechunker(Samples(16 * frame_ms)).process(pcm)
        return sum(self.vad.is_voice(frame) for frame in frames) / len(frames)

    def until_share(self, pcm: bytes, enough: Callable[[float], bool], frame_ms: int = 20) -> None:
        """Play it again and again until the hardware's word has come through."""
        block_until(lambda: enough(self.share(pcm, frame_ms)), "enough voice")


@pytest.fixture(params=["webrtc", *HARDWARE])
def subject(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Subject]:
    """Yield each detector, opened as the configuration says."""
    monkeypatch.setattr(hwvad, "POLL_S", 0.002)
    monkeypatch.setattr(hwvad, "RETRY_S", 0.002)
    array = (
        FakeXvf3000() if request.param == "xvf3000" else FakeXvf3800((2, 0, 7) if "old" in request.param else (2, 1, 0))
    )
    bus = FakeUsbBus(array)
    with contextlib.closing(MockBoard()) as board:

        def speak(on: bool) -> None:
            array.voice = on
            board.drive(PIN, on)

        def break_down() -> None:
            bus.failing = errno.EIO
            monkeypatch.setattr("device.foreign.gpio.Input.is_active", property(_broken))

        audio = configuration.parse({"audio": {"vad": request.param.split()[0], "vad_pin": PIN}}).audio
        with open_vad(audio, bus) as vad:
            yield Subject(vad, speak, break_down)
    assert bus.refused == []


def _broken(_: object) -> bool:
    raise PanelError("the input pin cannot be used any more; check its wiring")


@pytest.mark.parametrize("frame_ms", [10, 20, 30])
def test_a_voice_is_told_from_a_quiet_room(subject: Subject, frame_ms: int) -> None:
    """At every length of frame."""
    subject.speak(False)
    subject.until_share(room(0.5), lambda share: share == 0, frame_ms)
    subject.speak(True)
    subject.until_share(voice(0.5), lambda share: share > 0.8, frame_ms)
    subject.speak(False)
    subject.until_share(room(0.5), lambda share: share == 0, frame_ms)


def test_a_frame_of_another_length_is_refused(subject: Subject) -> None:
    """Whoever listens just now: it would be a fault of ours."""
    with pytest.raises(ValueError, match="not of 15 ms"):
        subject.vad.is_voice(AudioFrame(bytes(480), Samples(0)))


def test_a_voice_is_heard_when_the_hardware_has_failed(subject: Subject) -> None:
    """Software knows the room by then."""
    subject.speak(False)
    subject.until_share(room(0.5), lambda share: share == 0)
    subject.break_down()
    subject.until_share(voice(0.5), lambda share: share > 0.8)
    subject.until_share(room(0.5), lambda share: share == 0)


def test_the_segmenter_makes_a_voice_of_it(subject: Subject) -> None:
    """One that starts and one that stops."""
    segmenter, rechunker = Segmenter(), Rechunker(Samples(320))
    facts: list[VoiceStarted | VoiceStopped] = []

    def hear(pcm: bytes, until: int) -> None:
        def has_heard() -> bool:
            for frame in rechunker.process(pcm):
                fact = segmenter.process(subject.vad.is_voice(frame), frame.position, frame.end)
                facts.extend([fact] if fact else [])
            return len(facts) >= until

        block_until(has_heard, f"{until} facts")

    subject.speak(False)
    subject.until_share(room(0.5), lambda share: share == 0)
    subject.speak(True)
    hear(voice(0.4), 1)
    subject.speak(False)
    hear(room(1.0), 2)
    assert [type(fact) for fact in facts] == [VoiceStarted, VoiceStopped]
