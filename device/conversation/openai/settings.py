"""What can be set about a server that speaks the OpenAI Realtime protocol."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from device.settings import Fraction, Section


class OpenAI(Section, frozen=True):
    """A server that speaks the OpenAI Realtime protocol: OpenAI, Azure, or one of your own."""

    url: str = "wss://api.openai.com/v1/realtime"
    """Where the server listens: wss://, or ws:// in your own network."""
    allow_plain: bool = False
    """Let ws:// lead out of your own network, too: key and voice are then open to everybody on the way."""
    model: str = "gpt-realtime-2.1"
    """The model that answers; for Azure the name of your deployment."""
    voice: str = "marin"
    """The voice in which it answers."""
    speed: Annotated[float, Meta(ge=0.25, le=1.5)] = 1.0
    """How fast it speaks; 1 is its own pace."""
    auth_header: Literal["authorization", "api-key"] = "authorization"
    """"authorization" sends `Authorization: Bearer KEY`, "api-key" what Azure takes."""
    vad: Literal["server_vad", "semantic_vad"] = "server_vad"
    """How the server hears the end of what you say: by the silence after it, or also by what it means."""
    vad_threshold: Fraction = 0.5
    """How sure server VAD must be that it hears a voice: more in a noisy room."""
    prefix_padding_ms: Annotated[int, Meta(ge=0, le=5000)] = 300
    """How much of what was before the voice server VAD takes with it."""
    silence_duration_ms: Annotated[int, Meta(ge=50, le=5000)] = 500
    """How long a silence ends what you say, for server VAD."""
    eagerness: Literal["low", "medium", "high", "auto"] = "auto"
    """How soon semantic VAD takes the word."""
    noise_reduction: Literal["off", "near_field", "far_field"] = "far_field"
    """What the server does with the sound first: "near_field" for a microphone at the mouth, "far_field" in a room."""
    transcription_model: str = ""
    """What writes down your words, e.g. "gpt-transcribe"; empty: they are not transcribed."""
    language: str = ""
    """The language of your words for the transcription, e.g. "en"; empty: it is found out."""
    connect_timeout_s: Annotated[float, Meta(ge=0.5, le=60.0)] = 10.0
    """How long opening a session may take, in seconds."""
    max_message_bytes: Annotated[int, Meta(ge=65_536, le=67_108_864)] = 2_097_152
    """A larger message from the server, in bytes, ends the session; 2 MB are 32 s of an answer's sound in one piece."""
