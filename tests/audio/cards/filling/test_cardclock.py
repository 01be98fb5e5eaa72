"""When what is handed to a card reaches the DAC, whatever the card says."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from device.audio.cards.filling.cardclock import NEWEST, SLIP_S, CardClock
from device.units import Hz

RATE = Hz(24_000)
BLOCK = 120
BLOCK_S = BLOCK / RATE


def test_what_a_card_says_once_moves_nothing() -> None:
    """A jump of a second that is taken back."""
    clock = CardClock(RATE)
    for n in range(100):
        said = n * BLOCK_S + 0.015 + (1.0 if n == 50 else 0.0)
        assert abs(clock.place(BLOCK, said, n * BLOCK_S) - (n * BLOCK_S + 0.015)) < 1e-9


def test_what_a_card_says_again_and_again_is_believed() -> None:
    """Its sound has moved to another device."""
    clock = CardClock(RATE)
    for n in range(100):
        moment = clock.place(BLOCK, n * BLOCK_S + (0.015 if n < 50 else 0.2), n * BLOCK_S)
    assert abs(moment - (99 * BLOCK_S + 0.2)) <= SLIP_S


def test_after_a_break_the_next_moment_counts() -> None:
    """However near it is."""
    clock = CardClock(RATE)
    clock.place(BLOCK, 1.0, 1.0)
    clock.restart()
    assert clock.place(BLOCK, 1.002, 1.0) == 1.002


@settings(deadline=None)
@given(st.lists(st.floats(-5, 5), min_size=1, max_size=3 * NEWEST))
def test_nothing_sounds_before_it_was_handed_over(errors: list[float]) -> None:
    """Whatever the card says."""
    clock = CardClock(RATE)
    for n, error in enumerate(errors):
        assert clock.place(BLOCK, n * BLOCK_S + error, n * BLOCK_S) >= n * BLOCK_S
