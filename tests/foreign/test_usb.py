"""USB reads: the real pyusb on a bus in memory."""

from __future__ import annotations

import errno
import subprocess
import sys

import pytest

from device.errors import AudioError, ConfigError
from device.foreign.usb import UsbId, VendorRead, open_device
from device.sim.devices.usb import FakeUsbBus, FakeXvf3000, Transfer

ARRAY = UsbId(0x2886, 0x0018)
VOICE = VendorRead(value=0xE0, index=19, length=8)


def test_a_read_brings_what_the_device_sent() -> None:
    """Eight bytes of an XVF-3000: the flag, then an exponent."""
    bus = FakeUsbBus(FakeXvf3000(voice=True))
    device = open_device(ARRAY, bus)
    assert device.read(VOICE) == bytes([1, 0, 0, 0, 0, 0, 0, 0])
    assert bus.refused == []


def test_a_closed_device_is_let_go() -> None:
    """Closing twice is harmless, also when it was never read."""
    bus = FakeUsbBus(FakeXvf3000())
    device = open_device(ARRAY, bus)
    device.close()
    device.read(VOICE)
    assert bus.opened == 1
    device.close()
    device.close()
    assert bus.opened == 0


@pytest.mark.parametrize(
    "wrong",
    [
        VendorRead(value=0xA0, index=19, length=8),
        VendorRead(value=0xE0, index=20, length=8),
        VendorRead(value=0xE0, index=19, length=4),
        VendorRead(value=0xE0, index=19, length=8, request=1),
    ],
)
def test_the_bus_in_memory_refuses_what_the_chip_does_not_know(wrong: VendorRead) -> None:
    """Value, index, length and request are all looked at."""
    bus = FakeUsbBus(FakeXvf3000())
    with pytest.raises(AudioError, match=r"USB 2886:0018 cannot be read: .*Pipe error"):
        open_device(ARRAY, bus).read(wrong)
    assert bus.refused == [Transfer(0xC0, wrong.request, wrong.value, wrong.index, wrong.length)]


def test_a_device_that_is_not_there_is_named() -> None:
    """As lsusb would."""
    with pytest.raises(AudioError, match="there is no USB device 2886:001a; plug it in"):
        open_device(UsbId(0x2886, 0x001A), FakeUsbBus(FakeXvf3000()))


def test_a_device_that_is_pulled_out_fails_and_can_be_closed() -> None:
    """In the middle of its work."""
    array = FakeXvf3000()
    bus = FakeUsbBus(array)
    device = open_device(ARRAY, bus)
    device.read(VOICE)
    bus.pull(array)
    with pytest.raises(AudioError, match="No such device"):
        device.read(VOICE)
    device.close()


def test_a_forbidden_device_is_answered_with_the_udev_rule() -> None:
    """With its vendor in it."""
    bus = FakeUsbBus(FakeXvf3000())
    bus.failing = errno.EACCES
    with pytest.raises(AudioError, match=r'ATTR\{idVendor\}=="2886"'):
        open_device(ARRAY, bus).read(VOICE)


def test_a_short_answer_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a number would be a wrong number."""
    monkeypatch.setattr(FakeXvf3000, "answer", lambda self, transfer: b"\x01\x00")
    with pytest.raises(AudioError, match="answered 2 bytes instead of 8"):
        open_device(ARRAY, FakeUsbBus(FakeXvf3000())).read(VOICE)


def test_a_machine_without_libusb_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """pyusb tries three libraries."""
    for backend in ("libusb1", "libusb0", "openusb"):
        monkeypatch.setattr(f"usb.backend.{backend}.get_backend", lambda: None)
    with pytest.raises(ConfigError, match=r"sudo apt install libusb-1\.0-0"):
        open_device(ARRAY)


def test_pyusb_is_not_loaded_before_it_is_needed() -> None:
    """Most machines have no such array."""
    command = "import sys, device.audio.ear.hwvad; sys.exit('usb.core' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", command], check=False).returncode == 0
