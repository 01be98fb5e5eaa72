"""From our settings to the provider's session configuration."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import UNSET, UnsetType

from device.conversation.openai.messages import client_events as client
from device.conversation.openai.settings import OpenAI
from device.core.actions import TurnEnd
from device.ports.conversation import Persona
from device.ports.tools import ToolSpec

WORD_FOR_WORD = "Say this text aloud, word for word, and nothing else:"
TRANSCRIBES = "gpt-4o-mini-transcribe"
"""Writes down the answer to an announcement where the settings name no model for that: OpenAI's cheapest."""


def spoken_by(who: Persona, settings: OpenAI) -> OpenAI:
    """Return the settings with the voice of who answers, where that has one of its own."""
    return msgspec.structs.replace(settings, voice=who.voice) if who.voice else settings


def first_config(
    settings: OpenAI,
    instructions: str,
    tools: Sequence[ToolSpec],
    turn_end: TurnEnd,
    listens_only: bool = False,
    remote: Sequence[client.RemoteTool] = (),
) -> client.SessionConfig:
    """Return the whole configuration, for the first update.

    Voice and speed stand only here: once the answer has been heard the API refuses an update that names a voice, and
    everything else in it. The model is named in the URL; it cannot be changed either.

    With `listens_only` it is told to answer nothing, and to write down the words of the person.
    """
    functions: list[client.FunctionTool | client.RemoteTool] = [
        client.FunctionTool(name=tool.name, description=tool.description, parameters=tool.parameters) for tool in tools
    ]
    functions += remote
    return client.SessionConfig(
        instructions=instructions,
        output_modalities=["audio"],
        audio=client.AudioConfig(input=_input(settings, turn_end, listens_only), output=_output(settings)),
        tools=functions or UNSET,
        tool_choice="auto" if functions else UNSET,
    )


def turn_config(settings: OpenAI, turn_end: TurnEnd, listens_only: bool = False) -> client.SessionConfig:
    """Return the update that changes only who ends the person's turn."""
    return client.SessionConfig(
        audio=client.AudioConfig(
            input=client.AudioInput(turn_detection=turn_detection(settings, turn_end, listens_only))
        )
    )


def turn_detection(
    settings: OpenAI, turn_end: TurnEnd, listens_only: bool = False
) -> client.ServerVad | client.SemanticVad | None:
    """Return the VAD with every value given (the documented defaults vary), or None when the device ends the turn."""
    if turn_end is TurnEnd.DEVICE:
        return None
    if settings.vad == "semantic_vad":
        return client.SemanticVad(eagerness=settings.eagerness, create_response=not listens_only)
    return client.ServerVad(
        threshold=settings.vad_threshold,
        prefix_padding_ms=settings.prefix_padding_ms,
        silence_duration_ms=settings.silence_duration_ms,
        create_response=not listens_only,
    )


def response_config(recital: str) -> client.ResponseConfig | UnsetType:
    """Return what a response must be like: nothing for an answer, else that it says `recital`."""
    return client.ResponseConfig(instructions=f"{WORD_FOR_WORD}\n\n{recital}") if recital else UNSET


def may_be_ours(shown: object, ours: str, before: object) -> bool:
    """Say whether a session.updated that shows these instructions may follow from our update, which it does not name.

    Not every compatible server repeats the instructions as they were sent. Only one that still shows the earlier ones
    has certainly not applied our update.
    """
    return shown is None or shown == ours or shown != before


def _input(settings: OpenAI, turn_end: TurnEnd, listens_only: bool) -> client.AudioInput:
    reduction = settings.noise_reduction
    model = settings.transcription_model or (TRANSCRIBES if listens_only else "")
    transcription = client.Transcription(model=model, language=settings.language or UNSET)
    return client.AudioInput(
        format=client.PcmFormat(),
        noise_reduction=None if reduction == "off" else client.NoiseReduction(type=reduction),
        transcription=transcription if model else UNSET,
        turn_detection=turn_detection(settings, turn_end, listens_only),
    )


def _output(settings: OpenAI) -> client.AudioOutput:
    return client.AudioOutput(
        format=client.PcmFormat(),
        voice=settings.voice or UNSET,
        # Not every compatible server knows `speed`, so the normal one is not mentioned.
        speed=UNSET if settings.speed == 1.0 else settings.speed,
    )
