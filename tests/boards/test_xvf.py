"""The chips of microphone arrays, on a bus in memory that knows only what the real ones do."""

from __future__ import annotations

import pytest

from device.boards import xvfring
from device.boards.xvf import XVF3000_ID, XVF3800_ID, Xvf3000, Xvf3800
from device.boards.xvfring import Xvf3800Ring
from device.errors import AudioError
from device.foreign.usb import VendorWrite, open_device
from device.sim.devices.usb import FakeUsbBus, FakeXvf3000, FakeXvf3800


@pytest.mark.parametrize("firmware", [(2, 0, 2), (2, 0, 6), (2, 0, 9), (2, 0, 10), (2, 1, 0), (3, 0, 0)])
def test_an_xvf3800_is_asked_in_the_way_its_firmware_can_be_trusted(firmware: tuple[int, int, int]) -> None:
    """Before 2.0.10 the flag stands still, before 2.0.6 there is none; the answer is right all the same."""
    array = FakeXvf3800(firmware)
    bus = FakeUsbBus(array)
    chip = Xvf3800(open_device(XVF3800_ID, bus))
    answers = []
    for voice in (False, True, True, False, True):
        array.voice = voice
        answers.append(chip.hears_voice())
    assert answers == [False, True, True, False, True]
    assert bus.refused == []


@pytest.mark.parametrize("firmware", [(2, 0, 7), (2, 0, 10)])
def test_a_busy_xvf3800_is_asked_again_later(firmware: tuple[int, int, int]) -> None:
    """Its status says so, before it told its firmware and after; zeros behind that status are no answer."""
    array = FakeXvf3800(firmware, voice=True, busy=2)
    chip = Xvf3800(open_device(XVF3800_ID, FakeUsbBus(array)))
    assert [chip.hears_voice() for _ in range(3)] == [None, None, True]
    array.busy = 1
    assert [chip.hears_voice() for _ in range(2)] == [None, True]


def test_an_xvf3800_that_refuses_is_an_error() -> None:
    """Any other status; the message says what was asked."""
    chip = Xvf3800(open_device(XVF3800_ID, FakeUsbBus(FakeXvf3800(status=3))))
    with pytest.raises(AudioError, match=r"status 3, resource 48, command 0"):
        chip.hears_voice()


@pytest.mark.parametrize("firmware", [(2, 0, 2), (2, 0, 7), (2, 0, 9), (2, 0, 10), (2, 1, 0)])
def test_an_xvf3800_tells_where_a_voice_comes_from(firmware: tuple[int, int, int]) -> None:
    """By what comes with its flag where that is live, by its beams before; nothing but what it knows is asked."""
    array = FakeXvf3800(firmware, direction=210)
    bus = FakeUsbBus(array)
    chip = Xvf3800(open_device(XVF3800_ID, bus))
    chip.hears_voice()
    assert chip.direction() == pytest.approx(210, abs=0.01)
    array.direction = 30
    chip.hears_voice()
    assert chip.direction() == pytest.approx(30, abs=0.01)
    assert bus.refused == []


def test_an_xvf3000_tells_where_a_voice_comes_from() -> None:
    """In whole degrees."""
    bus = FakeUsbBus(FakeXvf3000(direction=300))
    assert Xvf3000(open_device(XVF3000_ID, bus)).direction() == 300
    assert bus.refused == []


@pytest.mark.parametrize("length", [47, 49])
def test_the_bus_in_memory_refuses_colours_of_another_length(length: int) -> None:
    """And whatever is no light: nothing can be saved in a chip by mistake."""
    bus = FakeUsbBus(FakeXvf3000(), FakeXvf3800())
    for identity, what in ((XVF3000_ID, VendorWrite(6, 0x1C)), (XVF3800_ID, VendorWrite(19, 20))):
        with pytest.raises(AudioError, match=r"cannot be written to: .*Pipe error"):
            open_device(identity, bus).write(what, bytes(length))
    with pytest.raises(AudioError, match="Pipe error"):
        open_device(XVF3800_ID, bus).write(VendorWrite(9, 48), bytes([1]))
    assert len(bus.refused) == 3


def test_a_ring_that_is_always_busy_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is asked for a while, and then told."""
    monkeypatch.setattr(xvfring, "_PAUSE_S", 0.0)
    with pytest.raises(AudioError, match="always busy"):
        Xvf3800Ring(open_device(XVF3800_ID, FakeUsbBus(FakeXvf3800(busy=1000))))
