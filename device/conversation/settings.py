"""The settings of every conversation, with any provider."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from device.settings import Seconds, Section


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
