"""Hardware that hears voices: the chips, the thread that asks them, and the fallback to software."""

from __future__ import annotations

import errno
import logging
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from device.audio.ear import hwvad
from device.audio.ear.hwvad import (
    FallbackVad,
    Poller,
    Reading,
    UsbDetector,
    open_vad,
)
from device.audio.ear.vad import WebRtcVad
from device.audio.frames import AudioFrame
from device.audio.settings import Audio
from device.boards.xvf import XVF3000_ID, XVF3800_ID, Xvf3000, Xvf3800
from device.errors import AudioError, ConfigError
from device.foreign.gpio import MockBoard
from device.house import configuration
from device.sim.devices.usb import FakeUsbBus, FakeXvf3000, FakeXvf3800
from device.units import Ms, Samples
from tests.waiting import block_until

FRAME = AudioFrame(bytes(640), Samples(0))


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hwvad, "POLL_S", 0.002)
    monkeypatch.setattr(hwvad, "RETRY_S", 0.002)


# The chips


def test_an_xvf3000_is_asked_for_its_voice_activity() -> None:
    """In the one form that it knows."""
    array = FakeXvf3000()
    bus = FakeUsbBus(array)
    detector = UsbDetector(XVF3000_ID, Xvf3000, bus)
    assert detector.read() is False
    array.voice = True
    assert detector.read() is True
    assert bus.refused == []


def test_an_array_that_comes_back_is_opened_again() -> None:
    """Its firmware is asked for anew: it may be another one."""
    old, new = FakeXvf3800((2, 0, 10), voice=True), FakeXvf3800((2, 0, 2), voice=True)
    bus = FakeUsbBus(old)
    detector = UsbDetector(XVF3800_ID, Xvf3800, bus)
    assert detector.read() is True
    bus.pull(old)
    for _ in range(2):
        with pytest.raises(AudioError):
            detector.read()
    assert bus.opened == 0
    bus.plug(new)
    assert detector.read() is True
    assert bus.refused == []
    detector.close()
    assert bus.opened == 0


# The thread


def test_the_detector_is_asked_in_another_thread_and_let_go_at_the_end() -> None:
    """Also when it hangs: nobody waits for its answer."""
    asked_by: list[int] = []
    closed = threading.Event()

    class Slow:
        def read(self) -> bool:
            asked_by.append(threading.get_ident())
            return True

        def close(self) -> None:
            closed.set()

    poller = Poller(Slow())
    poller.start()
    block_until(lambda: poller.newest is not None)
    poller.close()
    assert closed.is_set()
    assert threading.get_ident() not in asked_by


def test_a_failing_transfer_takes_the_reading_away_and_a_good_one_brings_it_back() -> None:
    """With the reason in between."""
    array = FakeXvf3000(voice=True)
    bus = FakeUsbBus(array)
    poller = Poller(UsbDetector(XVF3000_ID, Xvf3000, bus))
    poller.start()
    block_until(lambda: poller.newest is not None and poller.newest.voice)
    bus.failing = errno.EIO
    block_until(lambda: poller.newest is None)
    assert "Input/Output Error" in poller.problem
    bus.failing = None
    block_until(lambda: poller.newest is not None)
    assert poller.problem == ""
    poller.close()


