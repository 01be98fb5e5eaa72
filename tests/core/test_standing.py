"""How the house is doing as a whole, as far as facts and time tell."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.core import events as ev
from device.core.events import Device, DeviceFailed, Failure, SessionFailed
from device.core.health import Health, Record, part_name
from device.core.indication import Indication, indication
from device.core.report import Report
from device.core.standing import LONGEST_SILENCE, LONGEST_START, Standing, State, Watch
from device.core.status import Status
from device.core.strain import Burden
from device.units import Ms

HEARING = (Device.MICROPHONE, Device.WAKE_WORD)


def looked(status: Status, *facts: ev.Event, scored: int = 1, now: float = 100.0) -> Standing:
    """Return the standing of a house that started at 0, after these facts."""
    record = Record(Ms(0))
    for at, fact in enumerate(facts):
        record.note(fact, Ms(at))
    return Watch(Ms(0)).look(status, record.facts, scored, Ms(now))


def test_a_house_that_hears_and_lacks_nothing_listens() -> None:
    """There is nothing to tell of it."""
    assert looked(Status()) == Standing(State.LISTENING, Ms(100))


def test_a_house_that_has_heard_nothing_yet_is_starting_and_at_last_deaf() -> None:
    """However well its parts say they are."""
    assert looked(Status(), scored=0).state is State.STARTING
    late = looked(Status(), scored=0, now=LONGEST_START + 1)
    assert late.state is State.DEAF
    assert "no sound has been scored for 30 s" in late.why
    assert late.what_to_do


def test_mute_is_told_before_all_else() -> None:
    """A closed microphone hears nothing, and that is as it was wanted."""
    failed = DeviceFailed(Device.MICROPHONE, "unplugged")
    assert looked(Status(muted=True), failed, scored=0, now=1e9).state is State.MUTED


@pytest.mark.parametrize("device", HEARING)
def test_what_it_cannot_hear_without_makes_it_deaf(device: Device) -> None:
    """Also while it is starting, and whatever else is wrong."""
    others = (DeviceFailed(Device.SPEAKER, "gone"), SessionFailed(1, Failure.UNREACHABLE, "no network"))
    standing = looked(Status(online=False), *others, DeviceFailed(device, "broke"), scored=0)
    assert standing.state is State.DEAF
    assert standing.why == f"{part_name(device)}: broke"
    assert standing.what_to_do


def test_a_fault_names_the_part_that_failed_first() -> None:
    """And how many more there are."""
    standing = looked(Status(), DeviceFailed(Device.SPEAKER, "gone"), DeviceFailed(Device.LIGHT, "dark"))
    assert (standing.state, standing.why) == (State.FAULT, "speaker: gone (and 1 more)")
    assert "audio.output" in standing.what_to_do


def test_a_provider_that_is_not_reached_is_offline_and_one_that_refuses_is_a_fault() -> None:
    """The person can do something about the second only."""
    offline = looked(Status(online=False), SessionFailed(1, Failure.UNREACHABLE, "no route"))
    assert (offline.state, offline.why) == (State.OFFLINE, "provider: no route")
    refused = looked(Status(), SessionFailed(1, Failure.REFUSED_KEY, "401"))
    assert (refused.state, refused.why) == (State.FAULT, "provider: 401")
    silent = looked(Status(online=False))
    assert silent.state is State.OFFLINE
    assert silent.what_to_do


def test_since_when_is_kept_while_the_state_stays() -> None:
    """Even when the reason changes."""
    watch, status = Watch(Ms(0)), Status()
    fine = Record(Ms(0)).facts
    gone = Health("speaker", ok=False, since=Ms(5), why="gone")
    assert watch.look(status, fine, 1, Ms(10)).since == 10
    assert watch.look(status, fine, 2, Ms(20)).since == 10
    assert watch.look(status, (*fine, gone), 3, Ms(30)).since == 30
    dark = Health("light", ok=False, since=Ms(4), why="dark")
    assert watch.look(status, (*fine, gone, dark), 4, Ms(40)) == Standing(
        State.FAULT, Ms(30), "light: dark (and 1 more)"
    )


def test_sound_that_stays_away_makes_it_deaf_until_it_comes_again() -> None:
    """A stream that stands still, or an engine that hangs, with nobody to tell."""
    watch, fine = Watch(Ms(0)), Record(Ms(0)).facts

    def state(now: float, scored: int, muted: bool = False) -> State:
        return watch.look(Status(muted=muted), fine, scored, Ms(now)).state

    assert state(100, 5) is State.LISTENING
    assert state(100 + LONGEST_SILENCE, 5) is State.LISTENING
    assert state(101 + LONGEST_SILENCE, 5) is State.DEAF
    assert state(102 + LONGEST_SILENCE, 6) is State.LISTENING
    # Muted for an hour: nothing is scored, and nothing is wrong right after it.
    assert state(3_600_000, 6, muted=True) is State.MUTED
    assert state(3_600_001, 6) is State.LISTENING
    assert state(3_600_001 + LONGEST_SILENCE, 6) is State.DEAF


def test_for_how_long_no_sound_was_scored_is_told_in_steps() -> None:
    """Else it would be news each time that somebody looks."""
    watch, fine = Watch(Ms(0)), Record(Ms(0)).facts
    watch.look(Status(), fine, 1, Ms(0))
    whys = [watch.look(Status(), fine, 1, Ms(now)).why for now in range(10_500, 30_000, 1_000)]
    assert [*dict.fromkeys(whys)] == [f"no sound has been scored for {s} s" for s in (10, 20)]


FACTS = st.one_of(
    st.builds(DeviceFailed, st.sampled_from(Device), st.text(max_size=5)),
    st.builds(ev.DeviceRecovered, st.sampled_from(Device)),
    st.builds(SessionFailed, st.just(1), st.sampled_from(Failure), st.text(max_size=5)),
    st.just(ev.SessionReady(1)),
    st.just(ev.EchoCancellationLost("gone")),
    st.just(ev.EchoCancellationRecovered()),
    st.sampled_from([ev.LoadShed((Burden.OTHER_WORDS,)), ev.LoadShed(())]),
)
STEPS = st.lists(
    st.tuples(st.lists(FACTS, max_size=3), st.booleans(), st.booleans(), st.integers(0, 2), st.floats(0, 20_000)),
    max_size=12,
)


@given(STEPS)
def test_what_the_lights_show_is_never_hidden_by_something_better(
    steps: list[tuple[list[ev.Event], bool, bool, int, float]],
) -> None:
    """In one direction: the standing may know more. Time never goes back, and every trouble says what it is."""
    watch, record, now, scored = Watch(Ms(0)), Record(Ms(0)), Ms(0.0), 0
    faults: frozenset[Device] = frozenset()
    before = watch.standing
    for facts, muted, online, heard, passed in steps:
        now, scored = Ms(now + passed), scored + heard
        for fact in facts:
            record.note(fact, now)
            if isinstance(fact, DeviceFailed):
                faults |= {fact.device}
            elif isinstance(fact, ev.DeviceRecovered):
                faults -= {fact.device}
        status = Status(muted=muted, online=online, faults=faults)
        standing = watch.look(status, record.facts, scored, now)
        assert (standing.state is State.MUTED) is muted
        order = list(State)
        shown = {
            Indication.DEAF: State.DEAF,
            Indication.FAULT: State.FAULT,
            Indication.OFFLINE: State.OFFLINE,
            Indication.MUTED: State.MUTED,
            Indication.IDLE: State.LISTENING,
        }[indication(status)]
        assert order.index(standing.state) <= order.index(shown)
        assert before.since <= standing.since <= now
        assert (standing.state is before.state) <= (standing.since == before.since)
        assert (standing.why == "") is (standing.state is State.LISTENING)
        before = standing


def test_a_report_is_told_by_the_wall_clock_of_now() -> None:
    """In the words that readers of the file know."""
    part = Health("speaker", ok=False, since=Ms(2_000), why="gone", what_to_do="look")
    report = Report(Standing(State.FAULT, Ms(3_000), "speaker: gone", "look"), Status(), (part,), 7)
    assert report.table(lambda moment: 1_000 + moment / 1000) == {
        "state": "fault",
        "since": 1_003,
        "why": "speaker: gone",
        "what_to_do": "look",
        "phase": "idle",
        "scored_frames": 7,
        "parts": [{"part": "speaker", "ok": False, "since": 1_002, "why": "gone", "what_to_do": "look"}],
    }


def test_that_more_sound_was_heard_is_no_news() -> None:
    """Else the file would be written all the time."""
    standing = Standing(State.LISTENING, Ms(0))
    before = Report(standing, Status(), (), 1)
    assert Report(standing, Status(), (), 2).is_like(before)
    assert not Report(standing, Status(), (Health("light", ok=False, since=Ms(0)),), 1).is_like(before)
