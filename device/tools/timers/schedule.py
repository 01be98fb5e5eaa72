"""What is to ring, and when to look again. Computes only: the clocks' time is an argument.

Whatever happened while nobody looked (the device was off, somebody set the clock), the next look makes it good: what is
late by less than a limit rings, what is later is told. Nothing else than a look decides, so it does not matter how
often one looks.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from device.tools.timers.entry import DAY_S, Countdown, Entry, Now, TimeOfDay
from device.tools.timers.walltime import first_moment, following, latest

HOLD_S = 120.0
"""How long to wait, after the machine was switched on, until the network has set the clock.

A Raspberry Pi is up after half a minute, and systemd-timesyncd needs some seconds from when there is a network. Without
one nobody will know better: then the clock counts as it is. One that is behind, as they are, rings late and loses
nothing, whenever it is set.
"""
LOOK_AGAIN_S = 2.0
"""How often to look meanwhile; nobody tells when a clock that was right has been found to be right."""
# Two clocks are not read at the same instant; and the network corrects smaller errors without a step.
_STEP_S = 0.1


@dataclass(frozen=True, slots=True)
class Due:
    """What a look has found."""

    ring: tuple[Entry, ...] = ()
    missed: tuple[Entry, ...] = ()
    """As they were; too late for ringing."""
    look_in: float | None = None
    """In how many seconds to look again, if nothing changes by then; None: not before something does."""


def is_trusted(synchronised: bool, now: Now) -> bool:
    """Say whether the wall clock may decide that something is due; `synchronised`: the network has set it.

    A Raspberry Pi has no clock that runs while it is off: it comes up with the time at which it was last seen running,
    or with any other, until the network sets it.
    """
    return synchronised or now.boot >= HOLD_S


def look(entries: Iterable[Entry], ringing: Collection[int], now: Now, trusted: bool, limit_s: float) -> Due:
    """Return what is due now, but for what rings already; what is later than `limit_s` is missed."""
    waiting = [entry for entry in entries if entry.waits and entry.id not in ringing]
    judged = [entry for entry in waiting if trusted or not needs_wall_clock(entry, now)]
    held = len(judged) < len(waiting)
    left = {entry.id: seconds_left(entry, now) for entry in judged}
    due = sorted((entry for entry in judged if left[entry.id] <= 0), key=lambda entry: left[entry.id])
    later = [seconds for seconds in left.values() if seconds > 0] + [LOOK_AGAIN_S] * held
    return Due(
        tuple(entry for entry in due if left[entry.id] > -limit_s),
        tuple(entry for entry in due if left[entry.id] <= -limit_s),
        min(later, default=None),
    )


def seconds_left(entry: Entry, now: Now) -> float:
    """Return in how many seconds an entry that waits is due; less than 0: for how long it has been."""
    moments = []
    if entry.countdown is not None:
        moments.append(entry.countdown.left(now))
    if entry.time_of_day is not None:
        alarm = latest(entry.time_of_day, now.wall, now.zone)
        moments.append(first_moment(alarm.date, alarm.time, now.zone) - now.wall)
    return min(moments)


def needs_wall_clock(entry: Entry, now: Now) -> bool:
    """Say whether it cannot be judged while the wall clock may be wrong."""
    countdown = entry.countdown
    return entry.time_of_day is not None or (countdown is not None and not countdown.needs_no_wall_clock(now))


def after_ringing(entry: Entry, now: Now, heard: bool) -> Entry | None:
    """Return what is left of an entry that has rung, or was missed (not `heard`); None: nothing.

    Of one that repeats its next time; of another that nobody heard, that it was missed.
    """
    next_time = _next_time(entry, now)
    if next_time is not None:
        return replace(entry, countdown=None, time_of_day=next_time)
    if heard:
        return None
    return replace(entry, countdown=None, time_of_day=None, missed=now.wall + min(0.0, seconds_left(entry, now)))


def is_forgotten(entry: Entry, now: Now) -> bool:
    """Say whether it was missed so long ago that nobody wants to know any more."""
    return entry.missed is not None and abs(now.wall - entry.missed) >= DAY_S


def _next_time(entry: Entry, now: Now) -> TimeOfDay | None:
    alarm = entry.time_of_day
    if alarm is None:
        return None
    # What rang may be one that was put off: then its next time is still to come, as a rule.
    is_to_come = entry.countdown is not None and first_moment(alarm.date, alarm.time, now.zone) > now.wall
    return alarm if is_to_come else following(alarm, now.wall, now.zone)


def put_off(entry: Entry, seconds: float, now: Now) -> Entry:
    """Return one that rings so that it rings again in some seconds; it keeps its name."""
    later = Countdown.of(seconds, now)
    if entry.countdown is not None:
        later = replace(later, length=entry.countdown.length)
    return replace(entry, countdown=later, time_of_day=_next_time(entry, now))


def anchored(entry: Entry, now: Now) -> Entry:
    """Return one whose countdown counts by the present boot, and by the wall clock as it stands now.

    The wall clock must be right: it may have been set since, and what another boot has left behind is judged by it.
    """
    countdown = entry.countdown
    if countdown is None:
        return entry
    drift = (countdown.wall - countdown.boot) - (now.wall - now.boot)
    if countdown.needs_no_wall_clock(now) and abs(drift) <= _STEP_S:
        return entry
    left = countdown.left(now)
    return replace(entry, countdown=Countdown(countdown.length, now.boot + left, now.boot_id, now.wall + left))