def test_a_machine_that_cannot_talk_to_usb_is_not_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looking for libusb takes 50 ms, every time."""
    for backend in ("libusb1", "libusb0", "openusb"):
        monkeypatch.setattr(f"usb.backend.{backend}.get_backend", lambda: None)
    asked = []

    class Detector(UsbDetector):
        def read(self) -> bool | None:
            asked.append(1)
            return super().read()

    poller = Poller(Detector(XVF3000_ID, Xvf3000))
    poller.start()
    block_until(lambda: "libusb" in poller.problem)
    poller.close()
    assert asked == [1]


def test_an_endlessly_busy_chip_says_nothing_new() -> None:
    """Its last answer grows old."""
    array = FakeXvf3800(voice=True)
    bus = FakeUsbBus(array)
    poller = Poller(UsbDetector(XVF3800_ID, Xvf3800, bus))
    poller.start()
    block_until(lambda: poller.newest is not None)
    array.busy = 1_000_000
    asked = bus.transfers
    block_until(lambda: bus.transfers > asked + 2)
    last = poller.newest
    asked = bus.transfers
    block_until(lambda: bus.transfers > asked + 5)
    assert poller.newest is last
    poller.close()


@pytest.mark.parametrize("kind", ["xvf3000", "xvf3800"])
def test_the_direction_is_asked_for_only_while_somebody_wants_it(kind: str) -> None:
    """One more transfer each time would wake the chip for nothing."""
    array = FakeXvf3000(direction=120) if kind == "xvf3000" else FakeXvf3800((2, 0, 9), direction=120)
    bus = FakeUsbBus(array)
    identity, chip = (XVF3000_ID, Xvf3000) if kind == "xvf3000" else (XVF3800_ID, Xvf3800)
    now = [1000.0]
    poller = Poller(UsbDetector(identity, chip, bus), lambda: now[0])
    poller.start()
    block_until(lambda: poller.newest is not None)
    assert poller.newest is not None
    assert poller.newest.direction is None
    block_until(lambda: poller.direction() == pytest.approx(120, abs=0.01))
    now[0] += 2
    block_until(lambda: poller.newest is not None and poller.newest.direction is None)
    bus.pull(array)
    block_until(lambda: poller.newest is None)
    assert poller.direction() is None
    poller.close()
    assert bus.refused == []


# The fallback


class ScriptedVad:
    """Software that says what it is told to."""

    def __init__(self, voice: bool = False) -> None:
        self.voice = voice
        self.heard = 0

    def is_voice(self, frame: AudioFrame) -> bool:
        """See Vad."""
        self.heard += 1
        return self.voice


@dataclass
class Bench:
    """A FallbackVad between a hardware and a software that can be told what to say, and a clock by hand."""

    software: ScriptedVad = field(default_factory=ScriptedVad)
    newest: Reading | None = None
    problem: str = ""
    now_s: float = 1000.0

    def __post_init__(self) -> None:
        """Build it."""
        self.vad = FallbackVad(self, self.software, Ms(300), lambda: self.now_s)

    def says(self, voice: bool, age_ms: float = 0.0) -> None:
        """The hardware said so, that long ago."""
        self.newest = Reading(voice, Ms(self.now_s * 1000 - age_ms))


@pytest.fixture
def bench() -> Bench:
    """Return a bench."""
    return Bench()


@pytest.mark.parametrize("voice", [True, False])
def test_fresh_hardware_has_the_word(bench: Bench, voice: bool) -> None:
    """Whatever software hears; software hears every frame nevertheless."""
    bench.software.voice = not voice
    bench.says(voice, age_ms=299)
    assert bench.vad.is_voice(FRAME) is voice
    assert bench.vad.by_hardware
    assert bench.software.heard == 1


@pytest.mark.parametrize("voice", [True, False])
def test_an_old_reading_counts_for_nothing(bench: Bench, voice: bool) -> None:
    """Neither a voice that never ends nor a silence that never ends."""
    bench.software.voice = voice
    bench.says(not voice, age_ms=301)
    assert bench.vad.is_voice(FRAME) is voice
    assert not bench.vad.by_hardware


def test_a_loss_and_a_recovery_are_logged_once_each(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    """With the reason, not for every frame."""
    caplog.set_level(logging.INFO)
    bench.says(True)
    bench.vad.is_voice(FRAME)
    bench.newest, bench.problem = None, "USB 2886:0018 cannot be read"
    for _ in range(50):
        assert bench.vad.is_voice(FRAME) is False
    bench.problem = ""
    bench.says(True)
    for _ in range(50):
        assert bench.vad.is_voice(FRAME) is True
    lost, recovered = caplog.messages
    assert "USB 2886:0018 cannot be read; voices are heard by software" in lost
    assert "works again" in recovered
    assert bench.vad.fallbacks == 1


def test_hardware_that_comes_and_goes_does_not_fill_the_log(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    """One line in ten minutes; every loss is counted."""
    for _ in range(20):
        bench.says(True)
        bench.vad.is_voice(FRAME)
        bench.now_s += 1
        bench.vad.is_voice(FRAME)
    assert warnings(caplog) == 1
    assert bench.vad.fallbacks == 20
    bench.says(True)
    bench.vad.is_voice(FRAME)
    bench.now_s += 600
    bench.vad.is_voice(FRAME)
    assert warnings(caplog) == 2


def warnings(caplog: pytest.LogCaptureFixture) -> int:
    """How many lines are shown wherever the log is not asked for more."""
    return sum(record.levelno >= logging.WARNING for record in caplog.records)


def test_hardware_gets_a_moment_to_start(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    """Software hears voices until then; one that never says anything is told of."""
    monkeypatch.setattr(hwvad, "RETRY_S", 5.0)
    bench = Bench(ScriptedVad(True))
    assert bench.vad.is_voice(FRAME) is True
    assert caplog.messages == []
    bench.now_s += 6
    for _ in range(3):
        assert bench.vad.is_voice(FRAME) is True
    assert len(caplog.messages) == 1


def test_hardware_that_is_not_there_is_told_of_at_once(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    """The reason is known."""
    bench.problem = "there is no USB device 2886:001a"
    bench.vad.is_voice(FRAME)
    bench.vad.is_voice(FRAME)
    assert len(caplog.messages) == 1
    assert "there is no USB device 2886:001a" in caplog.messages[0]


# What the configuration makes of it


@pytest.fixture
def board() -> Iterator[MockBoard]:
    """Put mock pins in the place of the real ones."""
    board = MockBoard()
    yield board
    board.close()


@pytest.mark.parametrize("audio", [Audio(), Audio(vad="webrtc"), Audio(vad="webrtc", vad_pin=6)])
def test_without_hardware_there_is_only_software(audio: Audio) -> None:
    """No thread, no library."""
    with open_vad(audio) as vad:
        assert isinstance(vad, WebRtcVad)


@pytest.mark.parametrize("active_high", [True, False])
@pytest.mark.parametrize("vad", ["gpio", "auto"])
def test_a_pin_is_listened_to(board: MockBoard, vad: str, active_high: bool) -> None:
    """At either polarity; pulled to "no voice" when nothing is wired; let go at the end."""
    audio = configuration.parse({"audio": {"vad": vad, "vad_pin": 6, "vad_active_high": active_high}}).audio
    with open_vad(audio) as detector:
        block_until(lambda: not detector.is_voice(FRAME) and detector.by_hardware)
        board.drive(6, active_high)
        block_until(lambda: detector.is_voice(FRAME))
        board.drive(6, not active_high)
        block_until(lambda: not detector.is_voice(FRAME))
    with open_vad(audio):
        pass


def test_a_pin_that_cannot_be_used_is_refused_at_the_start(board: MockBoard) -> None:
    """The message names the key."""
    audio = Audio(vad="gpio", vad_pin=99)
    with pytest.raises(ConfigError, match=r"audio\.vad_pin: GPIO 99"), open_vad(audio):
        pass


@pytest.mark.parametrize(("vad", "array"), [("xvf3000", FakeXvf3000()), ("xvf3800", FakeXvf3800())])
def test_an_array_is_listened_to_over_usb(vad: str, array: FakeXvf3000 | FakeXvf3800) -> None:
    """Digital silence, and yet a voice: the chip says so. Pulled out, software goes on; the device is let go."""
    bus = FakeUsbBus(array)
    with open_vad(configuration.parse({"audio": {"vad": vad}}).audio, bus) as detector:
        array.voice = True
        block_until(lambda: detector.is_voice(FRAME))
        bus.pull(array)
        block_until(lambda: not detector.is_voice(FRAME))
        assert not detector.by_hardware
        bus.plug(array)
        block_until(lambda: detector.is_voice(FRAME))
    assert bus.opened == 0
    assert bus.refused == []
