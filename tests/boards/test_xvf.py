"""The chips of microphone arrays, on a bus in memory that knows only what the real ones do."""

from __future__ import annotations

import pytest

from device.boards.xvf import XVF3800_ID, Xvf3800
from device.errors import AudioError
from device.foreign.usb import open_device
from device.sim.devices.usb import FakeUsbBus, FakeXvf3800


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
