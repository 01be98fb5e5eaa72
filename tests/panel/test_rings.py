"""Indication -> the pixels of a ring, over time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.core.indication import Indication
from device.foreign.pixels import Frame
from device.panel.patterns import DIMMABLE, FRAME, LIVE, WHITE
from device.panel.rings import FAINT, SHAPES, frame_of, next_change, volume_over
from device.panel.scene import dark, dimmed, is_lit
from device.units import Degrees, Ms

moments = st.floats(min_value=0, max_value=1e8, allow_nan=False).map(Ms)
counts = st.integers(2, 300)
indications = st.sampled_from(Indication)
directions = st.none() | st.floats(0, 359.9).map(Degrees)
NEVER_DARK = [*LIVE, Indication.WAKING, Indication.DEAF, Indication.FAULT, Indication.ERROR, Indication.MUTED]


def brightest(frame: Frame) -> float:
    """Return the level of its brightest pixel."""
    return max(map(max, frame))


@given(st.sampled_from(NEVER_DARK), moments, counts, directions)
def test_every_pixel_is_lit_while_sound_may_leave(
    indication: Indication, at: Ms, count: int, direction: Degrees | None
) -> None:
    """From wherever somebody looks at the ring; and in the faults that may cover an open gate."""
    frame = frame_of(indication, at, count, direction)
    assert min(map(max, frame)) >= 0.09
    assert brightest(frame) >= 0.09


@given(indications, moments, counts, directions)
def test_pixels_stay_between_zero_and_one(
    indication: Indication, at: Ms, count: int, direction: Degrees | None
) -> None:
    """And there are as many as asked for."""
    frame = frame_of(indication, at, count, direction)
    assert len(frame) == count
    assert all(0 <= part <= 1 for pixel in frame for part in pixel)


@given(indications, moments, counts)
def test_a_ring_has_the_colours_of_a_single_led(indication: Indication, at: Ms, count: int) -> None:
    """Each pixel is its colour, dimmed."""
    colour = DIMMABLE[indication].colour
    for pixel in frame_of(indication, at, count):
        level = max(pixel)
        assert pixel == pytest.approx(tuple(part * level for part in colour), abs=1e-9)


@given(indications.filter(lambda indication: indication not in SHAPES), moments, counts)
def test_where_nothing_is_gained_the_ring_moves_as_a_single_led(indication: Indication, at: Ms, count: int) -> None:
    """All of its pixels are that LED."""
    assert frame_of(indication, at, count) == (DIMMABLE[indication].colour_at(at),) * count


@pytest.mark.parametrize("indication", [Indication.IDLE, Indication.MUTED, Indication.LISTENING])
def test_what_lasts_stands_still(indication: Indication) -> None:
    """No timer, unless somebody tells where the voice is."""
    assert next_change(indication, Ms(123), follows_direction=False) is None


@given(indications, st.integers(0, 10**8).map(lambda us: Ms(us / 1000)), st.booleans())
def test_nothing_moves_more_often_than_25_times_a_second(indication: Indication, at: Ms, follows: bool) -> None:
    """Each frame is due after 40 ms, or at a jump."""
    wait = next_change(indication, at, follows)
    if wait is None:
        return
    assert wait > 0
    jumps = [point.at for point in DIMMABLE[indication].keyframes]
    at_a_jump = any((at + wait - jump) % max(1, DIMMABLE[indication].period) < 0.01 for jump in jumps)
    assert wait >= FRAME - 1e-6 or at_a_jump or indication is Indication.CONFIRMING


@given(st.floats(0, 359.9).map(Degrees), st.integers(4, 60))
def test_listening_is_brightest_where_the_voice_is(direction: Degrees, count: int) -> None:
    """At the pixel that is nearest, wherever it is; the opposite one is faint."""
    levels = [max(pixel) for pixel in frame_of(Indication.LISTENING, Ms(0), count, direction)]
    nearest = round(direction / 360 * count) % count
    assert levels[nearest] == pytest.approx(max(levels))
    assert levels[nearest] >= 0.66
    assert levels[(nearest + count // 2) % count] <= 0.5


@given(st.integers(0, 100), st.integers(3, 60), indications.filter(lambda one: DIMMABLE[one].colour != WHITE), moments)
def test_the_volume_is_read_from_the_white_pixels(percent: int, count: int, indication: Indication, at: Ms) -> None:
    """As many as the volume's share; and it never makes a ring dark that was lit."""
    below = frame_of(indication, at, count)
    frame = volume_over(below, percent)
    white = [pixel for pixel in frame if pixel[0] == pixel[1] == pixel[2] > 0]
    assert sum(pixel[0] for pixel in white) == pytest.approx(percent / 100 * count, abs=FAINT + 0.01)
    assert is_lit(frame)


@given(indications, moments, counts, st.floats(0.05, 1))
def test_dimming_never_puts_a_pixel_out(indication: Indication, at: Ms, count: int, brightness: float) -> None:
    """What is lit by day is seen at night."""
    frame = frame_of(indication, at, count)
    for bright, dim in zip(frame, dimmed(frame, brightness), strict=True):
        assert (max(dim) >= min(max(bright), 0.02) - 1e-9) if max(bright) > 0 else max(dim) == 0
        assert max(dim) <= max(bright) + 1e-9


def test_a_dark_frame_is_dark() -> None:
    """Whatever is done to it."""
    assert not is_lit(dark(12))
    assert dimmed(dark(12), 0.3) == dark(12)
