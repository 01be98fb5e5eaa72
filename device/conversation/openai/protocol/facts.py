"""What the protocol tells its shell, beside the facts for the core."""

from __future__ import annotations

from dataclasses import dataclass

from device.conversation.openai.messages.server_events import Usage
from device.core.events import Event


@dataclass(frozen=True, slots=True)
class AnswerAudio:
    """A piece of the answer: s16le PCM."""

    turn: int
    item: str
    pcm: bytes


@dataclass(frozen=True, slots=True)
class AnswerItemEnded:
    """All audio of the item has arrived."""

    turn: int
    item: str


@dataclass(frozen=True, slots=True)
class UsageReported:
    """What a response cost, in tokens."""

    response: str
    usage: Usage


@dataclass(frozen=True, slots=True)
class Ignored:
    """Something not worth a fact; for the debug log."""

    what: str


Fact = Event | AnswerAudio | AnswerItemEnded | UsageReported | Ignored
