"""Which timer is meant, and how it is said."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, time
from zoneinfo import ZoneInfo

import pytest

from device.core.events import AlarmKind
from device.tools.timers import spoken
from device.tools.timers.entry import Countdown, Entry, Now, TimeOfDay
from device.tools.timers.names import find, plain_label
from tests.tools.timers.test_walltime import EVERY_DAY, utc

NOW = Now(utc("2026-12-01 12:00"), 1_000.0, "boot", ZoneInfo("UTC"))
TOMORROW = date(2026, 12, 2)


def timer(number: int, seconds: float, label: str = "", kind: AlarmKind = AlarmKind.TIMER) -> Entry:
    """A timer, or a reminder that counts down."""
    return Entry(number, kind, label, Countdown.of(seconds, NOW))


def alarm(number: int, at: time, label: str = "", weekdays: frozenset[int] = frozenset()) -> Entry:
    """An alarm for tomorrow, or for every day."""
    return Entry(number, AlarmKind.ALARM, label, time_of_day=TimeOfDay(at, TOMORROW, weekdays))


PASTA, EGG, TEN = timer(1, 480, "pasta"), timer(2, 240, "soft egg"), timer(3, 600)
SEVEN, WORK = alarm(4, time(7)), alarm(5, time(6, 30), "work", EVERY_DAY)
OVEN = timer(6, 900, "turn the oven off", AlarmKind.REMINDER)
ALL = (PASTA, EGG, TEN, SEVEN, WORK, OVEN)


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("pasta", [PASTA]),
        ("the pasta timer", [PASTA]),
        ("my Pasta Timer", [PASTA]),
        ("past", [PASTA]),
        ("egg", [EGG]),
        ("egg timer", [EGG]),
        ("the soft egg", [EGG]),
        ("ten minute timer", [TEN]),
        ("10 minute timer", [TEN]),
        ("the one for ten minutes", [TEN]),
        ("seven", [SEVEN]),
        ("the 7 o'clock alarm", [SEVEN]),
        ("the alarm for 7 AM", [SEVEN]),
        ("7:00", [SEVEN]),
        ("work", [WORK]),
        ("6:30", [WORK]),
        ("the reminder", [OVEN]),
        ("oven", [OVEN]),
        ("turn the oven off", [OVEN]),
        ("#5", [WORK]),
        ("#9", []),
        ("timers", [PASTA, EGG, TEN]),
        ("alarm", [SEVEN, WORK]),
        ("pasta alarm", []),
        ("laundry", []),
        ("", list(ALL)),
    ],
)
def test_which_one_is_meant(said: str, meant: list[Entry]) -> None:
    """As people say it; more than one is asked back, by who calls this."""
    assert find(said, ALL) == meant


def test_two_of_one_name_are_both_meant() -> None:
    """Whoever asks back says how long each still takes."""
    assert find("pasta", [PASTA, replace(TEN, label="pasta")]) == [PASTA, replace(TEN, label="pasta")]


@pytest.mark.parametrize(
    ("said", "kind", "kept"),
    [
        ("the pasta timer", AlarmKind.TIMER, "pasta"),
        ("Timer", AlarmKind.TIMER, ""),
        ("egg", AlarmKind.TIMER, "egg"),
        ("work alarm", AlarmKind.ALARM, "work"),
        ("to  turn the oven off", AlarmKind.REMINDER, "turn the oven off"),
        ("set a timer", AlarmKind.REMINDER, "set a timer"),
    ],
)
def test_a_name_is_kept_without_what_is_said_anyway(said: str, kind: AlarmKind, kept: str) -> None:
    """ "Your pasta timer timer" would be said else."""
    assert plain_label(said, kind) == kept


@pytest.mark.parametrize(
    ("entry", "name", "when"),
    [
        (PASTA, "pasta timer", "in 8 minutes"),
        (TEN, "10 minute timer", "in 10 minutes"),
        (timer(7, 3665), "1 hour, 1 minute and 5 second timer", "in 1 hour and 1 minute"),
        (SEVEN, "7 AM alarm", "7 AM tomorrow"),
        (WORK, "work alarm", "6:30 AM every day"),
        (alarm(8, time(0, 5), "", frozenset({5, 6})), "12:05 AM alarm", "12:05 AM every weekend"),
        (alarm(9, time(12), "", frozenset({0, 2})), "12 PM alarm", "12 PM every Monday and Wednesday"),
        (OVEN, "reminder to turn the oven off", "in 15 minutes"),
    ],
)
def test_how_one_is_called_and_when_it_is_for(entry: Entry, name: str, when: str) -> None:
    """In words that a voice can read."""
    assert (spoken.name(entry), spoken.when(entry, NOW)) == (name, when)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.4, "1 second"),
        (59.6, "1 minute"),
        (90, "1 minute and 30 seconds"),
        (599, "9 minutes and 59 seconds"),
        (629, "10 minutes"),
        (3600, "1 hour"),
        (90_061, "1 day, 1 hour and 1 minute"),
    ],
)
def test_how_long_is_said(seconds: float, words: str) -> None:
    """Without seconds where they do not matter."""
    assert spoken.duration(seconds) == words


@pytest.mark.parametrize(
    ("day", "words"),
    [
        ("2026-12-01", "today"),
        ("2026-12-02", "tomorrow"),
        ("2026-12-07", "on Monday"),
        ("2026-12-08", "on Tuesday, 8 December"),
        ("2026-11-30", "on Monday, 30 November"),
    ],
)
def test_how_a_day_is_said(day: str, words: str) -> None:
    """Today is Tuesday, 1 December."""
    assert spoken.day_of(date.fromisoformat(day), date(2026, 12, 1)) == words
