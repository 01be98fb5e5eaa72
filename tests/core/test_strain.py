"""What is given up on a machine that falls behind, and when it comes back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.core.strain import Burden, Change, Strain, StrainSettings
from device.units import Ms

FRAME = 20
USUAL = StrainSettings()
ALL = frozenset(Burden)
COSTS = {Burden.ECHO_FILTER: 0.5, Burden.ECHO_CANCELLER: 0.3, Burden.OTHER_WORDS: 0.2, Burden.WAKEFULNESS: 0.1}
"""Parts of the machine that each takes."""
QUICK = StrainSettings(in_time=Ms(200), first_wait=Ms(1_000), longest_wait=Ms(4_000))


class Machine:
    """Handles a frame every 20 ms, one after the other; what it has not given up takes its part of the time."""

    def __init__(self, wanted: StrainSettings = USUAL) -> None:
        self.strain = Strain(wanted)
        self.now = 0.0
        self.arrived = 0.0
        self.running: frozenset[Burden] = ALL
        self.is_free = True
        self.changes: list[tuple[float, Change]] = []
        self.latest = 0.0
        """How late a frame was, at worst, since this was set to 0."""

    def run(self, seconds: float, rest: float = 0.2, costs: Mapping[Burden, float] = COSTS) -> None:
        """Let time pass; `rest` is the part that all else takes."""
        until = self.arrived + 1000 * seconds
        while self.arrived < until:
            self.arrived += FRAME
            self.now = max(self.now, self.arrived)
            self.note(self.now - self.arrived)
            held = self.running.difference(self.strain.given_up)
            self.now += FRAME * (rest + sum(costs[burden] for burden in held))

    def note(self, late: float) -> None:
        """Handle a frame that is so late."""
        self.latest = max(self.latest, late)
        if self.strain.note(Ms(late), Ms(self.now)):
            change = self.strain.decide(self.running, self.is_free, Ms(self.now))
            if change is not None:
                self.changes.append((self.now, change))

    def stand_still(self, milliseconds: float) -> None:
        """Let nothing run for a while, though frames arrive."""
        self.now += milliseconds


def changes_of(notes: Iterable[tuple[float, float]], strain: Strain, running: frozenset[Burden] = ALL) -> list[float]:
    """Note pairs of lateness and time; return when something was changed."""
    found = []
    for late, now in notes:
        if strain.note(Ms(late), Ms(now)) and strain.decide(running, True, Ms(now)):
            found.append(now)
    return found


@settings(deadline=None)
@given(
    before=st.lists(st.floats(0, 1_000), max_size=10),
    steps=st.lists(st.floats(1, 80), min_size=1, max_size=60),
    least=st.floats(61, 400),
    shares=st.lists(st.floats(1.0, 1.24), min_size=60, max_size=60),
)
def test_lateness_that_lasts_is_noticed_within_200_ms(
    before: Sequence[float], steps: Sequence[float], least: float, shares: Sequence[float]
) -> None:
    """Whatever was before: from the first of the late frames on, none of which is a fifth less late than another."""
    strain = Strain()
    changes_of([(late, 20.0 * n) for n, late in enumerate(before)], strain)
    was = len(strain.given_up)
    now = since = 300.0
    for step, share in zip(steps, shares, strict=False):
        changes_of([(least * share, now)], strain)
        if now - since >= 200 - 80:
            break
        now += step
    else:
        return
    assert len(strain.given_up) > was or was == len(Burden)
    assert now - since <= 200


@settings(deadline=None)
@given(stall=st.floats(0, 150), load=st.floats(0.05, 0.5), pause=st.floats(0.5, 3.0), count=st.integers(1, 5))
def test_a_machine_that_stands_still_for_a_moment_gives_nothing_up(
    stall: float, load: float, pause: float, count: int
) -> None:
    """As virtual machines do once a minute; it catches up by itself."""
    machine = Machine()
    for _ in range(count):
        machine.run(pause, rest=load, costs=dict.fromkeys(Burden, 0.0))
        machine.stand_still(stall)
    machine.run(2.0, rest=load, costs=dict.fromkeys(Burden, 0.0))
    assert machine.changes == []


def test_a_long_standstill_gives_nothing_up_where_it_is_made_up_for_quickly() -> None:
    """A fifth of it is, again and again, before it counts as lasting."""
    machine = Machine()
    machine.stand_still(800)
    machine.run(3.0, rest=0.2, costs=dict.fromkeys(Burden, 0.0))
    assert machine.latest > 700
    assert machine.changes == []


@pytest.mark.parametrize(
    ("rest", "given_up"),
    [
        (-0.3, ()),
        (0.2, (Burden.ECHO_FILTER,)),
        (0.5, (Burden.ECHO_FILTER, Burden.ECHO_CANCELLER)),
        (0.7, (Burden.ECHO_FILTER, Burden.ECHO_CANCELLER, Burden.OTHER_WORDS)),
        (2.0, tuple(Burden)),
    ],
)
def test_no_more_is_given_up_than_is_needed_and_in_a_fixed_order(rest: float, given_up: tuple[Burden, ...]) -> None:
    """The machine is as slow as it is."""
    machine = Machine()
    machine.run(30.0, rest)
    assert machine.strain.given_up == given_up


def test_sound_waits_no_longer_once_enough_is_given_up() -> None:
    """Not even while that is found out; and afterwards not at all."""
    machine = Machine()
    machine.run(2.0, rest=0.2)
    assert [change for _, change in machine.changes] == [Change(Burden.ECHO_FILTER, given_up=True)]
    assert machine.latest <= 200
    machine.run(0.5, rest=0.2)
    machine.latest = 0.0
    machine.run(10.0, rest=0.2)
    assert machine.latest <= FRAME


def test_only_what_costs_something_at_the_moment_is_given_up() -> None:
    """Nothing is played, so the echo canceller does not run."""
    machine = Machine()
    machine.running = frozenset({Burden.WAKEFULNESS, Burden.OTHER_WORDS})
    machine.run(1.0, rest=0.4, costs=dict.fromkeys(Burden, 0.35))
    assert machine.strain.given_up == (Burden.OTHER_WORDS,)


def test_nothing_is_taken_back_in_the_middle_of_a_conversation() -> None:
    """It would be heard, and might have to be given up again at once."""
    machine = Machine()
    machine.is_free = False
    machine.run(600.0)
    assert machine.strain.given_up == (Burden.ECHO_FILTER,)
    machine.is_free, machine.running = True, frozenset()
    machine.run(0.1)
    assert machine.strain.given_up == ()


@settings(deadline=None, max_examples=30)
@given(rests=st.lists(st.floats(0.0, 2.5), min_size=1, max_size=12))
def test_whatever_is_given_up_comes_back_in_the_reverse_order_when_there_is_room(rests: Sequence[float]) -> None:
    """However busy the machine was before."""
    machine = Machine(QUICK)
    for rest in rests:
        machine.run(1.0, rest)
    taken = machine.strain.given_up
    machine.changes.clear()
    # What is left of the sound is worked off first, and each waits for the longest time at most.
    machine.run(60.0, rest=-1.0)
    machine.run(30.0, rest=-1.0)
    assert machine.strain.given_up == ()
    backwards = [change.burden for _, change in machine.changes if not change.given_up]
    assert backwards[-len(taken) :] == list(reversed(taken)) if taken else True


@settings(deadline=None, max_examples=30)
@given(rests=st.lists(st.floats(-1.0, 2.5), min_size=10, max_size=60))
def test_nothing_flaps(rests: Sequence[float]) -> None:
    """What is given up stays so for its wait, which doubles each time that it is given up again soon."""
    machine = Machine(QUICK)
    for rest in rests:
        machine.run(0.7, rest)
    for burden in Burden:
        times = [(now, change.given_up) for now, change in machine.changes if change.burden is burden]
        assert [given_up for _, given_up in times] == [n % 2 == 0 for n in range(len(times))]
        wait = float(QUICK.first_wait)
        for (gone, _), (back, _), after in zip(times[0::2], times[1::2], [*times[2::2], None], strict=False):
            assert back - gone >= wait
            if after is not None:
                soon = after[0] - (gone + wait) <= QUICK.longest_wait
                wait = min(float(QUICK.longest_wait), 2 * wait) if soon else float(QUICK.first_wait)


def test_a_machine_that_cannot_bear_it_tries_ever_more_rarely() -> None:
    """Two hours of an answer that never ends, on a machine that is too slow for it."""
    machine = Machine()
    machine.run(7_200.0, rest=0.2)
    assert len([change for _, change in machine.changes if change.given_up]) <= 9


def test_a_card_that_slept_is_not_late_for_as_long_as_it_slept() -> None:
    """Two late frames with a long pause between them are two moments, no lasting lateness."""
    assert changes_of([(100.0, 0.0), (100.0, 2_000.0), (0.0, 2_020.0)], Strain()) == []
