"""Colours -> the bytes that the rings of USB arrays understand. Pure functions."""

from __future__ import annotations

from device.foreign.pixels import Frame, byte_of


def xvf3000(frame: Frame) -> bytes:
    """Return red, green, blue and 0 of each pixel: command 6 of respeaker/pixel_ring's wiki, "LED Control Protocol"."""
    return b"".join(bytes([*map(byte_of, colour), 0]) for colour in frame)


def xvf3800(frame: Frame) -> bytes:
    """Return 0xRRGGBB of each pixel as a little-endian uint32: LED_RING_COLOR, as LED_COLOR in the maker's README."""
    return b"".join(bytes([*map(byte_of, reversed(colour)), 0]) for colour in frame)
