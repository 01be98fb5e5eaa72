"""How much is kept ahead in a loudspeaker's card."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from device.audio.cards.filling.depth import FIRST_MS, LEAST_MS, MOST_MS, STEP_MS, Depth, Need, first_need

TURN_S = 0.005


class Machine:
    """Fills a card up every 5 ms, and comes `late_ms` too late once in a while."""

    def __init__(self, late_ms: float, every_s: float, need: Need | None = None) -> None:
        self.depth = Depth(need)
        self.dry = 0
        self._late_ms = late_ms
        self._every = round(every_s / TURN_S)
        self._turns = 0

    def run(self, seconds: float) -> None:
        """Let time pass."""
        for _ in range(round(seconds / TURN_S)):
            self._turns += 1
            left = self.depth.ahead_ms - 5 - (self._late_ms if self._turns % self._every == 0 else 0)
            if left <= 0:
                self.dry += 1
                self.depth.note_dry()
            else:
                self.depth.note_left(left, self._turns * TURN_S)


def test_it_begins_on_the_safe_side() -> None:
    """Nothing is known of the card yet."""
    assert Depth().ahead_ms == FIRST_MS > LEAST_MS


def test_at_rest_it_becomes_small_within_seconds() -> None:
    """And no smaller than that."""
    machine = Machine(late_ms=1, every_s=0.5)
    machine.run(10)
    assert machine.depth.ahead_ms == LEAST_MS
    machine.run(60)
    assert (machine.depth.ahead_ms, machine.dry) == (LEAST_MS, 0)


def test_a_machine_that_comes_late_keeps_what_it_needs_and_never_runs_dry() -> None:
    """Lateness shows in what is left, long before nothing is."""
    machine = Machine(late_ms=15, every_s=1)
    machine.run(600)
    assert machine.dry == 0
    assert machine.depth.ahead_ms - 5 - 15 > 0


def test_almost_dry_is_enough_for_more() -> None:
    """At once, for sound that is under way too."""
    depth = Depth()
    depth.note_left(0.5, 1.0)
    assert depth.ahead_ms >= FIRST_MS + STEP_MS


def test_a_delay_that_was_borne_warns_of_a_longer_one() -> None:
    """Though PulseAudio tells of it late, and what is left looks as always."""
    depth = Depth()
    depth.note_left(FIRST_MS - 5, 1.0, late_ms=2)
    assert depth.ahead_ms == FIRST_MS
    depth.note_left(FIRST_MS - 5, 2.0, late_ms=13)
    assert depth.ahead_ms > FIRST_MS


def test_what_was_too_little_is_tried_less_and_less_often() -> None:
    """A card that stands still for 40 ms every 20 s runs dry a few times, not all day."""
    machine = Machine(late_ms=40, every_s=20)
    machine.run(3600)
    assert machine.dry <= 6


def test_a_quick_machine_begins_with_little() -> None:
    """A desktop, a Pi 5."""
    assert first_need(1.6) == first_need(4.0) == first_need(11.0) == Need()


@given(st.floats(0, 1000), st.floats(0, 1000))
def test_a_slower_one_never_with_less(python_ms: float, more: float) -> None:
    """Up to a limit, from which it can still learn."""
    first, slower = first_need(python_ms), first_need(python_ms + more)
    assert FIRST_MS <= first.ahead_ms <= slower.ahead_ms < MOST_MS
    assert first.hold_s <= slower.hold_s


def test_on_a_small_pi_what_is_rare_is_borne_from_the_beginning() -> None:
    """80 ms once in eight minutes: it ran dry three times before; and less is tried all the same in the end."""
    machine = Machine(80.0, 480.0, first_need(23.5))
    machine.run(6 * 3600)
    assert machine.dry == 0
    before = machine.depth.ahead_ms
    machine = Machine(5.0, 480.0, first_need(23.5))
    machine.run(6 * 3600)
    assert machine.depth.ahead_ms < before


def test_a_pause_between_two_streams_proves_nothing() -> None:
    """Only time that flows counts."""
    depth = Depth()
    for hour in range(10):
        depth.note_left(25.0, hour * 3600.0)
    assert depth.ahead_ms == FIRST_MS


def test_what_was_seen_before_counts() -> None:
    """So does how long to hold it."""
    before = Depth()
    before.note_dry()
    again = Depth(before.need)
    assert again.ahead_ms == before.ahead_ms > FIRST_MS
    for turn in range(900):
        again.note_left(again.ahead_ms - 5, turn * TURN_S)
    assert again.ahead_ms == before.ahead_ms


@settings(deadline=None)
@given(st.lists(st.one_of(st.none(), st.floats(0, 200)), max_size=3000))
def test_it_stays_within_bounds(seen: list[float | None]) -> None:
    """Whatever happens."""
    depth = Depth()
    for turn, left in enumerate(seen):
        if left is None:
            depth.note_dry()
        else:
            depth.note_left(left, turn * TURN_S)
        assert LEAST_MS <= depth.ahead_ms <= MOST_MS
