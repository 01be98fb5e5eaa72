"""What can be set about a server that speaks the OpenAI Realtime protocol."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from device.settings import Fraction, Section

ToolName = Annotated[str, Meta(min_length=1, max_length=100)]


class RemoteServer(Section, frozen=True):
    """An MCP server on the internet that OpenAI calls by itself, by a name of your own: small letters, digits and
    underscores. Its token, if it wants one, is the secret openai_mcp_NAME_token."""

    url: str
    """Where OpenAI reaches it: https:// only."""
    description: Annotated[str, Meta(max_length=300)] = ""
    """What the model is told of it."""
    allowed_tools: tuple[ToolName, ...] = ()
    """Which of its tools the model may call; empty: all that it has, also those that it gets one day."""
    require_approval: Literal["always", "never"] = "always"
    """Whether a person must say yes before a tool is called. What a tool tells the model may be an instruction of
    somebody else's: "never" only for what nobody could abuse."""
    without_approval: tuple[ToolName, ...] = ()
    """Tools that may be called without a yes where require_approval = "always"."""
    confirm: Literal["press", "yes"] = "press"
    """How a person says it: by the button, or in words (which needs transcription_model)."""


class OpenAI(Section, frozen=True):
    """A server that speaks the OpenAI Realtime protocol: OpenAI, Azure, or one of your own."""

    url: str = "wss://api.openai.com/v1/realtime"
    """Where the server listens: wss://, or ws:// in your own network."""
    allow_plain: bool = False
    """Allow ws:// outside of your own network, too: everybody on the way can then read the key and hear the voice."""
    broker: str = ""
    """Where keys come from, if this device has none of its own: the address of a broker (`hearthside broker`, see
    docs/broker.md), https://HOST:8788."""
    broker_ca: str = ""
    """The file with the certificate by which the broker is trusted, and no other (`hearthside broker ca` prints it);
    empty: by the authorities that this system trusts."""
    model: str = "gpt-realtime-2.1"
    """The model that answers; for Azure the name of your deployment."""
    voice: str = "marin"
    """The voice in which it answers."""
    speed: Annotated[float, Meta(ge=0.25, le=1.5)] = 1.0
    """How fast it speaks; 1 is its own pace."""
    auth_header: Literal["authorization", "api-key"] = "authorization"
    """"authorization" sends `Authorization: Bearer KEY`, "api-key" the header that Azure expects."""
    vad: Literal["server_vad", "semantic_vad"] = "server_vad"
    """How the server decides that you have finished: by the silence after it, or also by the meaning of your words."""
    vad_threshold: Fraction = 0.5
    """How sure server VAD must be that it hears a voice: set it higher in a noisy room."""
    prefix_padding_ms: Annotated[int, Meta(ge=0, le=5000)] = 300
    """How much sound from before the voice server VAD adds to it."""
    silence_duration_ms: Annotated[int, Meta(ge=50, le=5000)] = 500
    """How long you must be silent for server VAD to decide that you have finished."""
    eagerness: Literal["low", "medium", "high", "auto"] = "auto"
    """How soon semantic VAD decides that the turn is over."""
    noise_reduction: Literal["off", "near_field", "far_field"] = "far_field"
    """The server's noise reduction: "near_field" for a microphone at the mouth, "far_field" for one in a room."""
    transcription_model: str = ""
    """The model that transcribes your words, e.g. "gpt-transcribe"; empty: they are not transcribed."""
    language: str = ""
    """The language of your words for the transcription, e.g. "en"; empty: it is detected."""
    connect_timeout_s: Annotated[float, Meta(ge=0.5, le=60.0)] = 10.0
    """How long opening a session may take, in seconds."""
    mcp: Annotated[dict[str, RemoteServer], Meta(examples=[{"calendar": {"url": "https://mcp.example.com/mcp"}}])] = (
        msgspec.field(default_factory=dict)
    )
    """MCP servers on the internet that OpenAI calls by itself; those in your home are tools.mcp."""
    max_message_bytes: Annotated[int, Meta(ge=65_536, le=67_108_864)] = 2_097_152
    """A larger message from the server, in bytes, ends the session; 2 MB are 32 s of an answer's sound in one piece."""
