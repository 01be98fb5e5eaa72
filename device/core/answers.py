"""What the rows of the transition table do while an answer comes, and when it comes otherwise than it should.

As in effects.py: change the memory, and say what to order.
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
"""Characters, some 20 s of speech: a small machine's voice has that much ready within a second."""

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
    # Sound that comes behind the end of a response has no other end than running dry.
    memory.answering = memory.answering or answer.empty
    answer.sounded = answer.audible = True
    answer.dry = answer.empty = False
    answer.suspected = None
    return []


def play_unannounced(memory: Memory, fact: ev.PlaybackStarted) -> list[Action]:
    """Sound without a response that began: what it belongs to is over, or was never told."""
    memory.answering = True
    memory.note(hearing=False)
    return play(memory, fact)


def expect_end(memory: Memory, fact: ev.WordsWritten) -> list[Action]:
    """The words are complete: either sound follows, or the end of the response, so that they are read."""
    memory.answer.written = True
    memory.answer.suspected = None
    return []


def expect_call(memory: Memory, fact: ev.CallBegun) -> list[Action]:
    """A call may take long to write, and no word of the response comes meanwhile."""
    memory.answer.audible = memory.answer.written = False
    memory.answer.suspected = None
    return []


def run_dry(memory: Memory, fact: ev.PlaybackRanDry) -> list[Action]:
    """All that came was heard. Wait for more, but not for as long as for a whole answer."""
    memory.answer.dry = True
    memory.answer.open_ended = not fact.ended
    return []


def end_late_sound(memory: Memory, fact: ev.PlaybackRanDry) -> list[Action]:
    """Sound came behind the end of the answer, which therefore ends once more."""
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
    """The answer is complete, and not all of it is to be heard: say the words that had no sound, and what lacks."""
    _note_finished(memory, fact)
    text = " ".join(memory.answer.texts)
    said = failures.OF_REST if memory.answer.sounded or text else failures.OF_ANSWER
    return _read_aloud(memory, text, said[fact.lack] if fact.lack else "")


def wait_for_words(memory: Memory, fact: ev.ResponseFinished) -> list[Action]:
    """The answer is complete, and there was nothing in it. Some servers send the words behind its end."""
    memory.answering = False
    memory.answer.empty = True
    memory.answer.suspected = None
    return []


def read_late_words(memory: Memory, fact: ev.WordsFollowed) -> list[Action]:
    """There they are."""
    return _read_aloud(memory, fact.text, "")


def say_that_nothing_came(memory: Memory, fact: Any) -> list[Action]:
    """Neither sound nor words: the person should not wait for them."""
    return _read_aloud(memory, "", failures.NO_SOUND)


def end_unread(memory: Memory, fact: ev.ReadingFailed) -> list[Action]:
    """The local voice does not work, so a cue must do."""
    memory.answering = memory.answer.reading = False
    return [*cue(memory, Cue.ERROR), order.EndAnswer(fact.turn)]


def assume_complete(memory: Memory, fact: Any) -> list[Action]:
    """The sound was heard to its end, or the words are there, and no end of the response is told: none will come."""
    memory.answer.dry = memory.answer.written = False
    return [order.AbandonResponse()]


def doubt(memory: Memory, fact: ev.ProviderComplained) -> list[Action]:
    """After this error perhaps no answer comes: wait a little for a sign of it."""
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
    """Return words in sentences; what is not one for too long is cut between two words."""
    sentences = _BETWEEN_SENTENCES.split(text)
    return tuple(piece for sentence in sentences for piece in textwrap.wrap(sentence, LONGEST_PIECE))
