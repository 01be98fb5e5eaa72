"""What rings: timers, alarms and reminders that are due, until somebody stops them.

They ring in every phase, muted or not, and quietly while somebody is in a conversation. Here are the effects of their
rows, as in effects.py, and `attend`, which gives the orders that follow from what rings. How the ring sounds, and how
loud it is, is the mouth's affair.
"""

from __future__ import annotations

from typing import Any

from device.core import actions as order
from device.core import announcing
from device.core import events as ev
from device.core.actions import Action
from device.core.events import AlarmKind
from device.core.memory import Memory, Timer
from device.core.status import Phase


def begin(memory: Memory, fact: ev.AlarmDue) -> list[Action]:
    """Something is due: it rings, with what rings already."""
    memory.ringing.alarms[fact.id] = fact
    memory.start(Timer.LONGEST_RINGING, memory.settings.longest_ringing)
    memory.start(Timer.NAME_WHAT_RINGS, memory.settings.first_naming)
    return []


def end(memory: Memory, fact: Any) -> list[Action]:
    """Somebody stopped it: all that rings."""
    _fall_silent(memory)
    return []


def silence(memory: Memory, fact: ev.AlarmSilenced) -> list[Action]:
    """One of those that ring need not any more."""
    memory.ringing.alarms.pop(fact.id, None)
    if not memory.ringing.alarms:
        _fall_silent(memory)
    return []


def give_up(memory: Memory, fact: Any) -> list[Action]:
    """Nobody has stopped it: fall silent, and say once what it was."""
    for alarm in memory.ringing.alarms.values():
        _say_later(memory, f"{_name(alarm)} rang, and nobody stopped it.")
    _fall_silent(memory)
    return []


def name_aloud(memory: Memory, fact: Any) -> list[Action]:
    """Say over the ring what rings, as far as it has a name: again and again, but not into a conversation."""
    memory.start(Timer.NAME_WHAT_RINGS, memory.settings.next_naming)
    text = " ".join(_told(f"{_name(alarm)}.") for alarm in memory.ringing.alarms.values() if alarm.label)
    return [order.Announce(text, private=True)] if text and memory.status.phase is Phase.IDLE else []


def miss(memory: Memory, fact: ev.AlarmMissed) -> list[Action]:
    """It is too late for ringing: say so, once."""
    _say_later(memory, f"{_name(fact)} was for {fact.when}, and I could not ring.")
    return []


def attend(memory: Memory, fact: Any) -> list[Action]:
    """Return the orders that follow from what rings, after the row for `fact` has been applied.

    At the end of the program there are none: the mouth falls silent when it is closed, and nobody has stopped the ring.
    """
    if isinstance(fact, ev.ShutdownRequested):
        return []
    memory.note(ringing=bool(memory.ringing.alarms))
    quietly = memory.status.phase is not Phase.IDLE
    wanted = order.Ring(ducked=quietly) if memory.ringing.alarms else None
    before, memory.ringing.sounding = memory.ringing.sounding, wanted
    if wanted == before:
        return []
    return [wanted or order.StopRinging(unheeded=fact is Timer.LONGEST_RINGING)]


def _say_later(memory: Memory, text: str) -> None:
    """Have it said as any announcement is: when nobody talks, and after quiet hours."""
    announcing.take(memory, ev.AnnouncementRequested(_told(text)))


def _fall_silent(memory: Memory) -> None:
    memory.ringing.alarms.clear()
    memory.stop(Timer.LONGEST_RINGING)
    memory.stop(Timer.NAME_WHAT_RINGS)


def _name(alarm: ev.AlarmDue | ev.AlarmMissed) -> str:
    if alarm.kind is AlarmKind.REMINDER:
        return f"reminder: {alarm.label}" if alarm.label else "a reminder"
    return f"your {alarm.label} {alarm.kind.value}" if alarm.label else f"your {alarm.kind.value}"


def _told(text: str) -> str:
    return text[:1].upper() + text[1:]
