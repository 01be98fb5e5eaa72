"""A session's whole configuration as types: what is not here is refused, as the real API refuses it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

Fraction = Annotated[float, Meta(ge=0.0, le=1.0)]
NotNegative = Annotated[int, Meta(ge=0)]
MaxOutputTokens = Annotated[int, Meta(ge=1, le=4096)] | Literal["inf"]
Modality = Literal["audio", "text"]
BuiltInVoice = Literal["alloy", "ash", "ballad", "coral", "echo", "sage", "shimmer", "verse", "marin", "cedar"]
Status = Literal["completed", "incomplete", "in_progress"]


class Strict(Struct, forbid_unknown_fields=True):
    """Base of all: a key that is not declared is an error."""


class Pcm(Strict, tag="audio/pcm", tag_field="type"):
    """s16le mono."""

    rate: Literal[24000] | UnsetType = UNSET


class Pcmu(Strict, tag="audio/pcmu", tag_field="type"):
    """G.711 mu-law at 8 kHz."""


class Pcma(Strict, tag="audio/pcma", tag_field="type"):
    """G.711 A-law at 8 kHz."""


AudioFormat = Pcm | Pcmu | Pcma


class NoiseReduction(Strict):
    """What is done to the microphone's sound; the simulation does nothing."""

    type: Literal["near_field", "far_field"]
    strength: float | UnsetType = UNSET


class Transcription(Strict):
    """The model that writes down what the person says."""

    model: (
        Literal[
            "whisper-1",
            "gpt-transcribe",
            "gpt-live-transcribe",
            "gpt-4o-mini-transcribe",
            "gpt-4o-mini-transcribe-2025-12-15",
            "gpt-4o-transcribe",
            "gpt-4o-transcribe-diarize",
            "gpt-realtime-whisper",
        ]
        | UnsetType
    ) = UNSET
    language: str | UnsetType = UNSET
    languages: list[str] | UnsetType = UNSET
    prompt: str | UnsetType = UNSET
    keywords: list[str] | UnsetType = UNSET
    delay: Literal["minimal", "low", "medium", "high", "xhigh"] | UnsetType = UNSET


class ServerVad(Strict, tag="server_vad", tag_field="type"):
    """The turn ends after a silence."""

    threshold: Fraction | UnsetType = UNSET
    prefix_padding_ms: NotNegative | UnsetType = UNSET
    silence_duration_ms: NotNegative | UnsetType = UNSET
    idle_timeout_ms: Annotated[int, Meta(ge=5000, le=30000)] | UnsetType | None = UNSET
    create_response: bool | UnsetType = UNSET
    interrupt_response: bool | UnsetType = UNSET


class SemanticVad(Strict, tag="semantic_vad", tag_field="type"):
    """The turn ends when the sentence does."""

    eagerness: Literal["low", "medium", "high", "auto"] | UnsetType = UNSET
    create_response: bool | UnsetType = UNSET
    interrupt_response: bool | UnsetType = UNSET


class AudioInput(Strict):
    """`session.audio.input`."""

    format: AudioFormat | UnsetType = UNSET
    noise_reduction: NoiseReduction | UnsetType | None = UNSET
    transcription: Transcription | UnsetType | None = UNSET
    turn_detection: ServerVad | SemanticVad | UnsetType | None = UNSET


class VoiceId(Strict):
    """A voice of one's own."""

    id: str


class AudioOutput(Strict):
    """`session.audio.output`."""

    format: AudioFormat | UnsetType = UNSET
    voice: BuiltInVoice | VoiceId | UnsetType = UNSET
    speed: Annotated[float, Meta(ge=0.25, le=1.5)] | UnsetType = UNSET


class Audio(Strict):
    """`session.audio`."""

    input: AudioInput | UnsetType = UNSET
    output: AudioOutput | UnsetType = UNSET


class FunctionTool(Strict, tag="function", tag_field="type"):
    """A tool that the client runs."""

    name: Annotated[str, Meta(pattern=r"^[a-zA-Z0-9_-]{1,64}$")]
    description: str | UnsetType = UNSET
    parameters: dict[str, Any] | UnsetType = UNSET


class ToolFilter(Strict):
    """Which tools of an MCP server."""

    tool_names: list[str] | UnsetType = UNSET
    read_only: bool | UnsetType = UNSET


class ApprovalFilter(Strict):
    """Which tools of an MCP server need a yes."""

    always: ToolFilter | UnsetType = UNSET
    never: ToolFilter | UnsetType = UNSET


