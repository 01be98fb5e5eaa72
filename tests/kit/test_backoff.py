"""Pauses between tries."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from device.kit.backoff import LONGEST_PAUSE_S, Backoff, pause_s


def test_pauses_grow_and_differ() -> None:
    """From a second to a minute."""
    assert [pause_s(failures, 0.5) for failures in (1, 2, 3, 20)] == [1, 2, 4, 60]
    assert pause_s(3, 0.0) == 3.0
    assert pause_s(3, 1.0) == 5.0


def test_a_connection_that_held_begins_anew() -> None:
    """What comes after an hour is no failure of what was before it."""
    backoff = Backoff(lambda: 0.5)
    assert [backoff.pause_s(0.1) for _ in range(3)] == [1, 2, 4]
    assert backoff.pause_s(3_600) == 1
    assert backoff.pause_s(1) == 2


@given(st.integers(1, 10_000), st.floats(0, 1))
def test_no_pause_is_endless_or_none(failures: int, chance: float) -> None:
    """Whatever chance says."""
    assert 0.75 <= pause_s(failures, chance) <= LONGEST_PAUSE_S * 1.25
