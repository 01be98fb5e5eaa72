"""Colours -> bytes, to the bit."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.foreign.pixels import Colour, apa102, ws2812
from device.foreign.spidev import LONGEST
from device.sim.devices.spi import seen_apa102, seen_ws2812

OFF: Colour = (0.0, 0.0, 0.0)
RED: Colour = (1.0, 0.0, 0.0)
MIXED: Colour = (1.0, 0.5, 0.2)

parts = st.floats(0, 1)
frames = st.lists(st.tuples(parts, parts, parts), min_size=1, max_size=40).map(tuple)


def test_apa102_is_a_start_the_pixels_and_an_end() -> None:
    """32 zero bits; 0xE0 | brightness, blue, green, red; 32 zero bits and half a bit a pixel."""
    assert apa102((RED, OFF, MIXED)).hex(" ") == "00 00 00 00 ff 00 00 ff e0 00 00 00 ff 33 80 ff 00 00 00 00 00"


@pytest.mark.parametrize(("count", "end"), [(1, 5), (3, 5), (12, 5), (16, 5), (17, 6), (24, 6), (300, 23)])
def test_the_end_of_apa102_grows_with_the_pixels(count: int, end: int) -> None:
    """Half a bit for each, in whole bytes, behind the four that some of these chips wait for."""
    assert len(apa102((RED,) * count)) == 4 + 4 * count + end
    assert (end - 4) * 8 >= count / 2


def test_a_dim_apa102_says_it_by_its_brightness() -> None:
    """So that its colours keep their shades: a tenth is 4 of 31 steps, and most of what a byte can say."""
    assert apa102(((0.1, 0.05, 0.0),))[4:8].hex(" ") == "e4 00 63 c6"
    assert apa102(((0.001, 0.0, 0.0),))[4:8].hex(" ") == "e1 00 00 08"


def test_ws2812_is_four_bits_of_the_bus_for_each_of_a_pixel_between_two_gaps() -> None:
    """1000 is a 0 and 1110 is a 1; green, red, blue, the highest bit first."""
    transfer = ws2812(((1.0, 0.0, 1 / 255),))
    assert transfer[:120] == transfer[-120:] == bytes(120)
    assert transfer[120:-120].hex(" ") == "88 88 88 88 ee ee ee ee 88 88 88 8e"
    assert ws2812(((170 / 255, 0.0, 0.0),))[124:128].hex(" ") == "e8 e8 e8 e8"


def test_the_gap_of_ws2812_is_as_long_as_the_newer_kind_needs() -> None:
    """0.28 ms, also on the bus that is the fastest of those at which a Pi may run it."""
    assert 120 * 8 / 3.2e6 >= 0.00028


@pytest.mark.parametrize(
    ("order", "expected"),
    [("bgr", "ff 33 80 ff"), ("rgb", "ff ff 80 33"), ("grb", "ff 80 ff 33"), ("brg", "ff 33 ff 80")],
)
def test_pixels_of_another_order_get_it(order, expected: str) -> None:
    """As it is configured."""
    assert apa102((MIXED,), order)[4:8].hex(" ") == expected


@given(frames)
def test_the_pixels_see_what_was_meant(frame) -> None:
    """As the chips understand the bytes, to half a step of a byte; and what is lit is never sent as dark."""
    for seen, meant in zip(seen_apa102(apa102(frame), len(frame)), frame, strict=True):
        assert seen == pytest.approx(meant, abs=0.003)
    for seen, meant in zip(seen_ws2812(ws2812(frame), len(frame)), frame, strict=True):
        assert seen == pytest.approx(meant, abs=0.0021)


def test_the_longest_strip_fits_into_a_transfer() -> None:
    """What the settings allow is what the kernel takes at once."""
    frame = (MIXED,) * 300
    assert max(len(apa102(frame)), len(ws2812(frame))) <= LONGEST


def test_who_decodes_is_strict() -> None:
    """A test that cannot fail is a defect: bytes that the chips would not understand are refused."""
    good = apa102((RED,) * 3)
    for wrong in (good[1:], good[:-2], b"\x80" + good[1:], good[:4] + b"\x1f" + good[5:]):
        with pytest.raises(ValueError, match="APA102"):
            seen_apa102(wrong, 3)
    good = ws2812((RED,) * 3)
    for wrong in (good[:-100], good.replace(b"\xee", b"\xcc"), good[:121] + bytes(20) + good[121:]):
        with pytest.raises(ValueError, match=r"gap|high|pixels"):
            seen_ws2812(wrong, 3)
