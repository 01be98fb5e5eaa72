"""From our settings to the provider's session configuration."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import UNSET

from device.conversation.openai.messages import client_events as client
from device.conversation.openai.settings import OpenAI
from device.core.actions import TurnEnd
from device.ports.tools import ToolSpec


def first_config(
    settings: OpenAI, instructions: str, tools: Sequence[ToolSpec], turn_end: TurnEnd
) -> client.SessionConfig:
    """Return the whole configuration, for the first update.

    Voice and speed stand only here: once the answer has been heard the API refuses an update that names a voice, and
    everything else in it. The model is named in the URL; it cannot be changed either.
    """
    functions = [
        client.FunctionTool(name=tool.name, description=tool.description, parameters=tool.parameters) for tool in tools
    ]
    return client.SessionConfig(
        instructions=instructions,
        output_modalities=["audio"],
        audio=client.AudioConfig(input=_input(settings, turn_end), output=_output(settings)),
        tools=functions or UNSET,
        tool_choice="auto" if functions else UNSET,
    )


def turn_config(settings: OpenAI, turn_end: TurnEnd) -> client.SessionConfig:
    """Return the update that changes only who ends the person's turn."""
    return client.SessionConfig(
        audio=client.AudioConfig(input=client.AudioInput(turn_detection=turn_detection(settings, turn_end)))
    )


def turn_detection(settings: OpenAI, turn_end: TurnEnd) -> client.ServerVad | client.SemanticVad | None:
    """Return the VAD with every value given (the documented defaults vary), or None when the device ends the turn."""
    if turn_end is TurnEnd.DEVICE:
        return None
    if settings.vad == "semantic_vad":
        return client.SemanticVad(eagerness=settings.eagerness)
    return client.ServerVad(
        threshold=settings.vad_threshold,
        prefix_padding_ms=settings.prefix_padding_ms,
        silence_duration_ms=settings.silence_duration_ms,
    )


def may_be_ours(shown: object, ours: str, before: object) -> bool:
    """Say whether a session.updated that shows these instructions may follow from our update, which it does not name.

    Not every compatible server repeats the instructions as they were sent. Only one that still shows the earlier ones
    has certainly not applied our update.
    """
    return shown is None or shown == ours or shown != before


def _input(settings: OpenAI, turn_end: TurnEnd) -> client.AudioInput:
    reduction = settings.noise_reduction
    transcription = client.Transcription(model=settings.transcription_model, language=settings.language or UNSET)
    return client.AudioInput(
        format=client.PcmFormat(),
        noise_reduction=None if reduction == "off" else client.NoiseReduction(type=reduction),
        transcription=transcription if settings.transcription_model else UNSET,
        turn_detection=turn_detection(settings, turn_end),
    )


def _output(settings: OpenAI) -> client.AudioOutput:
    return client.AudioOutput(
        format=client.PcmFormat(),
        voice=settings.voice or UNSET,
        # Not every compatible server knows `speed`, so the normal one is not mentioned.
        speed=UNSET if settings.speed == 1.0 else settings.speed,
    )
