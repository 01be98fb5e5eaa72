"""The configuration of a session as types. As in the real API, keys that are not declared are refused."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

Fraction = Annotated[float, Meta(ge=0.0, le=1.0)]
NotNegative = Annotated[int, Meta(ge=0)]
MaxOutputTokens = Annotated[int, Meta(ge=1, le=4096)] | Literal["inf"]
Modality = Literal["audio", "text"]
BuiltInVoice = Literal["alloy", "ash", "ballad", "coral", "echo", "sage", "shimmer", "verse", "marin", "cedar"]
Status = Literal["completed", "incomplete", "in_progress"]


class Strict(Struct, forbid_unknown_fields=True):
    """Base of all types: a key that is not declared is an error.

    A null counts as left out, as in the API, except in the fields of `null_is_a_value`.
    """

    null_is_a_value: ClassVar[frozenset[str]] = frozenset()


class Pcm(Strict, tag="audio/pcm", tag_field="type"):
    """s16le mono."""

    rate: Literal[24000] | UnsetType | None = UNSET


class Pcmu(Strict, tag="audio/pcmu", tag_field="type"):
    """G.711 mu-law at 8 kHz."""


class Pcma(Strict, tag="audio/pcma", tag_field="type"):
    """G.711 A-law at 8 kHz."""


AudioFormat = Pcm | Pcmu | Pcma


class NoiseReduction(Strict):
    """Noise reduction of the captured sound; ignored by the simulation."""

    type: Literal["near_field", "far_field"]
    strength: float | UnsetType | None = UNSET


class Transcription(Strict):
    """The model that transcribes what the person says."""

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
        | None
    ) = UNSET
    language: str | UnsetType | None = UNSET
    languages: list[str] | UnsetType | None = UNSET
    prompt: str | UnsetType | None = UNSET
    keywords: list[str] | UnsetType | None = UNSET
    delay: Literal["minimal", "low", "medium", "high", "xhigh"] | UnsetType | None = UNSET


class ServerVad(Strict, tag="server_vad", tag_field="type"):
    """The turn ends after a silence."""

    null_is_a_value = frozenset({"idle_timeout_ms"})

    threshold: Fraction | UnsetType | None = UNSET
    prefix_padding_ms: NotNegative | UnsetType | None = UNSET
    silence_duration_ms: NotNegative | UnsetType | None = UNSET
    idle_timeout_ms: Annotated[int, Meta(ge=5000, le=30000)] | UnsetType | None = UNSET
    create_response: bool | UnsetType | None = UNSET
    interrupt_response: bool | UnsetType | None = UNSET


class SemanticVad(Strict, tag="semantic_vad", tag_field="type"):
    """The turn ends when the sentence is complete."""

    eagerness: Literal["low", "medium", "high", "auto"] | UnsetType | None = UNSET
    create_response: bool | UnsetType | None = UNSET
    interrupt_response: bool | UnsetType | None = UNSET


class AudioInput(Strict):
    """`session.audio.input`."""

    null_is_a_value = frozenset({"noise_reduction", "transcription", "turn_detection"})

    format: AudioFormat | UnsetType | None = UNSET
    noise_reduction: NoiseReduction | UnsetType | None = UNSET
    transcription: Transcription | UnsetType | None = UNSET
    turn_detection: ServerVad | SemanticVad | UnsetType | None = UNSET


class VoiceId(Strict):
    """A custom voice."""

    id: str


class AudioOutput(Strict):
    """`session.audio.output`."""

    format: AudioFormat | UnsetType | None = UNSET
    voice: BuiltInVoice | VoiceId | UnsetType | None = UNSET
    speed: Annotated[float, Meta(ge=0.25, le=1.5)] | UnsetType | None = UNSET


class Audio(Strict):
    """`session.audio`."""

    input: AudioInput | UnsetType | None = UNSET
    output: AudioOutput | UnsetType | None = UNSET


class FunctionTool(Strict, tag="function", tag_field="type"):
    """A tool that the client runs."""

    name: Annotated[str, Meta(pattern=r"^[a-zA-Z0-9_-]{1,64}$")]
    description: str | UnsetType | None = UNSET
    parameters: dict[str, Any] | UnsetType | None = UNSET


class ToolFilter(Strict):
    """Selects tools of an MCP server."""

    tool_names: list[str] | UnsetType | None = UNSET
    read_only: bool | UnsetType | None = UNSET


class ApprovalFilter(Strict):
    """Selects tools of an MCP server that need permission."""

    always: ToolFilter | UnsetType | None = UNSET
    never: ToolFilter | UnsetType | None = UNSET


class McpTool(Strict, tag="mcp", tag_field="type"):
    """A remote MCP server; see remote.py."""

    server_label: str
    server_url: str | UnsetType | None = UNSET
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
        | None
    ) = UNSET
    tunnel_id: str | UnsetType | None = UNSET
    authorization: str | UnsetType | None = UNSET
    headers: dict[str, str] | UnsetType | None = UNSET
    allowed_tools: list[str] | ToolFilter | UnsetType | None = UNSET
    allowed_callers: list[Literal["direct", "programmatic"]] | UnsetType | None = UNSET
    require_approval: Literal["always", "never"] | ApprovalFilter | UnsetType | None = UNSET
    server_description: str | UnsetType | None = UNSET
    defer_loading: bool | UnsetType | None = UNSET


class ChooseFunction(Strict, tag="function", tag_field="type"):
    """Forces a call of this function."""

    name: str


class ChooseMcp(Strict, tag="mcp", tag_field="type"):
    """Forces a call of this MCP server."""

    server_label: str
    name: str | UnsetType | None = UNSET


Tool = FunctionTool | McpTool
ToolChoice = Literal["none", "auto", "required"] | ChooseFunction | ChooseMcp


class Reasoning(Strict):
    """How long a reasoning model thinks."""

    effort: Literal["minimal", "low", "medium", "high", "xhigh"] | UnsetType | None = UNSET


class TokenLimits(Strict):
    """The limit from which the conversation is truncated."""

    post_instructions: NotNegative | UnsetType | None = UNSET


class RetentionRatio(Strict, tag="retention_ratio", tag_field="type"):
    """The share of a conversation that is kept when it is truncated."""

    retention_ratio: Fraction
    token_limits: TokenLimits | UnsetType | None = UNSET


class Prompt(Strict):
    """A stored prompt."""

    id: str
    version: str | UnsetType | None = UNSET
    variables: dict[str, Any] | UnsetType | None = UNSET


class TracingConfig(Strict):
    """Labels for the provider's tracing."""

    workflow_name: str | UnsetType | None = UNSET
    group_id: str | UnsetType | None = UNSET
    metadata: dict[str, Any] | UnsetType | None = UNSET


