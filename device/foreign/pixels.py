"""Strips and rings of APA102 or WS2812: colours -> the bytes that the pixels understand. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from device.settings import PixelOrder

Colour = tuple[float, float, float]
"""Red, green, blue; 0 to 1 each."""

Frame = tuple[Colour, ...]
"""A colour for each pixel."""

APA102_HZ = 4_000_000
"""Fast enough for 300 pixels in 3 ms, and slow enough for wires as long as a hand; the chips take 8 MHz and more."""

WS2812_HZ = 3_200_000
"""Four bits of the bus for each bit of a pixel. A Raspberry Pi divides its clock by whole even numbers, so that it is
3.125 to 3.165 MHz, and a bit of the bus lasts 316 to 320 ns."""

APA102_ORDER: PixelOrder = "bgr"
WS2812_ORDER: PixelOrder = "grb"

_FULL = 31
"""An APA102 has 5 bits of brightness in front of the colours."""

# High for 0.32 and low for 0.96 us is a 0, the other way round a 1. Both are right by the data sheets of the WS2812B
# (0.25 to 0.55 us high for a 0, 0.65 us and more for a 1) and of its newer kind (V5: 0.22 to 0.38, and 0.58 to 1.0).
# Three bits at 2.4 MHz would be 0.42 us for a 0, too long for the newer ones.
_ZERO, _ONE = 0b1000, 0b1110
_RESET = bytes(120)
"""0.3 ms of low at WS2812_HZ: the newer kind takes what it has got after 0.28 ms.

It also comes first: on some controllers the line is high, or rises for a moment, before a transfer. And with it a
transfer is so long that the Pi's driver makes it by DMA: by hand it leaves a gap behind each byte.
"""


def apa102(frame: Frame, order: PixelOrder = APA102_ORDER) -> bytes:
    """Return a whole update: 32 zero bits, the pixels, and zeros until the last has taken its colour.

    The end is 32 bits more than the n/2 that shift it through: SK9822, which are sold as APA102, wait for those. It is
    of zeros, since ones would light a pixel behind the last.
    """
    pixels = b"".join(_apa102_pixel(colour, order) for colour in frame)
    return bytes(4) + pixels + bytes(4 + (len(frame) + 15) // 16)


@lru_cache(maxsize=64)
def _apa102_pixel(colour: Colour, order: PixelOrder) -> bytes:
    """Return 0xE0 | brightness, and three colours. As much as can be is said by the brightness, so that a dim light
    has as many shades as a bright one."""
    peak = max(colour)
    if peak <= 0:
        return b"\xe0\0\0\0"
    brightness = min(_FULL, int(peak * _FULL) + 1)
    scale = 255 * _FULL / brightness
    return bytes([0xE0 | brightness, *(min(255, round(part * scale)) for part in _ordered(colour, order))])


def ws2812(frame: Frame, order: PixelOrder = WS2812_ORDER) -> bytes:
    """Return a whole update for the data line of an SPI bus at WS2812_HZ."""
    return _RESET + b"".join(_ws2812_pixel(colour, order) for colour in frame) + _RESET


@lru_cache(maxsize=64)
def _ws2812_pixel(colour: Colour, order: PixelOrder) -> bytes:
    return b"".join(_AS_BITS[byte_of(part)] for part in _ordered(colour, order))


def _as_bits(value: int) -> bytes:
    bits = 0
    for place in range(7, -1, -1):
        bits = bits << 4 | (_ONE if value >> place & 1 else _ZERO)
    return bits.to_bytes(4, "big")


_AS_BITS = tuple(_as_bits(value) for value in range(256))


def byte_of(part: float) -> int:
    """Return a part of a colour as a byte."""
    return min(255, round(part * 255))


def _ordered(colour: Colour, order: PixelOrder) -> Colour:
    first, second, third = _PLACES[order]
    return (colour[first], colour[second], colour[third])


_PLACES: Mapping[PixelOrder, tuple[int, int, int]] = {
    "rgb": (0, 1, 2),
    "rbg": (0, 2, 1),
    "grb": (1, 0, 2),
    "gbr": (1, 2, 0),
    "brg": (2, 0, 1),
    "bgr": (2, 1, 0),
}
