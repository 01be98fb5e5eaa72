"""How much agents may ask for."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from device.control.agents.allowance import MOST_AT_ONCE, Allowance
from device.units import Ms


def test_so_many_in_a_minute_and_then_again() -> None:
    """The minute begins with the first of them."""
    allowance = Allowance("speeches", 2)
    for now in (0, 30_000):
        assert allowance.begin(Ms(now)) == ""
        allowance.end()
    assert allowance.begin(Ms(59_999)) == "not done: more than 2 speeches in a minute; wait a minute"
    assert allowance.begin(Ms(60_000)) == ""


def test_so_many_at_once() -> None:
    """One that ends makes room; one that was refused has taken nothing."""
    allowance = Allowance("orders", 100)
    assert [allowance.begin(Ms(0)) for _ in range(MOST_AT_ONCE)] == [""] * MOST_AT_ONCE
    assert "still under way" in allowance.begin(Ms(0))
    allowance.end()
    assert allowance.begin(Ms(0)) == ""


@given(st.integers(1, 20), st.lists(st.integers(0, 5_000), max_size=200))
def test_never_more_in_a_window_of_a_minute_than_twice_the_ration(limit: int, pauses: list[int]) -> None:
    """However they come."""
    allowance, now, begun = Allowance("orders", limit), 0, []
    for pause in pauses:
        now += pause
        if not allowance.begin(Ms(now)):
            begun.append(now)
            allowance.end()
    assert all(len([at for at in begun if first <= at < first + 60_000]) <= 2 * limit for first in begun)