class McpTool(Strict, tag="mcp", tag_field="type"):
    """A remote MCP server; accepted, never called by the simulation."""

    server_label: str
    server_url: str | UnsetType = UNSET
    connector_id: (
        Literal[
            "connector_dropbox",
            "connector_gmail",
            "connector_googlecalendar",
            "connector_googledrive",
            "connector_microsoftteams",
            "connector_outlookcalendar",
            "connector_outlookemail",
            "connector_sharepoint",
        ]
        | UnsetType
    ) = UNSET
    tunnel_id: str | UnsetType = UNSET
    authorization: str | UnsetType = UNSET
    headers: dict[str, str] | UnsetType | None = UNSET
    allowed_tools: list[str] | ToolFilter | UnsetType | None = UNSET
    allowed_callers: list[Literal["direct", "programmatic"]] | UnsetType | None = UNSET
    require_approval: Literal["always", "never"] | ApprovalFilter | UnsetType | None = UNSET
    server_description: str | UnsetType = UNSET
    defer_loading: bool | UnsetType = UNSET


class ChooseFunction(Strict, tag="function", tag_field="type"):
    """This function and no other."""

    name: str


class ChooseMcp(Strict, tag="mcp", tag_field="type"):
    """This MCP server and no other."""

    server_label: str
    name: str | UnsetType | None = UNSET


Tool = FunctionTool | McpTool
ToolChoice = Literal["none", "auto", "required"] | ChooseFunction | ChooseMcp


class Reasoning(Strict):
    """How long a reasoning model thinks."""

    effort: Literal["minimal", "low", "medium", "high", "xhigh"] | UnsetType = UNSET


class TokenLimits(Strict):
    """How much of the conversation is kept."""

    post_instructions: NotNegative | UnsetType = UNSET


class RetentionRatio(Strict, tag="retention_ratio", tag_field="type"):
    """How much of a conversation that is too long is kept."""

    retention_ratio: Fraction
    token_limits: TokenLimits | UnsetType = UNSET


class Prompt(Strict):
    """A stored prompt."""

    id: str
    version: str | UnsetType | None = UNSET
    variables: dict[str, Any] | UnsetType | None = UNSET


class TracingConfig(Strict):
    """Names for the provider's trace."""

    workflow_name: str | UnsetType = UNSET
    group_id: str | UnsetType = UNSET
    metadata: dict[str, Any] | UnsetType = UNSET


Include = list[Literal["item.input_audio_transcription.logprobs"]]


class RealtimeSession(Strict, tag="realtime", tag_field="type"):
    """The configuration of a speaking session."""

    model: str | UnsetType = UNSET
    instructions: str | UnsetType = UNSET
    output_modalities: Annotated[list[Modality], Meta(min_length=1, max_length=1)] | UnsetType = UNSET
    audio: Audio | UnsetType = UNSET
    tools: list[Tool] | UnsetType = UNSET
    tool_choice: ToolChoice | UnsetType = UNSET
    parallel_tool_calls: bool | UnsetType = UNSET
    reasoning: Reasoning | UnsetType = UNSET
    max_output_tokens: MaxOutputTokens | UnsetType = UNSET
    truncation: Literal["auto", "disabled"] | RetentionRatio | UnsetType = UNSET
    prompt: Prompt | UnsetType | None = UNSET
    tracing: Literal["auto"] | TracingConfig | UnsetType | None = UNSET
    include: Include | UnsetType | None = UNSET


class TranscriptionAudio(Strict):
    """`session.audio` of a transcription session: it has no output."""

    input: AudioInput | UnsetType = UNSET


class TranscriptionSession(Strict, tag="transcription", tag_field="type"):
    """The configuration of a session that only writes down."""

    audio: TranscriptionAudio | UnsetType = UNSET
    include: Include | UnsetType | None = UNSET


Session = RealtimeSession | TranscriptionSession


class ExpiresAfter(Strict):
    """How long a client secret may be used."""

    anchor: Literal["created_at"] = "created_at"
    seconds: Annotated[int, Meta(ge=10, le=7200)] = 600


class SecretRequest(Strict):
    """The body of POST /v1/realtime/client_secrets."""

    expires_after: ExpiresAfter = msgspec.field(default_factory=ExpiresAfter)
    session: Session = msgspec.field(default_factory=RealtimeSession)
