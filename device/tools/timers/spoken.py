"""Durations, times of day and entries in words, as they are said. Computes only."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, time

from device.core.events import AlarmKind
from device.tools.clock import MONTHS, WEEKDAYS
from device.tools.timers.entry import Entry, Now
from device.tools.timers.schedule import seconds_left
from device.tools.timers.walltime import clock_shows, latest

_UNITS = (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))
_WORKDAYS, _WEEKEND, _ALL = frozenset(range(5)), frozenset((5, 6)), frozenset(range(7))
_LONG_S = 600
"""From here on nobody wants to hear of seconds."""


def duration(seconds: float, exact: bool = False) -> str:
    """Return "1 hour and 5 minutes"; without seconds where they do not matter, unless it is to be `exact`."""
    left = max(1, round(seconds))
    if left >= _LONG_S and not exact:
        left = round(left / 60) * 60
    parts = []
    for name, size in _UNITS:
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count} {name}{'s' * (count != 1)}")
    return listed(parts)


def clock_time(at: time) -> str:
    """Return "7 AM", "7:30 AM" or "7:30:15 AM"."""
    minutes = f":{at.minute:02}" if at.minute or at.second else ""
    seconds = f":{at.second:02}" if at.second else ""
    return f"{at.hour % 12 or 12}{minutes}{seconds} {'AM' if at.hour < 12 else 'PM'}"


def day_of(day: date, today: date) -> str:
    """Return "today", "tomorrow", "on Monday" or "on Monday, 7 December"."""
    ahead = (day - today).days
    if ahead in (0, 1):
        return "tomorrow" if ahead else "today"
    near = f"on {WEEKDAYS[day.weekday()]}"
    return near if 1 < ahead < len(WEEKDAYS) else f"{near}, {day.day} {MONTHS[day.month - 1]}"


def moment(seconds: float, now: Now) -> str:
    """Return when it is, `seconds` from now (less than 0: it was): "7 AM tomorrow"."""
    shown = clock_shows(now.wall + seconds + 30, now.zone).replace(second=0, microsecond=0)
    return f"{clock_time(shown.time())} {day_of(shown.date(), clock_shows(now.wall, now.zone).date())}"


def weekdays_of(days: Iterable[int]) -> str:
    """Return "every weekday", or "every Monday and Friday"."""
    wanted = frozenset(days)
    named = {_WORKDAYS: "every weekday", _WEEKEND: "every weekend", _ALL: "every day"}
    return named.get(wanted) or f"every {listed([WEEKDAYS[day] for day in sorted(wanted)])}"


def when(entry: Entry, now: Now) -> str:
    """Return when an entry that waits is for: "7 AM tomorrow", "7 AM every weekday", "in 5 minutes"."""
    alarm = entry.time_of_day
    if entry.countdown is not None:
        return f"in {duration(entry.countdown.left(now))}"
    assert alarm is not None
    if alarm.weekdays:
        return f"{clock_time(alarm.time)} {weekdays_of(alarm.weekdays)}"
    return f"{clock_time(alarm.time)} {day_of(alarm.date, clock_shows(now.wall, now.zone).date())}"


def was_for(entry: Entry, now: Now) -> str:
    """Return for when one was that rings, or was missed."""
    alarm = entry.time_of_day and latest(entry.time_of_day, now.wall, now.zone)
    if entry.countdown is None and alarm is not None:
        return f"{clock_time(alarm.time)} {day_of(alarm.date, clock_shows(now.wall, now.zone).date())}"
    return moment(entry.missed - now.wall if entry.missed is not None else seconds_left(entry, now), now)


def name(entry: Entry) -> str:
    """Return what it is called: "pasta timer", "10 minute timer", "7 AM alarm", "reminder to turn the oven off"."""
    if entry.kind is AlarmKind.REMINDER:
        return f"reminder to {entry.label}" if entry.label else "reminder"
    if entry.label:
        return f"{entry.label} {entry.kind.value}"
    if entry.time_of_day is not None:
        return f"{clock_time(entry.time_of_day.time)} {entry.kind.value}"
    if entry.countdown is not None and entry.kind is AlarmKind.TIMER:
        return f"{_adjective(entry.countdown.length)} timer"
    return str(entry.kind.value)


def listed(parts: Sequence[str], word: str = "and") -> str:
    """Return "a, b and c"."""
    whole: str = f" {word} ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)
    return whole


def _adjective(seconds: float) -> str:
    """Return "10 minute", or "1 hour and 5 minute"."""
    words = duration(seconds, exact=True).split()
    return " ".join(word.removesuffix("s") if word.rstrip("s") in dict(_UNITS) else word for word in words)
