"""Times of day where clocks are put forward and back: over years and zones."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.tools.timers.entry import TimeOfDay
from device.tools.timers.walltime import clock_shows, first_moment, following, latest, next_time

BERLIN = ZoneInfo("Europe/Berlin")
ZONES = [
    "Europe/Berlin",
    "Europe/London",
    "America/New_York",
    "America/St_Johns",
    "America/Sao_Paulo",
    "Africa/Casablanca",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Asia/Tehran",
    "Australia/Lord_Howe",
    "Australia/Adelaide",
    "Pacific/Chatham",
    "Pacific/Apia",
    "UTC",
]
EVERY_DAY = frozenset(range(7))
zones = st.sampled_from(ZONES).map(ZoneInfo)
days = st.dates(date(1990, 1, 1), date(2037, 12, 30))
times = st.times().map(lambda at: at.replace(microsecond=0))
weekdays = st.frozensets(st.integers(0, 6), min_size=1)


def utc(text: str) -> float:
    """Return the moment of a time in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("zone", "day", "at", "rings"),
    [
        # Berlin, the last Sundays of March and October 2027.
        ("Europe/Berlin", "2027-03-28", "01:59", "2027-03-28 00:59"),
        ("Europe/Berlin", "2027-03-28", "02:00", "2027-03-28 01:00"),
        ("Europe/Berlin", "2027-03-28", "02:30", "2027-03-28 01:00"),
        ("Europe/Berlin", "2027-03-28", "03:00", "2027-03-28 01:00"),
        ("Europe/Berlin", "2027-03-28", "07:00", "2027-03-28 05:00"),
        ("Europe/Berlin", "2027-10-31", "01:59", "2027-10-30 23:59"),
        ("Europe/Berlin", "2027-10-31", "02:00", "2027-10-31 00:00"),
        ("Europe/Berlin", "2027-10-31", "02:30", "2027-10-31 00:30"),
        ("Europe/Berlin", "2027-10-31", "03:00", "2027-10-31 02:00"),
        ("Europe/Berlin", "2027-10-31", "07:00", "2027-10-31 06:00"),
        # Half an hour is put forward and back.
        ("Australia/Lord_Howe", "2026-10-04", "02:15", "2026-10-03 15:30"),
        ("Australia/Lord_Howe", "2026-04-05", "01:45", "2026-04-04 14:45"),
        # Hours and a half, and three quarters, from Greenwich.
        ("Asia/Kolkata", "2026-12-01", "07:00", "2026-12-01 01:30"),
        ("America/St_Johns", "2026-03-08", "02:30", "2026-03-08 05:30"),
        ("Pacific/Chatham", "2026-09-27", "03:00", "2026-09-26 14:00"),
        # A day that was left out, and midnight that was.
        ("Pacific/Apia", "2011-12-30", "07:00", "2011-12-30 10:00"),
        ("America/Sao_Paulo", "2018-11-04", "00:30", "2018-11-04 03:00"),
    ],
)
def test_when_an_alarm_rings_where_clocks_are_changed(zone: str, day: str, at: str, rings: str) -> None:
    """Each was worked out by hand."""
    assert first_moment(date.fromisoformat(day), time.fromisoformat(at), ZoneInfo(zone)) == utc(rings)


@given(days, times, zones)
def test_it_is_the_first_moment_at_which_the_clock_shows_it_or_more(day: date, at: time, zone: ZoneInfo) -> None:
    """The rule, literally: a second before, and at any time in the two days before, it shows less."""
    moment, wanted = first_moment(day, at, zone), datetime.combine(day, at)
    assert clock_shows(moment, zone) >= wanted
    for before_s in (1, *range(600, 48 * 3600, 600)):
        assert clock_shows(moment - before_s, zone) < wanted


@given(days, times, zones)
def test_a_later_time_of_a_day_never_rings_earlier(day: date, at: time, zone: ZoneInfo) -> None:
    """Nor one of a later day."""
    noon = time(12, 0)
    assert (first_moment(day, at, zone) <= first_moment(day, noon, zone)) is (at <= noon) or at > noon
    assert first_moment(day, at, zone) <= first_moment(day + timedelta(days=1), at, zone)


@given(st.floats(utc("1990-01-01"), utc("2037-01-01")), times, weekdays, zones)
def test_the_next_time_is_ahead_and_nothing_fits_in_between(
    now: float, at: time, wanted: frozenset[int], zone: ZoneInfo
) -> None:
    """On one of the weekdays, within the eight days in which each of them comes."""
    found = next_time(at, wanted, now, zone)
    moment = first_moment(found.date, at, zone)
    assert now < moment <= now + 8 * 86_400 + 26 * 3600
    assert found.date.weekday() in wanted
    today = clock_shows(now, zone).date()
    between = (today + timedelta(days=n) for n in range((found.date - today).days))
    assert all(day.weekday() not in wanted or first_moment(day, at, zone) <= now for day in between)


@given(st.floats(utc("2000-01-01"), utc("2037-01-01")), times, weekdays, zones, st.floats(0, 30 * 86_400))
def test_one_that_repeats_rings_once_on_each_of_its_days(
    now: float, at: time, wanted: frozenset[int], zone: ZoneInfo, asleep_s: float
) -> None:
    """However long nobody looked: the last time that has come, and then the first that has not."""
    alarm = next_time(at, wanted, now, zone)
    woken = first_moment(alarm.date, at, zone) + asleep_s
    last = latest(alarm, woken, zone)
    assert first_moment(last.date, at, zone) <= woken
    following_one = following(last, woken, zone)
    assert following_one is not None
    assert following_one == following(alarm, woken, zone)
    assert first_moment(following_one.date, at, zone) > woken
    between = (last.date + timedelta(days=n) for n in range(1, (following_one.date - last.date).days))
    assert all(day.weekday() not in wanted for day in between)


def test_seven_in_the_morning_stays_seven_in_the_morning_all_year() -> None:
    """In Berlin, through both changes."""
    alarm = TimeOfDay(time(7), date(2027, 1, 1), EVERY_DAY)
    shown = set()
    for _ in range(365):
        moment = first_moment(alarm.date, alarm.time, BERLIN)
        shown.add(clock_shows(moment, BERLIN).time())
        following_one = following(alarm, moment, BERLIN)
        assert following_one is not None
        assert following_one.date == alarm.date + timedelta(days=1)
        alarm = following_one
    assert shown == {time(7)}


def test_a_time_that_comes_twice_rings_once() -> None:
    """At 2:30 before the clock is put back; when it is 2:30 again, the next one is tomorrow's."""
    alarm = TimeOfDay(time(2, 30), date(2027, 10, 31), EVERY_DAY)
    first, again = utc("2027-10-31 00:30"), utc("2027-10-31 01:30")
    assert clock_shows(first, BERLIN) == clock_shows(again, BERLIN)
    assert first_moment(alarm.date, alarm.time, BERLIN) == first
    rung = following(alarm, first, BERLIN)
    assert rung == following(alarm, again, BERLIN) == TimeOfDay(time(2, 30), date(2027, 11, 1), EVERY_DAY)


def test_an_alarm_that_rang_does_not_ring_again_when_the_clock_is_set_back() -> None:
    """By somebody, by an hour: its day is over."""
    zone = timezone(timedelta(hours=1))
    alarm = TimeOfDay(time(7), date(2026, 12, 1), EVERY_DAY)
    rang = following(alarm, utc("2026-12-01 06:00:10"), zone)
    assert rang is not None
    assert latest(rang, utc("2026-12-01 05:00"), zone) == rang
    assert rang.date == date(2026, 12, 2)
