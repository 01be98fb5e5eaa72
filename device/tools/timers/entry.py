"""A timer, an alarm or a reminder, as data; and the facts about the clocks with which it is judged."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, time, tzinfo

from device.core.events import AlarmKind

DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class Now:
    """What the clocks say at one moment."""

    wall: float
    """Seconds since 1970. It jumps when somebody sets it, and may be wrong until it has been set by the network."""
    boot: float
    """Seconds since the machine was started, those in which it slept included. It never jumps."""
    boot_id: str
    """Which start of the machine that was."""
    zone: tzinfo
    """What people here mean by a time of day."""


@dataclass(frozen=True, slots=True)
class Countdown:
    """So much time is over at a moment of the boot clock; on another boot only the wall clock can tell."""

    length: float
    """In seconds."""
    boot: float
    boot_id: str
    wall: float

    @classmethod
    def of(cls, length: float, now: Now) -> Countdown:
        """Return one that begins now."""
        return cls(length, now.boot + length, now.boot_id, now.wall + length)

    def left(self, now: Now) -> float:
        """Return in how many seconds it is over; less than 0 when it has been for so long."""
        return self.boot - now.boot if self.needs_no_wall_clock(now) else self.wall - now.wall

    def longer(self, by: float, now: Now) -> Countdown:
        """Return one that is over `by` seconds later, of one that is over already from now on."""
        left = max(0.0, max(0.0, self.left(now)) + by)
        return replace(Countdown.of(left, now), length=max(left, self.length + by))

    def needs_no_wall_clock(self, now: Now) -> bool:
        """Say whether it can be judged though the wall clock may be wrong."""
        return self.boot_id == now.boot_id


@dataclass(frozen=True, slots=True)
class TimeOfDay:
    """A time on the clock of whoever lives here, on a day; with `weekdays` (0 is Monday) again on each of those."""

    time: time
    date: date
    """The day for which it is set; of one that repeats, the next one for which it has not rung."""
    weekdays: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Entry:
    """One of them. It waits for what it has: a countdown, a time of day, or (one that repeats, put off) both.

    With neither it is one that nobody heard: `missed`, kept for a day to be told of.
    """

    id: int
    kind: AlarmKind
    label: str = ""
    """What it is called: "pasta"; of a reminder, what is to be done."""
    countdown: Countdown | None = None
    time_of_day: TimeOfDay | None = None
    missed: float | None = None
    """When it should have rung (s since 1970)."""

    @property
    def waits(self) -> bool:
        """Whether it is still to ring."""
        return self.countdown is not None or self.time_of_day is not None
