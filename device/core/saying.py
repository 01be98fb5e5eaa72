"""Conditions of the transition table: what is being announced, by whom, and whether somebody is to answer it."""

from __future__ import annotations

from typing import Any

from device.core.events import (
    AnnouncementSaid,
    AnnouncementUnsaid,
    AnnouncementWithdrawn,
    ResponseFinished,
    Understood,
)
from device.core.gating import unlit
from device.core.guards import answer_is_over, deaf
from device.core.memory import Memory, next_announcement


def announcing(memory: Memory, fact: Any) -> bool:
    """A sentence of the house's own accord is being said, or its answer waited for."""
    return memory.status.announcing


def announcement_sounds(memory: Memory, fact: AnnouncementSaid | AnnouncementUnsaid) -> bool:
    """The fact is about the sentence that is being said, and not about one that was stopped."""
    queue = memory.announcements
    return queue.current is not None and not queue.said and fact.serial == queue.serial


def answer_is_wanted(memory: Memory, fact: AnnouncementSaid) -> bool:
    """The sentence was a question, somebody waits for its answer, and it can be heard."""
    current = memory.announcements.current
    asks = current is not None and current.asks and announcement_sounds(memory, fact)
    return asks and not memory.status.muted and not deaf(memory, fact)


def asking(memory: Memory, fact: Any) -> bool:
    """The session is for the answer to an announcement."""
    return memory.announcements.said


def asking_for_who_left(memory: Memory, fact: AnnouncementWithdrawn) -> bool:
    """The session is for an answer that nobody waits for any more."""
    current = memory.announcements.current
    return memory.announcements.said and current is not None and current.ticket == fact.ticket


def words_are_whole(memory: Memory, fact: Understood) -> bool:
    """These are the words of what the person said last, in answer to an announcement."""
    return memory.announcements.said and fact.turn == memory.status.turn


def next_is_for_provider(memory: Memory, fact: Any) -> bool:
    """The provider is to say the next announcement; not while muted, when no session is opened."""
    one = next_announcement(memory)
    return one is not None and one.by_provider and not one.asks and not memory.status.muted


def reciting_unlit(memory: Memory, fact: Any) -> bool:
    """The provider says an announcement, and nobody may be listened to."""
    return memory.announcements.reciting and unlit(memory)


def reciting(memory: Memory, fact: Any) -> bool:
    """The session is for an announcement that the provider says."""
    return memory.announcements.reciting


def recital_failed(memory: Memory, fact: ResponseFinished) -> bool:
    """The provider did not say the announcement."""
    return memory.announcements.reciting and fact.failure is not None


def recital_is_over(memory: Memory, fact: Any) -> bool:
    """The provider has said the announcement, and all of it was heard."""
    return memory.announcements.reciting and answer_is_over(memory, fact)
