"""Press and release times -> gestures."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.panel.gestures import (
    DEBOUNCE,
    Clicked,
    Gesture,
    Gestures,
    Held,
    LongHeld,
    Pressed,
    Released,
    Wanted,
)
from device.units import Ms

USUAL = Wanted(hold=Ms(400), long_hold=Ms(3_000))
COUNTING = Wanted(hold=Ms(400), long_hold=Ms(3_000), counts=frozenset({1, 2, 3}), between=Ms(300))
FOREVER = 1e6


@pytest.fixture
def gestures() -> Gestures:
    """Return a button that clicks, holds and holds long."""
    return Gestures(USUAL)


def run(button: Gestures, edges: list[tuple[float, bool]], until: float) -> list[Gesture]:
    """Feed edges (time, down), calling the timer whenever it falls due."""
    told: list[Gesture] = []
    for at, down in edges:
        told += run_timers(button, at)
        told += button.handle_press(Ms(at)) if down else button.handle_release(Ms(at))
    return told + run_timers(button, until)


def run_timers(button: Gestures, until: float) -> list[Gesture]:
    """Call the timer at each of its times up to `until`."""
    told: list[Gesture] = []
    while (due := button.get_timer()) is not None and due <= until:
        told += button.handle_timer(due)
    return told


def meant(gestures: list[Gesture]) -> list[Gesture]:
    """Return what may mean something: not that a finger came or went."""
    return [gesture for gesture in gestures if not isinstance(gesture, Pressed | Released)]


def taps(*moments: float, lasting: float = 60) -> list[tuple[float, bool]]:
    """Return the edges of short presses that begin at these moments."""
    return [edge for at in moments for edge in ((at, True), (at + lasting, False))]


def test_a_short_press_is_a_click_at_the_moment_of_the_press(gestures: Gestures) -> None:
    """What was said from the press on belongs to the turn."""
    assert run(gestures, [(100, True), (250, False)], 9999) == [
        Pressed(Ms(100)),
        Clicked(Ms(100)),
        Released(Ms(250)),
    ]


def test_a_click_is_told_as_soon_as_its_release_has_settled(gestures: Gestures) -> None:
    """Nothing is mapped to a double click: nobody waits for one."""
    assert meant(run(gestures, taps(100), 160 + DEBOUNCE)) == [Clicked(Ms(100))]
    assert gestures.get_timer() is None


def test_a_press_is_told_before_anybody_knows_what_it_means(gestures: Gestures) -> None:
    """The light answers the finger, not the gesture."""
    assert gestures.handle_press(Ms(100)) == [Pressed(Ms(100))]


def test_a_press_for_the_hold_time_is_held_while_it_lasts(gestures: Gestures) -> None:
    """Push-to-talk begins before the finger leaves."""
    assert meant(run(gestures, [(100, True)], 499)) == []
    assert run(gestures, [], 500) == [Held(Ms(100))]
    assert run(gestures, [(2000, False)], 9999) == [Released(Ms(2000), held=True)]


def test_a_very_long_press_is_told_before_the_release(gestures: Gestures) -> None:
    """The person learns of the mute while still pressing."""
    told = run(gestures, [(0, True), (5000, False)], 9999)
    assert told == [Pressed(Ms(0)), Held(Ms(0)), LongHeld(Ms(0)), Released(Ms(5000), held=True)]


def test_a_bouncing_contact_is_one_press(gestures: Gestures) -> None:
    """Ten edges in a few milliseconds are one finger."""
    bounce = [(100 + i, i % 2 == 0) for i in range(9)]
    release = [(300 + i, i % 2 == 1) for i in range(9)]
    assert meant(run(gestures, bounce + release, 9999)) == [Clicked(Ms(108))]


def test_a_spike_is_no_click(gestures: Gestures) -> None:
    """A light switch next door must not start a conversation; the light may twinkle."""
    assert run(gestures, [(100, True), (101, False)], 9999) == [Pressed(Ms(100)), Released(Ms(101))]
    assert gestures.get_timer() is None


def test_a_spike_while_held_does_not_end_the_turn(gestures: Gestures) -> None:
    """A worn contact that opens for a moment is still held, and its timers go on."""
    edges = [(0, True), (1000, False), (1005, True), (2995, False), (3005, True), (4000, False)]
    told = run(gestures, edges, 9999)
    assert told == [Pressed(Ms(0)), Held(Ms(0)), LongHeld(Ms(0)), Released(Ms(4000), held=True)]


def test_a_release_without_a_press_says_nothing(gestures: Gestures) -> None:
    """The button was down when the program started."""
    assert meant(run(gestures, [(50, False), (100, True), (200, False)], 9999)) == [Clicked(Ms(100))]


def test_at_rest_no_timer_runs(gestures: Gestures) -> None:
    """An idle device is not woken by its button."""
    assert gestures.get_timer() is None
    run(gestures, [(0, True), (100, False)], 9999)
    assert gestures.get_timer() is None


def test_a_busy_event_loop_changes_nothing(gestures: Gestures) -> None:
    """When the timers come late, the release still finds that the button was held."""
    told = gestures.handle_press(Ms(0)) + gestures.handle_release(Ms(1000)) + gestures.handle_timer(Ms(8000))
    assert told == [Pressed(Ms(0)), Held(Ms(0)), Released(Ms(1000), held=True)]


@pytest.mark.parametrize("count", [1, 2, 3])
def test_quick_clicks_are_counted(count: int) -> None:
    """One gesture, at the moment of the first press."""
    edges = taps(*[100 + 200 * i for i in range(count)])
    assert meant(run(Gestures(COUNTING), edges, 9999)) == [Clicked(Ms(100), count)]


def test_the_last_click_that_can_count_is_told_at_once() -> None:
    """Nothing is mapped to a fourth."""
    button = Gestures(COUNTING)
    assert meant(run(button, taps(100, 300, 500), 560 + DEBOUNCE)) == [Clicked(Ms(100), 3)]


def test_a_single_click_waits_only_where_a_second_one_would_mean_something() -> None:
    """And no longer than until that would come too late."""
    button = Gestures(COUNTING)
    assert meant(run(button, taps(100), 459)) == []
    assert run(button, [], 460) == [Clicked(Ms(100))]


def test_a_second_click_that_comes_too_late_is_one_of_its_own() -> None:
    """From release to press, 300 ms."""
    together = meant(run(Gestures(COUNTING), taps(100, 459), 9999))
    apart = meant(run(Gestures(COUNTING), taps(100, 460), 9999))
    assert together == [Clicked(Ms(100), 2)]
    assert apart == [Clicked(Ms(100)), Clicked(Ms(460))]


def test_clicks_before_a_hold_are_clicks() -> None:
    """A person clicks twice and then speaks with the button down: nothing is lost."""
    told = meant(run(Gestures(COUNTING), [*taps(100, 300), (500, True), (1500, False)], 9999))
    assert told == [Clicked(Ms(100), 2), Held(Ms(500))]


def test_a_number_of_clicks_that_means_nothing_is_so_many_single_ones() -> None:
    """Twice "louder" on a button whose triple click is something else."""
    button = Gestures(Wanted(counts=frozenset({1, 3})))
    assert meant(run(button, taps(100, 300), 9999)) == [Clicked(Ms(100)), Clicked(Ms(300))]


def test_where_no_hold_means_anything_a_slow_finger_clicks() -> None:
    """Whoever presses a button firmly for a second wants what is written on it."""
    assert meant(run(Gestures(Wanted()), [(0, True), (1500, False)], 9999)) == [Clicked(Ms(0))]


def test_a_long_hold_alone_is_told_without_a_hold() -> None:
    """And a shorter press is a click."""
    means = Wanted(long_hold=Ms(1_000))
    edges = [(0, True), (900, False), (2000, True), (3500, False)]
    assert meant(run(Gestures(means), edges, 9999)) == [Clicked(Ms(0)), LongHeld(Ms(2000))]


@st.composite
def presses(draw: st.DrawFn) -> list[tuple[float, bool]]:
    """Edges at growing times, many of them bounces or near a deadline."""
    gap = st.one_of(
        st.integers(0, 25),
        st.integers(40, 120),
        st.integers(290, 310),
        st.integers(380, 420),
        st.integers(2900, 3100),
        st.integers(20, 5000),
    )
    at, down, edges = 0.0, False, []
    for step in draw(st.lists(gap, max_size=30)):
        at, down = at + step, not down
        edges.append((at, down))
    return edges


meanings = st.builds(
    Wanted,
    hold=st.sampled_from([None, Ms(400)]),
    long_hold=st.sampled_from([None, Ms(3_000)]),
    counts=st.frozensets(st.integers(1, 3)),
    between=st.sampled_from([Ms(150), Ms(300)]),
)


def ended(edges: list[tuple[float, bool]], means: Wanted) -> list[tuple[float, bool]]:
    """Return the edges with the finger gone at the end, where a press of any length is a click: before, it is none."""
    if means.hold is not None or means.long_hold is not None or len(edges) % 2 == 0:
        return edges
    return [*edges, (edges[-1][0] + 1_000, False)]


def settled(edges: list[tuple[float, bool]]) -> list[tuple[float, float]]:
    """Return (down, up) of every press that a perfect contact would have made: levels shorter than DEBOUNCE are none.

    Written without the machine: it looks at the whole story at once.
    """
    ends = [*(at for at, _ in edges[1:]), FOREVER]
    steady = [(at, down) for (at, down), end in zip(edges, ends, strict=False) if end - at >= DEBOUNCE]
    levels = [(0.0, False), *steady]
    changes = [(at, down) for (_, before), (at, down) in pairwise(levels) if down is not before]
    ups = [at for at, down in changes if not down]
    return list(zip([at for at, down in changes if down], [*ups, FOREVER], strict=False))


def touches(edges: list[tuple[float, bool]]) -> list[tuple[float, float]]:
    """Return (first closed, last opened) of everything that was not open for DEBOUNCE in between."""
    ends = [*(at for at, _ in edges[1:]), FOREVER]
    opened = [at for (at, down), end in zip(edges, ends, strict=False) if not down and end - at >= DEBOUNCE]
    found: list[tuple[float, float]] = []
    for at, down in edges:
        if down and (not found or at >= found[-1][1] + DEBOUNCE):
            found.append((at, next((up for up in opened if up >= at), FOREVER)))
    return found


@given(presses(), meanings)
def test_no_gesture_is_lost_or_invented(edges: list[tuple[float, bool]], means: Wanted) -> None:
    """Every press that settled is in exactly one gesture, told by how long it lasted; and nothing else is told."""
    edges = ended(edges, means)
    told = run(Gestures(means), edges, FOREVER)
    fingers = settled(edges)
    assert [gesture.at for gesture in told if isinstance(gesture, Pressed)] == [down for down, _ in touches(edges)]
    assert [gesture.at for gesture in told if isinstance(gesture, Released)] == [
        up for _, up in touches(edges) if up < FOREVER
    ]
    held = [down for down, up in fingers if means.hold is not None and up - down >= means.hold]
    long_held = [down for down, up in fingers if means.long_hold is not None and up - down >= means.long_hold]
    assert [gesture.pressed_at for gesture in told if isinstance(gesture, Held)] == held
    assert [gesture.pressed_at for gesture in told if isinstance(gesture, LongHeld)] == long_held
    clicks = [down for down, up in fingers if down not in {*held, *long_held} and up < FOREVER]
    assert sum(gesture.count for gesture in told if isinstance(gesture, Clicked)) == len(clicks)


@given(presses(), meanings)
def test_clicks_are_counted_as_a_person_would(edges: list[tuple[float, bool]], means: Wanted) -> None:
    """By groups: no longer than `between` from a release to the next press, nor over a hold, nor beyond the most."""
    edges = ended(edges, means)
    limits = [limit for limit in (means.hold, means.long_hold) if limit is not None]
    groups: list[list[float]] = []
    last: float | None = None
    for down, up in settled(edges):
        if limits and up - down >= min(limits):
            last = None
            continue
        if last is None or down - last >= means.between or len(groups[-1]) == means.most:
            groups.append([])
        groups[-1].append(down)
        last = up
    expected = [
        found
        for group in groups
        for found in (
            [Clicked(Ms(group[0]), len(group))] if len(group) in means.counts else [Clicked(Ms(at)) for at in group]
        )
    ]
    assert [gesture for gesture in run(Gestures(means), edges, FOREVER) if isinstance(gesture, Clicked)] == expected


@given(presses(), meanings)
def test_only_what_another_click_could_change_is_waited_for(edges: list[tuple[float, bool]], means: Wanted) -> None:
    """Where no double or triple click means anything, nothing is pending once the finger has gone."""
    means = Wanted(means.hold, means.long_hold, means.counts & {1}, means.between)
    end = edges[-1][0] if edges else 0.0
    button = Gestures(means)
    run(button, [*edges, (end, False)], end + DEBOUNCE)
    assert button.get_timer() is None


@given(presses(), meanings)
def test_a_button_let_go_for_good_ends_every_gesture(edges: list[tuple[float, bool]], means: Wanted) -> None:
    """Nobody is left holding: the microphone cannot stay open by a lost release."""
    end = edges[-1][0] if edges else 0.0
    button = Gestures(means)
    told = run(button, [*edges, (end, False)], end + DEBOUNCE + means.between)
    assert sum(isinstance(g, Pressed) for g in told) == sum(isinstance(g, Released) for g in told)
    assert sum(isinstance(g, Held) for g in told) == sum(isinstance(g, Released) and g.held for g in told)
    assert button.get_timer() is None


@given(presses(), meanings, st.lists(st.integers(0, 20_000), max_size=20))
def test_the_number_of_timer_calls_does_not_matter(
    edges: list[tuple[float, bool]], means: Wanted, extra: list[int]
) -> None:
    """Time is an argument: late, early and superfluous calls of the timer tell the same story."""
    eager = run(Gestures(means), edges, FOREVER)
    lazy = Gestures(means)
    told: list[Gesture] = []
    for at, down in edges:
        for moment in [m for m in sorted(extra) if m <= at][-1:]:
            told += lazy.handle_timer(Ms(moment))
        told += lazy.handle_press(Ms(at)) if down else lazy.handle_release(Ms(at))
    assert told + lazy.handle_timer(Ms(FOREVER)) == eager


@given(presses(), meanings)
def test_what_is_told_happened(edges: list[tuple[float, bool]], means: Wanted) -> None:
    """Every time in a gesture is the time of an edge of its kind."""
    downs = {at for at, down in edges if down}
    ups = {at for at, down in edges if not down}
    for gesture in run(Gestures(means), edges, FOREVER):
        if isinstance(gesture, Released):
            assert gesture.at in ups
        elif isinstance(gesture, Pressed):
            assert gesture.at in downs
        else:
            assert gesture.pressed_at in downs
