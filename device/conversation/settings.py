"""The settings of every conversation, with any provider."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from device.settings import Mistake, Seconds, Section

# Of what is none of them: see `ports.choices.DEFAULT`.
_RESERVED = "default"
_LONGEST_NAME = 40


class Persona(Section, frozen=True):
    """Somebody else who may answer, by a name of your own: chosen with `hearthside persona NAME`, or by a wake word."""

    instructions: str = ""
    """The instructions that the model is given; empty: conversation.instructions."""
    voice: str = ""
    """The voice in which it answers, as the provider names it; empty: the provider's `voice`."""
    wake_word: str = ""
    """One of wake.words: a conversation that it opens is with this persona, whoever is chosen."""


class Conversation(Section, frozen=True):
    """How it talks."""

    provider: str = ""
    """Who answers: the name of one of the tables under this one."""
    turn_taking: Literal["server", "local"] = "server"
    """Who decides that you have finished speaking: the provider, or this device, which then sends voices only."""
    barge_in: Literal["voice", "wake_word", "off"] | None = None
    """What interrupts an answer.

    Unset: "voice", with the board's echo cancellation (hardware profile) or our own; without either "wake_word"."""
    follow_up_s: Seconds = 8.0
    """How long it goes on listening after an answer; 0 ends the conversation."""
    listen_s: Annotated[float, Meta(ge=1.0, le=120.0)] = 8.0
    """How long it waits for the first word after the wake word."""
    think_s: Annotated[float, Meta(ge=1.0, le=600.0)] = 30.0
    """How long it waits for an answer."""
    instructions: str = (
        "You are the voice of a smart speaker in a home. Answer in one or two short spoken sentences. "
        "Use the tools to do what you are asked; say plainly when one fails."
    )
    """The instructions that the model is given."""
    persona: str = ""
    """Who answers until somebody is chosen (`hearthside persona`): one of `personas`; empty: none of them."""
    personas: Annotated[dict[str, Persona], Meta(examples=[{"butler": {"voice": "cedar"}}])] = msgspec.field(
        default_factory=dict
    )
    """Who else may answer, by names of your own."""

    def mistakes(self) -> Iterator[Mistake]:
        """Refuse names that cannot be chosen, and a wake word that is to choose two."""
        if self.persona and self.persona not in self.personas:
            known = ", ".join(self.personas) or "none"
            yield Mistake("persona", f': there is no persona "{self.persona}"; known: {known}')
        owners: dict[str, str] = {}
        for name, one in self.personas.items():
            yield from _mistakes_of_name(name)
            if one.wake_word and (other := owners.setdefault(one.wake_word, name)) != name:
                said = f'wake_word = "{one.wake_word}" of "{name}" is that of "{other}" already'
                yield Mistake("personas", f": {said}; remove one of them")


def _mistakes_of_name(name: str) -> Iterator[Mistake]:
    if name == _RESERVED:
        yield Mistake("personas", f': "{name}" is who answers by conversation.instructions; choose another name')
    if not (name.isprintable() and name == name.strip() and 0 < len(name) <= _LONGEST_NAME):
        yield Mistake("personas", f": a name has 1 to {_LONGEST_NAME} characters, on one line; rename {name!a}")
