"""Effects of the transition table for an answer that arrives, and for one that arrives incomplete or not at all.

As in effects.py, each changes the memory and returns the orders to give.
"""

from __future__ import annotations

import re
import textwrap
from typing import Any

from device.core import actions as order
from device.core import events as ev
from device.core import failures
from device.core.actions import Action, Cue
from device.core.effects import cue
from device.core.memory import Memory

LONGEST_PIECE = 300
"""In characters: about 20 s of speech, which the local voice makes within a second even on a small machine."""

_BETWEEN_SENTENCES = re.compile(r"(?<=[.!?])\s+")


def expect_answer(memory: Memory, fact: Any) -> list[Action]:
    """A response is running."""
    memory.answering = True
    memory.answer.responses += 1
    memory.answer.audible = memory.answer.empty = memory.answer.written = False
    memory.answer.suspected = None
    memory.note(hearing=False)
    return []


def play(memory: Memory, fact: ev.PlaybackStarted) -> list[Action]:
    """The answer is audible."""
    answer = memory.answer
    # Sound that arrives after the end of its response is over when it runs dry; nothing else says so.
    memory.answering = memory.answering or answer.empty
    answer.sounded = answer.audible = True
    answer.dry = answer.empty = False
    answer.suspected = None
    return []


def play_unannounced(memory: Memory, fact: ev.PlaybackStarted) -> list[Action]:
    """Sound arrived although no response has begun: its response is over already, or was never announced."""
    memory.answering = True
    memory.note(hearing=False)
    return play(memory, fact)


def expect_end(memory: Memory, fact: ev.WordsWritten) -> list[Action]:
    """The words of a response without sound are complete: now its sound follows, or it ends and they are read aloud."""
    memory.answer.written = True
    memory.answer.suspected = None
    return []


def expect_call(memory: Memory, fact: ev.CallBegun) -> list[Action]:
    """The model writes a tool call, which may take long; no words of the response arrive meanwhile."""
    memory.answer.audible = memory.answer.written = False
    memory.answer.suspected = None
    return []


def run_dry(memory: Memory, fact: ev.PlaybackRanDry) -> list[Action]:
    """All sound that arrived was heard. Wait for more, but not as long as for a whole answer."""
    memory.answer.dry = True
    memory.answer.open_ended = not fact.ended
    return []


def end_late_sound(memory: Memory, fact: ev.PlaybackRanDry) -> list[Action]:
    """This sound arrived after the end of the answer, so that end is ordered once more."""
    return [order.EndAnswer(fact.turn)]


def expect_more(memory: Memory, fact: ev.ResponseFinished) -> list[Action]:
    """This response is complete; another one follows."""
    memory.answering = True
    _note_finished(memory, fact)
    return []


def end_answer(memory: Memory, fact: ev.ResponseFinished) -> list[Action]:
    """The answer is complete; now it only has to be heard."""
    memory.answering = False
    return [order.EndAnswer(fact.turn)]


def read_the_rest(memory: Memory, fact: ev.ResponseFinished) -> list[Action]:
    """The answer is complete, but part of it has no sound: read its words aloud, and say what is missing."""
    _note_finished(memory, fact)
    text = " ".join(memory.answer.texts)
    said = failures.OF_REST if memory.answer.sounded or text else failures.OF_ANSWER
    return _read_aloud(memory, text, said[fact.lack] if fact.lack else "")


def wait_for_words(memory: Memory, fact: ev.ResponseFinished) -> list[Action]:
    """The answer is complete and empty. Some servers send its words afterwards: wait for them."""
    memory.answering = False
    memory.answer.empty = True
    memory.answer.suspected = None
    return []


def read_late_words(memory: Memory, fact: ev.WordsFollowed) -> list[Action]:
    """The words of the empty answer have arrived: read them aloud."""
    return _read_aloud(memory, fact.text, "")


def say_that_nothing_came(memory: Memory, fact: Any) -> list[Action]:
    """Neither sound nor words arrived: say so, or the person would go on waiting."""
    return _read_aloud(memory, "", failures.NO_SOUND)


def end_unread(memory: Memory, fact: ev.ReadingFailed) -> list[Action]:
    """The local voice does not work: play the error cue instead."""
    memory.answering = memory.answer.reading = False
    return [*cue(memory, Cue.ERROR), order.EndAnswer(fact.turn)]


def assume_complete(memory: Memory, fact: Any) -> list[Action]:
    """The sound was heard to its end, or the words are complete, but no end of the response came: assume that it is
    over."""
    memory.answer.dry = memory.answer.written = False
    return [order.AbandonResponse()]


def doubt(memory: Memory, fact: ev.ProviderComplained) -> list[Action]:
    """After this error there may be no answer: wait a short time for a sign of it."""
    memory.answer.suspected = fact.failure
    return []


def _note_finished(memory: Memory, fact: ev.ResponseFinished) -> None:
    answer = memory.answer
    answer.audible = answer.written = False
    answer.suspected = None
    answer.sounded = answer.sounded or fact.sound
    if fact.text:
        answer.texts.append(fact.text)


def _read_aloud(memory: Memory, text: str, note: str) -> list[Action]:
    memory.answering = memory.answer.empty = False
    memory.answer.reading = True
    return [order.ReadAloud(memory.status.turn, _pieces(text), note)]


def _pieces(text: str) -> tuple[str, ...]:
    """Split text into sentences; a longer one than LONGEST_PIECE is cut between two words."""
    sentences = _BETWEEN_SENTENCES.split(text)
    return tuple(piece for sentence in sentences for piece in textwrap.wrap(sentence, LONGEST_PIECE))
