"""What is to ring, and when to look again: whatever the clocks do, nothing is lost and nothing rings twice."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, time
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from device.core.events import AlarmKind
from device.tools.timers.entry import Countdown, Entry, Now, TimeOfDay
from device.tools.timers.schedule import (
    HOLD_S,
    LOOK_AGAIN_S,
    after_ringing,
    anchored,
    is_forgotten,
    is_trusted,
    look,
    put_off,
    seconds_left,
)
from device.tools.timers.walltime import first_moment, next_time
from tests.tools.timers.test_walltime import BERLIN, EVERY_DAY, ZONES, utc

LIMIT_S = 1800.0
NOON = Now(utc("2026-12-01 12:00"), 1_000.0, "boot", ZoneInfo("UTC"))


def later(now: Now, seconds: float) -> Now:
    """Let time pass."""
    return replace(now, wall=now.wall + seconds, boot=now.boot + seconds)


def rebooted(now: Now, off_s: float, wrong_s: float = 0.0) -> Now:
    """Switch off for some time; the wall clock comes up wrong by so much."""
    return replace(now, wall=now.wall + off_s + wrong_s, boot=10.0, boot_id=now.boot_id + "'")


def timer(seconds: float, now: Now = NOON) -> Entry:
    """Set a timer."""
    return Entry(1, AlarmKind.TIMER, "pasta", Countdown.of(seconds, now))


def alarm(at: time, day: date, weekdays: frozenset[int] = frozenset()) -> Entry:
    """Set an alarm."""
    return Entry(2, AlarmKind.ALARM, "", time_of_day=TimeOfDay(at, day, weekdays))


ONE_PM = alarm(time(13), date(2026, 12, 1))


def test_a_timer_rings_when_its_time_is_over_and_is_slept_for_until_then() -> None:
    """No sooner, and nobody looks in between."""
    entry = timer(300)
    assert look([entry], (), NOON, True, LIMIT_S).look_in == 300
    almost = look([entry], (), later(NOON, 299.5), True, LIMIT_S)
    assert (almost.ring, almost.look_in) == ((), pytest.approx(0.5))
    due = look([entry], (), later(NOON, 300), True, LIMIT_S)
    assert (due.ring, due.missed, due.look_in) == ((entry,), (), None)


def test_nobody_looks_while_nothing_is_set_or_all_that_is_rings() -> None:
    """No polling."""
    assert look([], (), NOON, True, LIMIT_S).look_in is None
    assert look([timer(1)], {1}, later(NOON, 2), True, LIMIT_S).look_in is None


def test_setting_the_clock_moves_alarms_and_no_timers() -> None:
    """An hour forward."""
    entry = timer(300)
    jumped = replace(NOON, wall=NOON.wall + 3600)
    assert seconds_left(entry, jumped) == 300
    assert seconds_left(ONE_PM, NOON) == 3600
    assert look([entry, ONE_PM], (), jumped, True, LIMIT_S).ring == (ONE_PM,)


def test_a_timer_set_before_the_clock_was_set_survives_a_reboot_after_it() -> None:
    """What stands in the store is brought up to date when the clock is set."""
    entry = timer(7200)
    jumped = replace(NOON, wall=NOON.wall + 86_400)
    kept = anchored(entry, jumped)
    assert seconds_left(kept, jumped) == 7200
    assert seconds_left(kept, rebooted(jumped, 3600)) == 3600
    assert anchored(kept, later(jumped, 10.2)) is kept


@pytest.mark.parametrize("late_s", [0.0, 1_799.0, 1_801.0, 90_000.0])
@pytest.mark.parametrize("entry", [timer(3600), ONE_PM], ids=["timer", "alarm"])
def test_what_became_due_while_the_device_was_off_rings_or_is_told(entry: Entry, late_s: float) -> None:
    """By how late it is."""
    found = look([entry], (), rebooted(NOON, 3600 + late_s), True, LIMIT_S)
    assert found.ring == ((entry,) if late_s < LIMIT_S else ())
    assert found.missed == (() if late_s < LIMIT_S else (entry,))


def test_a_clock_that_may_be_wrong_decides_nothing() -> None:
    """After a reboot, until it is trusted; a timer of this boot needs no wall clock."""
    now = rebooted(NOON, 7200, wrong_s=-6000)
    fresh = replace(timer(5, now), id=3)
    found = look([timer(3600), ONE_PM, fresh], (), now, False, LIMIT_S)
    assert (found.ring, found.missed, found.look_in) == ((), (), LOOK_AGAIN_S)
    assert look([fresh], (), later(now, 5), False, LIMIT_S).ring == (fresh,)
    right = replace(now, wall=now.wall + 6000)
    assert set(look([timer(3600), ONE_PM], (), right, True, 7200).ring) == {timer(3600), ONE_PM}


@pytest.mark.parametrize(
    ("synchronised", "up_s", "trusted"), [(True, 1.0, True), (False, HOLD_S - 1, False), (False, HOLD_S, True)]
)
def test_when_the_wall_clock_is_trusted(synchronised: bool, up_s: float, trusted: bool) -> None:
    """Set by the network; or the machine has been up for so long that nobody will know better."""
    assert is_trusted(synchronised, replace(NOON, boot=up_s)) is trusted


def test_one_that_repeats_goes_on_and_another_is_over() -> None:
    """Heard or not; what nobody heard is kept for a day."""
    now = later(NOON, 3600)
    daily = alarm(time(13), date(2026, 12, 1), EVERY_DAY)
    for heard in (True, False):
        left = after_ringing(daily, now, heard)
        assert left == alarm(time(13), date(2026, 12, 2), EVERY_DAY)
    assert after_ringing(ONE_PM, now, heard=True) is None
    missed = after_ringing(ONE_PM, later(now, 60), heard=False)
    assert missed is not None
    assert (missed.waits, missed.missed) == (False, now.wall)
    assert not is_forgotten(missed, later(now, 86_000))
    assert is_forgotten(missed, later(now, 87_000))


def test_what_is_put_off_rings_again_and_one_that_repeats_keeps_its_next_time() -> None:
    """And its own length, by which it may be called."""
    now = later(NOON, 3600)
    snoozed = put_off(alarm(time(13), date(2026, 12, 1), EVERY_DAY), 540, now)
    assert seconds_left(snoozed, now) == 540
    left = after_ringing(snoozed, later(now, 541), heard=True)
    assert left == alarm(time(13), date(2026, 12, 2), EVERY_DAY)
    again = put_off(timer(3600), 60, now)
    assert again.countdown is not None
    assert (again.countdown.length, seconds_left(again, now)) == (3600, 60)
    assert after_ringing(put_off(ONE_PM, 60, now), later(now, 61), heard=True) is None


def test_an_alarm_that_rings_while_the_clock_is_set_back_is_over_when_it_is_stopped() -> None:
    """It does not ring again at the same time."""
    assert after_ringing(ONE_PM, later(NOON, 3000), heard=True) is None


class Years(RuleBasedStateMachine):
    """A house that sets timers and alarms, is switched off, has its clock set, and lives on; an observer keeps count.

    The observer knows by itself when each must ring: by real time, which nobody sets.
    """

    def __init__(self) -> None:
        super().__init__()
        self.real = 0.0
        """Seconds of real time since the beginning."""
        self.wrong = 0.0
        """By how much the wall clock is wrong."""
        self.booted = 0.0
        self.boots = 0
        self.zone = BERLIN
        self.began = utc("2026-03-27 10:00")
        self.entries: dict[int, Entry] = {}
        self.due: dict[int, float] = {}
        """When each timer must ring, in real time."""
        self.wall_due: dict[int, float] = {}
        """When each single alarm must ring, by the wall clock."""
        self.rung: dict[int, int] = {}
        self.missed: dict[int, int] = {}
        self.count = 0

    @property
    def now(self) -> Now:
        return Now(self.began + self.real + self.wrong, self.real - self.booted, str(self.boots), self.zone)

    @rule(seconds=st.floats(1, 100_000))
    def set_timer(self, seconds: float) -> None:
        self.count += 1
        self.entries[self.count] = Entry(self.count, AlarmKind.TIMER, "", Countdown.of(seconds, self.now))
        self.due[self.count] = self.real + seconds

    @rule(at=st.times(), zone=st.sampled_from(ZONES))
    def set_alarm(self, at: time, zone: str) -> None:
        if not self.entries:
            self.zone = ZoneInfo(zone)
        self.count += 1
        when = next_time(at.replace(microsecond=0), frozenset(), self.now.wall, self.zone)
        self.entries[self.count] = Entry(self.count, AlarmKind.ALARM, "", time_of_day=when)
        self.wall_due[self.count] = first_moment(when.date, when.time, self.zone)

    @rule(seconds=st.floats(0.1, 100_000))
    def live(self, seconds: float) -> None:
        """As the device does: look, and look again when that was asked for."""
        end = self.real + seconds
        while True:
            look_in = self.look(on_time=True)
            if look_in is None or self.real + look_in > end:
                break
            # No clock stands still, but a sum of floats may.
            self.real += max(look_in, 1e-6)
        self.real = end

    @rule(seconds=st.floats(0.1, 100_000))
    def be_switched_off(self, seconds: float) -> None:
        """The clock is right when it is back: that it may not be at once is another test's."""
        self.look(on_time=False)
        self.real += seconds
        self.booted, self.boots = self.real - 1.0, self.boots + 1
        self.look(on_time=False)

    @rule(by=st.integers(-7_200, 7_200))
    def set_the_clock(self, by: int) -> None:
        """The kernel tells of it at once."""
        self.look(on_time=False)
        self.wrong += by
        self.look(on_time=False)

    def look(self, on_time: bool) -> float | None:
        now = self.now
        self.entries = {number: anchored(entry, now) for number, entry in self.entries.items()}
        found = look(self.entries.values(), (), now, True, LIMIT_S)
        for entry in (*found.ring, *found.missed):
            counts = self.rung if entry in found.ring else self.missed
            counts[entry.id] = counts.get(entry.id, 0) + 1
            self.judge(entry, entry in found.ring, on_time)
            left = after_ringing(self.entries.pop(entry.id), now, heard=True)
            assert left is None
        return found.look_in

    def judge(self, entry: Entry, rings: bool, on_time: bool) -> None:
        late = self.real - self.due[entry.id] if entry.id in self.due else self.now.wall - self.wall_due[entry.id]
        assert late > -0.01, "too early"
        assert rings == (late < LIMIT_S) or abs(late - LIMIT_S) < 0.01
        assert not on_time or late < 0.01 or entry.id in self.missed, "late, though somebody looked"

    @invariant()
    def each_is_rung_or_missed_once_or_is_still_to_come(self) -> None:
        for number in range(1, self.count + 1):
            times = self.rung.get(number, 0) + self.missed.get(number, 0) + (number in self.entries)
            assert times == 1, "lost, or twice"

    @invariant()
    def nothing_that_is_still_to_come_is_overdue(self) -> None:
        now = self.now
        assert all(seconds_left(entry, now) > -100_001 for entry in self.entries.values())


Years.TestCase.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
TestYears = Years.TestCase


@given(st.floats(1, 86_400), st.floats(0, 86_400), st.floats(-86_400, 86_400))
def test_a_timer_counts_by_the_boot_clock_alone_while_the_machine_runs(length: float, past: float, step: float) -> None:
    """Whatever the wall clock does."""
    entry = timer(length)
    now = later(replace(NOON, wall=NOON.wall + step), past)
    assert seconds_left(entry, now) == pytest.approx(length - past)


@given(st.floats(1, 86_400), st.floats(0, 86_400))
def test_a_timer_goes_on_over_a_reboot_by_the_wall_clock(length: float, off_s: float) -> None:
    """And counts by the new boot from then on."""
    entry, now = timer(length), rebooted(NOON, off_s)
    assert seconds_left(entry, now) == pytest.approx(length - off_s, abs=1e-3)
    kept = anchored(entry, now)
    assert kept.countdown is not None
    assert kept.countdown.boot_id == now.boot_id
    assert seconds_left(kept, now) == pytest.approx(length - off_s, abs=1e-3)