Include = list[Literal["item.input_audio_transcription.logprobs"]]


class RealtimeSession(Strict, tag="realtime", tag_field="type"):
    """The configuration of a session that answers."""

    null_is_a_value = frozenset({"prompt", "tracing", "include"})

    model: str | UnsetType | None = UNSET
    instructions: str | UnsetType | None = UNSET
    output_modalities: Annotated[list[Modality], Meta(min_length=1, max_length=1)] | UnsetType | None = UNSET
    audio: Audio | UnsetType | None = UNSET
    tools: list[Tool] | UnsetType | None = UNSET
    tool_choice: ToolChoice | UnsetType | None = UNSET
    parallel_tool_calls: bool | UnsetType | None = UNSET
    reasoning: Reasoning | UnsetType | None = UNSET
    max_output_tokens: MaxOutputTokens | UnsetType | None = UNSET
    truncation: Literal["auto", "disabled"] | RetentionRatio | UnsetType | None = UNSET
    prompt: Prompt | UnsetType | None = UNSET
    tracing: Literal["auto"] | TracingConfig | UnsetType | None = UNSET
    include: Include | UnsetType | None = UNSET


class TranscriptionAudio(Strict):
    """`session.audio` of a transcription session: it has no output."""

    input: AudioInput | UnsetType | None = UNSET


class TranscriptionSession(Strict, tag="transcription", tag_field="type"):
    """The configuration of a session that only transcribes."""

    null_is_a_value = frozenset({"include"})

    audio: TranscriptionAudio | UnsetType | None = UNSET
    include: Include | UnsetType | None = UNSET


Session = RealtimeSession | TranscriptionSession


class ExpiresAfter(Strict):
    """The lifetime of a client secret."""

    anchor: Literal["created_at"] | UnsetType | None = UNSET
    seconds: Annotated[int, Meta(ge=10, le=7200)] | UnsetType | None = UNSET


class SecretRequest(Strict):
    """The body of POST /v1/realtime/client_secrets."""

    expires_after: ExpiresAfter | UnsetType | None = UNSET
    session: Session | UnsetType | None = UNSET
