"""How bright the lights are by day and at night."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.panel.dimming import Dimming
from device.panel.settings import Led, minute_of

NIGHT = Led(driver="apa102", pixels=12, brightness=0.5, night_brightness=0.1, night_from="22:30", night_to="06:00")


@pytest.mark.parametrize(
    ("minute", "expected"),
    [(22 * 60 + 29, 0.5), (22 * 60 + 30, 0.1), (0, 0.1), (5 * 60 + 59.9, 0.1), (6 * 60, 0.5), (12 * 60, 0.5)],
)
def test_the_night_goes_over_midnight(minute: float, expected: float) -> None:
    """From its first minute up to its last."""
    assert Dimming(NIGHT).brightness(minute) == expected


def test_a_night_may_be_in_the_day() -> None:
    """For who sleeps then."""
    dimming = Dimming(Led(pin=18, night_brightness=0.1, night_from="08:00", night_to="15:00"))
    assert [dimming.brightness(hour * 60) for hour in (7, 8, 14, 15, 23)] == [1.0, 0.1, 0.1, 1.0, 1.0]


def test_pixels_are_not_as_bright_as_they_can_be_unless_somebody_wants_that() -> None:
    """A single LED is."""
    assert Dimming(Led(pin=18)).brightness(0) == 1.0
    assert Dimming(Led(driver="ws2812", pixels=12)).brightness(0) == 0.3
    assert Dimming(Led(driver="xvf3800", brightness=1.0)).brightness(0) == 1.0


def test_without_a_night_nobody_looks_at_the_clock() -> None:
    """An unmoving light costs nothing."""
    assert Dimming(Led(pin=18)).next_change(600) is None
    assert Dimming(Led(pin=18, brightness=0.4, night_brightness=0.4)).next_change(600) is None


@given(st.floats(0, 1439.99))
def test_the_change_is_waited_for_and_not_missed(minute: float) -> None:
    """An hour at most, for clocks are set; and what holds now holds until then."""
    dimming = Dimming(NIGHT)
    wait = dimming.next_change(minute)
    assert wait is not None
    assert 0 < wait <= 60 * 60_000
    for share in (0.1, 0.5, 0.99):
        assert dimming.brightness((minute + share * wait / 60_000) % 1440) == dimming.brightness(minute)


@pytest.mark.parametrize(
    ("text", "minute"),
    [
        *[("00:00", 0), ("7:05", 425), ("23:59", 1439)],
        *[(text, None) for text in ("24:00", "12:60", "12", "a:00", "1:2", "", "-1:00")],
    ],
)
def test_a_time_of_day_is_read_strictly(text: str, minute: int | None) -> None:
    """Hours and minutes."""
    assert minute_of(text) == minute
