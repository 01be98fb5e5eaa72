"""Stop words: when they are listened for, and whether one is still meant for what has just been interrupted."""

from __future__ import annotations

from device.core.memory import Memory, Timer
from device.core.status import Phase


def heeds_stop(memory: Memory) -> bool:
    """Say whether a stop word would be heeded now: the one place where this is decided.

    While something of our own sounds that can be ended: ringing, an announcement, a sentence about what went wrong, or
    an answer; where nothing else needs an answer's echo removed, only ringing. Not while that echo cannot be told from
    a person, nor while nobody is heard.
    """
    status = memory.status
    if status.muted or memory.echo_remains:
        return False
    tells = status.phase is Phase.IDLE and (status.announcing or status.failing)
    return status.ringing or (memory.settings.stops_answers and (tells or status.phase is Phase.SPEAKING))


def interrupted_just_now(memory: Memory) -> bool:
    """Say whether the person has begun to speak over an answer only now.

    By their voice the answer falls silent before the word is over. If it was "stop", the conversation is to end, too.
    """
    return Timer.INTERRUPTED in memory.timers
