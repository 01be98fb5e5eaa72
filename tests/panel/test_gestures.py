"""Press and release times -> gestures."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.panel.gestures import DEBOUNCE, Clicked, Gesture, Gestures, Held, LongPressed, Released
from device.units import Ms

HOLD_S, LONG_S = 0.4, 3.0


@pytest.fixture
def gestures() -> Gestures:
    """Return a button's gestures with the default times."""
    return Gestures(HOLD_S, LONG_S)


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


def test_a_short_press_is_a_click_at_the_moment_of_the_press(gestures: Gestures) -> None:
    """What was said from the press on belongs to the turn."""
    assert run(gestures, [(100, True), (250, False)], 9999) == [Clicked(Ms(100))]


def test_a_press_for_the_hold_time_is_held_while_it_lasts(gestures: Gestures) -> None:
    """Push-to-talk begins before the finger leaves."""
    assert run(gestures, [(100, True)], 499) == []
    assert run(gestures, [], 500) == [Held(Ms(100))]
    assert run(gestures, [(2000, False)], 9999) == [Released(Ms(2000))]


def test_a_very_long_press_is_told_before_the_release(gestures: Gestures) -> None:
    """The person learns of the mute while still pressing."""
    assert run(gestures, [(0, True), (5000, False)], 9999) == [Held(Ms(0)), LongPressed(Ms(0)), Released(Ms(5000))]


def test_a_bouncing_contact_is_one_press(gestures: Gestures) -> None:
    """Ten edges in a few milliseconds are one finger."""
    bounce = [(100 + i, i % 2 == 0) for i in range(9)]
    release = [(300 + i, i % 2 == 1) for i in range(9)]
    assert run(gestures, bounce + release, 9999) == [Clicked(Ms(108))]


def test_a_spike_is_no_click(gestures: Gestures) -> None:
    """A light switch next door must not start a conversation."""
    assert run(gestures, [(100, True), (101, False)], 9999) == []


def test_a_spike_while_held_does_not_end_the_turn(gestures: Gestures) -> None:
    """A worn contact that opens for a moment is still held, and its timers go on."""
    edges = [(0, True), (1000, False), (1005, True), (2995, False), (3005, True), (4000, False)]
    assert run(gestures, edges, 9999) == [Held(Ms(0)), LongPressed(Ms(0)), Released(Ms(4000))]


def test_a_release_without_a_press_says_nothing(gestures: Gestures) -> None:
    """The button was down when the program started."""
    assert run(gestures, [(50, False), (100, True), (200, False)], 9999) == [Clicked(Ms(100))]


def test_at_rest_no_timer_runs(gestures: Gestures) -> None:
    """An idle device is not woken by its button."""
    assert gestures.get_timer() is None
    run(gestures, [(0, True), (100, False)], 9999)
    assert gestures.get_timer() is None


def test_a_busy_event_loop_changes_nothing(gestures: Gestures) -> None:
    """When the timers come late, the release still finds that the button was held."""
    told = gestures.handle_press(Ms(0)) + gestures.handle_release(Ms(1000)) + gestures.handle_timer(Ms(8000))
    assert told == [Held(Ms(0)), Released(Ms(1000))]


@st.composite
def presses(draw: st.DrawFn) -> list[tuple[float, bool]]:
    """Edges at growing times, many of them bounces or near a deadline."""
    gap = st.one_of(st.integers(0, 25), st.integers(380, 420), st.integers(2900, 3100), st.integers(20, 5000))
    at, down, edges = 0.0, False, []
    for step in draw(st.lists(gap, max_size=30)):
        at, down = at + step, not down
        edges.append((at, down))
    return edges


@given(presses())
def test_gestures_come_in_their_order(edges: list[tuple[float, bool]]) -> None:
    """A click stands alone; held comes before long pressed and before released, each once a press."""
    told = run(Gestures(HOLD_S, LONG_S), edges, 1e6)
    allowed = {
        None: (Clicked, Held),
        Clicked: (Clicked, Held),
        Held: (LongPressed, Released),
        LongPressed: (Released,),
        Released: (Clicked, Held),
    }
    before: type | None = None
    for gesture in told:
        assert isinstance(gesture, allowed[before])
        before = type(gesture)


@given(presses())
def test_a_button_let_go_for_good_ends_every_gesture(edges: list[tuple[float, bool]]) -> None:
    """Nobody is left holding: the microphone cannot stay open by a lost release."""
    end = edges[-1][0] if edges else 0.0
    button = Gestures(HOLD_S, LONG_S)
    told = run(button, [*edges, (end, False)], end + DEBOUNCE)
    assert sum(isinstance(g, Held) for g in told) == sum(isinstance(g, Released) for g in told)
    assert button.get_timer() is None


@given(presses(), st.lists(st.integers(0, 20_000), max_size=20))
def test_the_number_of_timer_calls_does_not_matter(edges: list[tuple[float, bool]], extra: list[int]) -> None:
    """Time is an argument: late, early and superfluous calls of the timer tell the same story."""
    eager = run(Gestures(HOLD_S, LONG_S), edges, 1e6)
    lazy = Gestures(HOLD_S, LONG_S)
    told: list[Gesture] = []
    for at, down in edges:
        for moment in [m for m in sorted(extra) if m <= at][-1:]:
            told += lazy.handle_timer(Ms(moment))
        told += lazy.handle_press(Ms(at)) if down else lazy.handle_release(Ms(at))
    assert told + lazy.handle_timer(Ms(1e6)) == eager


@given(presses())
def test_what_is_told_happened(edges: list[tuple[float, bool]]) -> None:
    """Every time in a gesture is the time of an edge of its kind."""
    downs = {at for at, down in edges if down}
    ups = {at for at, down in edges if not down}
    for gesture in run(Gestures(HOLD_S, LONG_S), edges, 1e6):
        if isinstance(gesture, Released):
            assert gesture.released_at in ups
        else:
            assert gesture.pressed_at in downs
