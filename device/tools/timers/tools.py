"""What the model, and a command, may do with timers, alarms and reminders."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, time, timedelta
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from device.core.events import AlarmKind
from device.errors import ToolError
from device.kit.outsiders import are_data
from device.ports.tools import Tool
from device.tools.timers import phrases, spoken
from device.tools.timers.entry import DAY_S, Countdown, Entry, Now, TimeOfDay
from device.tools.timers.keeper import Timekeeper
from device.tools.timers.names import find, plain_label
from device.tools.timers.schedule import seconds_left
from device.tools.timers.walltime import clock_shows, first_moment, next_time

LONGEST_S = 366 * DAY_S
_FARTHEST = timedelta(days=2 * 366)
_NOT_KEPT = ". But my disk does not take it: it will be forgotten if I am switched off"

Seconds = Annotated[float, Meta(ge=1, le=LONGEST_S, description="how long, in seconds")]
Label = Annotated[str, Meta(max_length=100, description='its name, where it was given one: "pasta"')]
TimeText = Annotated[
    str, Meta(pattern=r"^\d{1,2}:\d{2}(:\d{2})?$", description='local time, 24 hours: "07:30"', max_length=8)
]
DateText = Annotated[
    str, Meta(pattern=r"^\d{4}-\d{2}-\d{2}$", description='"2026-12-24"; without it the next time it is so late')
]
Day = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
Days = Annotated[list[Day], Meta(max_length=7, description="to repeat it weekly on these days")]
Name = Annotated[str, Meta(max_length=100, description="which one; leave it out if there can only be one")]
_ARE_DATA = are_data("Names", "people")
_DAYS: dict[Day, int] = {
    "monday": 0,
    "tuesday": 1,
    "wednesday": 2,
    "thursday": 3,
    "friday": 4,
    "saturday": 5,
    "sunday": 6,
}


class SetTimer(Struct, frozen=True, forbid_unknown_fields=True):
    """Arguments of set_timer."""

    seconds: Seconds
    label: Label = ""


class SetAlarm(Struct, frozen=True, forbid_unknown_fields=True):
    """Arguments of set_alarm."""

    time: TimeText
    date: DateText | None = None
    weekdays: Days = []
    label: Label = ""


class SetReminder(Struct, frozen=True, forbid_unknown_fields=True):
    """Arguments of set_reminder: `seconds` or `time`."""

    text: Annotated[str, Meta(min_length=1, max_length=300, description='what to do: "turn the oven off"')]
    seconds: Seconds | None = None
    time: TimeText | None = None
    date: DateText | None = None
    weekdays: Days = []


class ListTimers(Struct, frozen=True, forbid_unknown_fields=True):
    """Arguments of list_timers: none."""


class Cancel(Struct, frozen=True, forbid_unknown_fields=True):
    """Arguments of cancel_timer."""

    name: Name = ""
    all: Annotated[bool, Meta(description="true: all that the name fits, or all there are")] = False


class Extend(Struct, frozen=True, forbid_unknown_fields=True):
    """Arguments of extend_timer."""

    seconds: Annotated[
        float, Meta(ge=-LONGEST_S, le=LONGEST_S, description="how much longer, in seconds; less than 0: shorter")
    ]
    name: Name = ""


class Rename(Struct, frozen=True, forbid_unknown_fields=True):
    """Arguments of rename_timer."""

    new_name: Annotated[str, Meta(min_length=1, max_length=100, description="what it is called from now on")]
    name: Name = ""


class Snooze(Struct, frozen=True, forbid_unknown_fields=True):
    """Arguments of snooze_alarm."""

    minutes: Annotated[float, Meta(gt=0, le=1440, description="leave it out for the usual")] | None = None


class StopRinging(Struct, frozen=True, forbid_unknown_fields=True):
    """Arguments of stop_ringing: none."""


class TimerTools:
    """Carries out what the model asks for; each method returns what to say, or raises ToolError with it."""

    def __init__(self, keeper: Timekeeper) -> None:
        self._keeper = keeper

    async def set_timer(self, wanted: SetTimer) -> str:
        """Set a timer."""
        label = plain_label(wanted.label, AlarmKind.TIMER)
        return await self._add(AlarmKind.TIMER, label, Countdown.of(wanted.seconds, self._keeper.now))

    async def set_alarm(self, wanted: SetAlarm) -> str:
        """Set an alarm."""
        at = self._time_of_day(wanted.time, wanted.date, wanted.weekdays)
        return await self._add(AlarmKind.ALARM, plain_label(wanted.label, AlarmKind.ALARM), None, at)

    async def set_reminder(self, wanted: SetReminder) -> str:
        """Set a reminder."""
        if (wanted.seconds is None) is (wanted.time is None):
            raise ToolError("set_reminder: give either seconds or time")
        text = plain_label(wanted.text, AlarmKind.REMINDER)
        if wanted.seconds is not None:
            return await self._add(AlarmKind.REMINDER, text, Countdown.of(wanted.seconds, self._keeper.now))
        at = self._time_of_day(wanted.time or "", wanted.date, wanted.weekdays)
        return await self._add(AlarmKind.REMINDER, text, None, at)

    async def list_timers(self, wanted: ListTimers) -> str:
        """Tell of all of them, and of what nobody heard in the last day."""
        await self._keeper.ready()
        now = self._keeper.now
        waiting = sorted(self._keeper.waiting, key=lambda entry: seconds_left(entry, now))
        told = [f"the {_described(entry, now)}" for entry in waiting]
        missed = [f"the {spoken.name(entry)} for {spoken.was_for(entry, now)}" for entry in self._keeper.missed]
        answer = f"There are {len(told)}: {'; '.join(told)}" if told else "No timer, alarm or reminder is set"
        return f"{answer}. Missed: {'; '.join(missed)}" if missed else answer

    async def cancel(self, wanted: Cancel) -> str:
        """Call one off, or all."""
        await self._keeper.ready()
        found = find(wanted.name, self._keeper.waiting)
        if not (wanted.all and found):
            found = [self._the_one(wanted.name, self._keeper.waiting)]
        kept = await self._keeper.remove(found)
        return _confirmed(f"Cancelled: {_the(found)}", kept)

    async def extend(self, wanted: Extend) -> str:
        """Let a timer, or a reminder that counts down, take longer or less long."""
        await self._keeper.ready()
        counting = [entry for entry in self._keeper.waiting if entry.countdown is not None]
        entry, now = self._the_one(wanted.name, counting), self._keeper.now
        assert entry.countdown is not None
        if entry.countdown.left(now) + wanted.seconds < 0 and entry not in self._keeper.ringing:
            raise ToolError(f"the {_described(entry, now)}: it cannot be made shorter by so much")
        change = await self._keeper.change(replace(entry, countdown=entry.countdown.longer(wanted.seconds, now)))
        return _confirmed(f"The {_described(change.entry, now)}", change.kept)

    async def rename(self, wanted: Rename) -> str:
        """Call one something else."""
        await self._keeper.ready()
        entry = self._the_one(wanted.name, self._keeper.waiting)
        label = plain_label(wanted.new_name, entry.kind)
        change = await self._keeper.change(replace(entry, label=label))
        return _confirmed(f"The {spoken.name(entry)} is now the {spoken.name(change.entry)}", change.kept)

    async def snooze(self, wanted: Snooze) -> str:
        """Let what rings ring again later."""
        await self._keeper.ready()
        ringing = self._ringing()
        seconds = (wanted.minutes or self._keeper.settings.snooze_minutes) * 60
        kept = await self._keeper.put_off(ringing, seconds)
        return _confirmed(f"Put off: {_the(ringing)} will ring again in {spoken.duration(seconds)}", kept)

    async def stop(self, wanted: StopRinging) -> str:
        """Stop what rings."""
        await self._keeper.ready()
        ringing = self._ringing()
        kept = await self._keeper.stop(ringing)
        return _confirmed(f"Stopped: {_the(ringing)}", kept)

    async def _add(
        self, kind: AlarmKind, label: str, countdown: Countdown | None, time_of_day: TimeOfDay | None = None
    ) -> str:
        await self._keeper.ready()
        change = await self._keeper.add(kind, label, countdown, time_of_day)
        return _confirmed(f"Set: the {_described(change.entry, self._keeper.now)}", change.kept)

    def _time_of_day(self, at: str, day: str | None, days: Sequence[Day]) -> TimeOfDay:
        if not self._keeper.knows_the_time:
            raise ToolError("I do not know the time yet, for my clock has not been set; try again in two minutes")
        if day is not None and days:
            raise ToolError("give either a date or weekdays")
        now, moment = self._keeper.now, _time(at)
        if day is None:
            return next_time(moment, frozenset(_DAYS[name] for name in days), now.wall, now.zone)
        return _on(_date(day), moment, now)

    def _the_one(self, name: str, entries: Sequence[Entry]) -> Entry:
        """Return the one that is meant. Raise ToolError that asks back, or says what there is."""
        found, now = find(name, entries), self._keeper.now
        if len(found) == 1:
            return found[0]
        if found:
            choices = spoken.listed([f"the {_described(entry, now)}" for entry in found], "or")
            raise ToolError(f"more than one fits; which one is meant: {choices}?")
        if not entries:
            raise ToolError("nothing like that is set")
        raise ToolError(f'nothing is called "{name[:60]}"; there are: {_the(entries)}')

    def _ringing(self) -> tuple[Entry, ...]:
        if ringing := self._keeper.ringing:
            return ringing
        raise ToolError("nothing rings")


def timer_tools(keeper: Timekeeper) -> list[Tool[Any]]:
    """Return all of them."""
    do = TimerTools(keeper)
    return [
        Tool("set_timer", "Set a timer that rings after some time.", SetTimer, do.set_timer, phrases.SET_TIMER),
        Tool(
            "set_alarm",
            "Set an alarm that rings at a time of day, once or every week on some days.",
            SetAlarm,
            do.set_alarm,
            phrases.SET_ALARM,
        ),
        Tool(
            "set_reminder",
            "Remind the person aloud to do something, after some time or at a time of day.",
            SetReminder,
            do.set_reminder,
            phrases.SET_REMINDER,
        ),
        Tool(
            "list_timers",
            f"Tell which timers, alarms and reminders are set, how long they take, which were missed. {_ARE_DATA}",
            ListTimers,
            do.list_timers,
            phrases.LIST,
        ),
        Tool("cancel_timer", "Cancel a timer, alarm or reminder.", Cancel, do.cancel, phrases.CANCEL),
        Tool("extend_timer", "Give a timer more time, or less.", Extend, do.extend, phrases.EXTEND),
        Tool("rename_timer", "Give a timer, alarm or reminder another name.", Rename, do.rename),
        Tool("snooze_alarm", "Let what rings now ring again later.", Snooze, do.snooze, phrases.SNOOZE),
        Tool("stop_ringing", "Stop what rings now.", StopRinging, do.stop, phrases.STOP),
    ]


def _described(entry: Entry, now: Now) -> str:
    """Return "pasta timer, 4 minutes left"; "7 AM alarm, for tomorrow"."""
    if seconds_left(entry, now) <= 0:
        return f"{spoken.name(entry)}, ringing now"
    if entry.countdown is not None:
        return f"{spoken.name(entry)}, {spoken.duration(entry.countdown.left(now))} left"
    return f"{spoken.name(entry)}, for {spoken.when(entry, now)}"


def _the(entries: Iterable[Entry]) -> str:
    return spoken.listed([f"the {spoken.name(entry)}" for entry in entries])


def _confirmed(done: str, kept: bool) -> str:
    return done if kept else done + _NOT_KEPT


def _time(text: str) -> time:
    try:
        hour, minute, second = map(int, f"{text}:00".split(":")[:3])
        return time(hour, minute, second)
    except ValueError as error:
        raise ToolError(f'there is no time "{text}"; it goes from "00:00" to "23:59"') from error


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ToolError(f'there is no date "{text}"') from error


def _on(day: date, moment: time, now: Now) -> TimeOfDay:
    today = clock_shows(now.wall, now.zone).date()
    if first_moment(day, moment, now.zone) <= now.wall:
        raise ToolError(f"{spoken.clock_time(moment)} {spoken.day_of(day, today)} is over")
    if day - today > _FARTHEST:
        raise ToolError("that is more than two years ahead")
    return TimeOfDay(moment, day)


class TimersOfHouse:
    """A `device.ports.timers.TimerDesk`: for the control socket."""

    def __init__(self, keeper: Timekeeper) -> None:
        self.keeper = keeper
        self._tools = TimerTools(keeper)

    async def table(self) -> list[dict[str, Any]]:
        """See TimerDesk."""
        await self.keeper.ready()
        now, ringing = self.keeper.now, self.keeper.ringing
        waiting = sorted(self.keeper.waiting, key=lambda entry: seconds_left(entry, now))
        told = [_row(entry, now, "ringing" if entry in ringing else "waiting") for entry in waiting]
        return told + [_row(entry, now, "missed") for entry in self.keeper.missed]

    async def cancel(self, name: str) -> str:
        """See TimerDesk."""
        return await self._tools.cancel(Cancel(name))


def _row(entry: Entry, now: Now, state: str) -> dict[str, Any]:
    left = seconds_left(entry, now) if entry.waits else (entry.missed or 0.0) - now.wall
    return {
        "id": entry.id,
        "kind": entry.kind.value,
        "label": entry.label,
        "name": spoken.name(entry),
        "state": state,
        "when": spoken.when(entry, now) if state == "waiting" else spoken.was_for(entry, now),
        "due": round(now.wall + left, 1),
        "left_s": round(left, 1),
        "weekdays": sorted(entry.time_of_day.weekdays) if entry.time_of_day else [],
    }
