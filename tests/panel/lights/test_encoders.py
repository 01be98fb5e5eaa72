"""Colours -> bytes for the rings of arrays, to the bit."""

from __future__ import annotations

from device.foreign.pixels import Colour
from device.panel.lights.encoders import xvf3000, xvf3800

OFF: Colour = (0.0, 0.0, 0.0)
MIXED: Colour = (1.0, 0.5, 0.2)


def test_the_rings_of_arrays_get_twelve_times_four_bytes() -> None:
    """An XVF-3000 red, green, blue, 0; an XVF3800 0x00RRGGBB with its lowest byte first."""
    frame = (MIXED, *(OFF,) * 11)
    assert xvf3000(frame) == bytes.fromhex("ff803300") + bytes(44)
    assert xvf3800(frame) == bytes.fromhex("3380ff00") + bytes(44)
