"""The hours in which only what is urgent is said."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.core.quiethours import QuietHours, parse

MINUTES = st.integers(0, 1_439)


@pytest.mark.parametrize(
    ("now", "quiet"),
    [((21, 59), False), ((22, 0), True), ((23, 59), True), ((0, 0), True), ((6, 59), True), ((7, 0), False)],
)
def test_they_may_go_over_midnight(now: tuple[int, int], quiet: bool) -> None:
    """As nights do."""
    assert parse("22:00-07:00").cover(now[0] * 60 + now[1]) is quiet


@given(MINUTES, MINUTES, MINUTES)
def test_the_other_hours_are_those_that_are_not_quiet(begin: int, end: int, now: int) -> None:
    """Each minute belongs to one of both, unless they are none."""
    if begin != end:
        assert QuietHours(begin, end).cover(now) is not QuietHours(end, begin).cover(now)
    assert QuietHours(begin, end).cover(end) is False


@pytest.mark.parametrize("text", ["", "22-7", "22:00", "22:00-24:00", "22:60-07:00", "at night", "22:00-07:00-09:00"])
def test_what_are_no_hours_are_refused(text: str) -> None:
    """So that a person does not rely on them."""
    with pytest.raises(ValueError, match="no hours of a day"):
        parse(text)


def test_they_may_be_written_loosely() -> None:
    """One digit, and spaces."""
    assert parse(" 9:05 - 13:30 ") == QuietHours(9 * 60 + 5, 13 * 60 + 30)
