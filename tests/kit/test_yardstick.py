"""How fast Python is."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from device.kit.yardstick import add_up, python_ms


@given(st.integers(0, 200))
def test_it_adds_up(count: int) -> None:
    """Otherwise nothing would be measured."""
    assert add_up(count) == count * (count - 1) // 2


def test_the_quickest_part_counts() -> None:
    """Whatever came between in the others; and stands for the whole."""
    moments = itertools.accumulate([0.0, 0.009, 1.0, 0.002, 1.0, 0.005])
    assert round(python_ms(lambda: next(moments)), 6) == 20.0


def test_it_is_measured_on_this_machine() -> None:
    """By its own clock."""
    assert 0 < python_ms() < 1_000
