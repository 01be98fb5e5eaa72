"""What the house says of its own accord: one sentence at a time, when nobody talks; and what became of each.

A sentence waits for the conversation, the alarm and the sentence before it to end, and in quiet hours for these to be
over. One that asks is followed by a session that only listens, for one turn; no announcement ever leads to another.

As in effects.py, each effect changes the memory and returns the orders to give.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from device.core import actions as order
from device.core import effects as do
from device.core import endings as end
from device.core import events as ev
from device.core.actions import Action, Outcome, Purpose, TurnEnd
from device.core.failures import MOST_WAITING
from device.core.gating import unlit
from device.core.memory import AnswerProgress, Memory, Timer, next_announcement
from device.core.status import Phase
from device.units import Samples

# -- asking for it


def take(memory: Memory, fact: ev.AnnouncementRequested) -> list[Action]:
    """Let it wait for its time, which may be now; or say at once why it will never come."""
    queue = memory.announcements
    if refusal := _refusal(memory, fact):
        return _tell(fact, refusal)
    # A night full of what is held back must not keep out what is urgent.
    if sum(one.urgent is fact.urgent for one in queue.waiting) >= MOST_WAITING:
        return _tell(fact, Outcome.FULL)
    held = queue.quiet and not fact.urgent
    # Who is told that it is held back is not kept waiting until the morning.
    queue.waiting.append(replace(fact, ticket=0) if held else fact)
    return _tell(fact, Outcome.HELD) if held else []


def withdraw(memory: Memory, fact: ev.AnnouncementWithdrawn) -> list[Action]:
    """Nobody waits for the answer any more: do not ask, or do not listen. A question that sounds is said to its end."""
    queue = memory.announcements
    queue.waiting = [one for one in queue.waiting if one.ticket != fact.ticket]
    if queue.current is not None and queue.current.ticket == fact.ticket:
        queue.current = replace(queue.current, asks=False, ticket=0)
    return []


def note_hours(memory: Memory, fact: ev.QuietHoursChanged) -> list[Action]:
    """Quiet hours have begun or are over."""
    memory.announcements.quiet = fact.quiet
    return []


# -- saying it


def say_next(memory: Memory, fact: Any) -> list[Action]:
    """Say what has waited longest; or tell who asked that nobody can answer any more."""
    queue = memory.announcements
    one = _begin(memory)
    if one is None:
        return []
    if refusal := _refusal(memory, one):
        return _settle(memory, refusal)
    memory.start(Timer.LONGEST_ANNOUNCEMENT, memory.settings.longest_announcement)
    return [order.SayAnnouncement(queue.serial, one.text)]


def _begin(memory: Memory) -> ev.AnnouncementRequested | None:
    queue = memory.announcements
    if (one := next_announcement(memory)) is not None:
        queue.waiting.remove(one)
        queue.current = one
        queue.serial += 1
        memory.note(announcing=True)
    return one


def finish(memory: Memory, fact: ev.AnnouncementSaid) -> list[Action]:
    """It was heard to its end, and nobody is listened to."""
    current = memory.announcements.current
    asked = current is not None and current.asks
    return _settle(memory, _unheard(memory) if asked else Outcome.SAID)


def _unheard(memory: Memory) -> Outcome:
    return Outcome.DARK if unlit(memory) else Outcome.DEAF


def give_up(memory: Memory, fact: Any) -> list[Action]:
    """The voice, the loudspeaker or the card does not come to an end."""
    return [order.StopPlayback(), *_settle(memory, Outcome.UNSAID)]


def fail(memory: Memory, fact: ev.AnnouncementUnsaid) -> list[Action]:
    """It was not heard."""
    return _settle(memory, Outcome.UNSAID)


# -- having the provider say it


def open_to_recite(memory: Memory, fact: Any) -> list[Action]:
    """Open a session in which the provider says it, and nobody is heard."""
    _begin(memory)
    memory.announcements.reciting = True
    return do.open_session(memory, Samples(0), TurnEnd.DEVICE, Purpose.RECITE)


def recite(memory: Memory, fact: ev.SessionReady) -> list[Action]:
    """The session is ready: have it said, as an answer."""
    current = memory.announcements.current
    memory.note(online=True)
    memory.since, memory.answering, memory.answer = None, True, AnswerProgress()
    return [order.Recite(current.text)] if current is not None else []


def finish_recital(memory: Memory, fact: ev.PlaybackFinished) -> list[Action]:
    """The provider has said it."""
    return [*_settle(memory, Outcome.SAID), *end.leave(memory, fact)]


def say_it_ourselves(memory: Memory, fact: Any) -> list[Action]:
    """The provider cannot be reached, or does not say it: let the local voice do so, unless it was half said."""
    queue = memory.announcements
    current = queue.current
    if current is None or memory.answer.sounded:
        return end.leave(memory, fact)
    queue.current, queue.reciting = None, False
    queue.waiting.insert(0, replace(current, by_provider=False))
    memory.note(announcing=False)
    return end.leave(memory, fact)


# -- listening for one answer


def listen_for_answer(memory: Memory, fact: ev.AnnouncementSaid) -> list[Action]:
    """The question was heard to its end: open a session that only listens, for what is said from now on."""
    memory.announcements.said = True
    memory.stop(Timer.LONGEST_ANNOUNCEMENT)
    return do.open_session(memory, fact.at, memory.settings.turn_end, Purpose.LISTEN)


def keep_words(memory: Memory, fact: ev.Understood) -> list[Action]:
    """The person paused and goes on: these are not all of the words."""
    memory.announcements.words.append(fact.text)
    return []


def take_answer(memory: Memory, fact: ev.Understood) -> list[Action]:
    """The provider has told what the person answered: that was all."""
    keep_words(memory, fact)
    return end.leave_quietly(memory, fact)


def want_no_response(memory: Memory, fact: ev.ResponseStarted) -> list[Action]:
    """A provider that answers though it was to listen only."""
    return [order.CancelResponse()]


def miss_answer(memory: Memory, fact: Any) -> list[Action]:
    """Somebody answered, and the words do not come."""
    memory.announcements.words.append("")
    return end.leave_quietly(memory, fact)


def stop_listening(memory: Memory, fact: ev.AnnouncementWithdrawn) -> list[Action]:
    """Nobody waits for the answer any more."""
    return end.leave_quietly(memory, fact)


def give_way(memory: Memory, fact: ev.WakeWordDetected) -> list[Action]:
    """The person calls the device instead of answering, or of hearing it out: open a session for what follows."""
    told = _settle(memory, _gave_way(memory))
    return [*told, *end.leave(memory, fact), *do.open_session_by_voice(memory, fact)]


def give_way_to_hold(memory: Memory, fact: ev.ButtonHeld) -> list[Action]:
    """The same by push-to-talk, while the provider says it."""
    told = _settle(memory, _gave_way(memory))
    return [*told, *end.leave(memory, fact), *do.open_session_by_hold(memory, fact)]


def give_way_unlit(memory: Memory, fact: ev.WakeWordDetected | ev.ButtonHeld) -> list[Action]:
    """The person calls the device while the provider says it, and nobody may be listened to: say why."""
    told = [*_settle(memory, _gave_way(memory)), *end.leave(memory, fact)]
    return [*told, *(end.hold_deaf(memory, fact) if isinstance(fact, ev.ButtonHeld) else end.say_deaf(memory, fact))]


def _gave_way(memory: Memory) -> Outcome:
    return Outcome.INTERRUPTED if memory.announcements.reciting else Outcome.GAVE_WAY


# -- after each fact


def go_on(memory: Memory, fact: Any, orders: list[Action]) -> list[Action]:
    """Tell what became of the one that is over, and let the next one come. The row for `fact` has been applied."""
    if isinstance(fact, ev.ShutdownRequested):
        memory.stop(Timer.ANNOUNCEMENT)
        memory.stop(Timer.LONGEST_ANNOUNCEMENT)
        return []
    told = _settle_what_is_over(memory, orders)
    if next_announcement(memory) is None:
        memory.stop(Timer.ANNOUNCEMENT)
    elif Timer.ANNOUNCEMENT not in memory.timers:
        memory.start(Timer.ANNOUNCEMENT, memory.settings.before_announcement)
    return told


def _settle_what_is_over(memory: Memory, orders: list[Action]) -> list[Action]:
    queue = memory.announcements
    if queue.current is None:
        return []
    if not queue.said and not queue.reciting:
        stopped = any(isinstance(action, order.StopPlayback) for action in orders)
        return _settle(memory, _without_answer(memory, Outcome.INTERRUPTED)) if stopped else []
    if memory.status.phase is not Phase.IDLE:
        return []
    words = " ".join(filter(None, (text.strip() for text in queue.words)))
    if words:
        return _settle(memory, Outcome.ANSWERED, words)
    if queue.reciting:
        return _settle(memory, Outcome.INTERRUPTED)
    return _settle(memory, _without_answer(memory, Outcome.UNCLEAR if queue.words else Outcome.UNANSWERED))


def _without_answer(memory: Memory, otherwise: Outcome) -> Outcome:
    queue, status = memory.announcements, memory.status
    if status.muted and queue.current is not None and queue.current.asks:
        return Outcome.MUTED
    return Outcome.FAILED if queue.said and status.failing else otherwise


def _settle(memory: Memory, outcome: Outcome, words: str = "") -> list[Action]:
    queue = memory.announcements
    current, queue.current, queue.said, queue.reciting, queue.words = queue.current, None, False, False, []
    memory.stop(Timer.LONGEST_ANNOUNCEMENT)
    memory.note(announcing=False)
    return [] if current is None else _tell(current, outcome, words)


def _tell(fact: ev.AnnouncementRequested, outcome: Outcome, words: str = "") -> list[Action]:
    return [order.TellOutcome(fact.ticket, outcome, words)] if fact.ticket else []


def _refusal(memory: Memory, fact: ev.AnnouncementRequested) -> Outcome | None:
    """Say why nobody could answer it now; None for one that does not ask."""
    if not fact.asks:
        return None
    if memory.status.muted:
        return Outcome.MUTED
    if ev.Device.MICROPHONE in memory.status.faults or unlit(memory):
        return _unheard(memory)
    return Outcome.QUIET if memory.announcements.quiet and not fact.urgent else None
