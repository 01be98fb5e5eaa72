"""What the kernel tells of USB devices and of a HAT."""

from __future__ import annotations

from pathlib import Path

from device.foreign.plugged import Hat, read_hat, read_usb
from device.foreign.usb import UsbId
from tests.boards.boards import plug_in_hat, plug_in_usb


def test_devices_are_told_by_their_ids_and_interfaces_are_passed_over(tmp_path: Path) -> None:
    """As /sys has them: in hexadecimal, with a line end."""
    plug_in_usb(tmp_path, "1d6b:0002")
    plug_in_usb(tmp_path, "2886:001a")
    assert read_usb(tmp_path / "sys/bus/usb/devices") == {UsbId(0x1D6B, 2), UsbId(0x2886, 0x1A)}


def test_a_hats_texts_end_where_the_device_tree_ends_them(tmp_path: Path) -> None:
    """With a zero."""
    plug_in_hat(tmp_path, "Pi-CodecZero")
    assert read_hat(tmp_path / "proc/device-tree/hat") == Hat("Pi-CodecZero", "somebody", "0x0001")


def test_where_there_is_neither_nothing_is_told(tmp_path: Path) -> None:
    """A container, or a machine that is no Pi."""
    assert read_usb(tmp_path / "nothing") == frozenset()
    assert read_hat(tmp_path / "nothing") is None
