"""Times of day where clocks are put forward and back. Computes only.

The rule, from which all else follows: an alarm rings at the first moment at which the clock on the wall shows its day
and time, or a later one. Where clocks are put forward over 2:30, one for 2:30 rings when they are: at 3:00. Where they
are put back, and 2:30 comes twice, it rings the first time, and only then. A day that a country left out (Samoa, 30
December 2011) is over when the next one begins.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from device.tools.timers.entry import TimeOfDay

_WEEK = 7


def first_moment(day: date, at: time, zone: tzinfo) -> float:
    """Return the first moment (s since 1970) at which the clock in `zone` shows this day and time, or a later one."""
    wanted = datetime.combine(day, at)
    one, other = (wanted.replace(tzinfo=zone, fold=fold).timestamp() for fold in (0, 1))
    # Twice: the earlier. Never: as if clocks had not been changed yet it would be after the change, and as if they had
    # been, before it.
    return one if one <= other else _change_between(other, one, wanted, zone)


def clock_shows(moment: float, zone: tzinfo) -> datetime:
    """Return what the clock on the wall shows at a moment, without a zone."""
    return datetime.fromtimestamp(moment, UTC).astimezone(zone).replace(tzinfo=None, fold=0)


def next_time(at: time, weekdays: frozenset[int], now: float, zone: tzinfo) -> TimeOfDay:
    """Return the next time of day `at` after `now`, on one of these weekdays, or on any day."""
    today = clock_shows(now, zone).date()
    day = next(day for day in _days(today, weekdays) if first_moment(day, at, zone) > now)
    return TimeOfDay(at, day, weekdays)


def following(alarm: TimeOfDay, now: float, zone: tzinfo) -> TimeOfDay | None:
    """Return the next time of an alarm that has rung, or been missed, after its day and `now`; None: there is none."""
    if not alarm.weekdays:
        return None
    days = _days(alarm.date + timedelta(days=1), alarm.weekdays)
    day = next(day for day in days if first_moment(day, alarm.time, zone) > now)
    return TimeOfDay(alarm.time, day, alarm.weekdays)


def latest(alarm: TimeOfDay, now: float, zone: tzinfo) -> TimeOfDay:
    """Return the last of its times up to `now`, of one that repeats; itself while it is still to come."""
    if not alarm.weekdays:
        return alarm
    today = clock_shows(now, zone).date()
    # A day on either side: clocks may just have been put back over midnight.
    recent = (today + timedelta(days=1 - back) for back in range(_WEEK + 2))
    past = (
        day
        for day in recent
        if day > alarm.date and day.weekday() in alarm.weekdays and first_moment(day, alarm.time, zone) <= now
    )
    return TimeOfDay(alarm.time, next(past, alarm.date), alarm.weekdays)


def _days(first: date, weekdays: frozenset[int]) -> Iterator[date]:
    day = first
    while True:
        if not weekdays or day.weekday() in weekdays:
            yield day
        day += timedelta(days=1)


def _change_between(before: float, after: float, wanted: datetime, zone: tzinfo) -> float:
    """Return when the clock is put forward over `wanted`, to the second."""
    while after - before > 1:
        middle = (before + after) // 2
        if clock_shows(middle, zone) < wanted:
            before = middle
        else:
            after = middle
    return after
