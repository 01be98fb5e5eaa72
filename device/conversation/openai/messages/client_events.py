"""What we send: the client events of the OpenAI Realtime protocol (GA shape) that the device uses, as strict types."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec
from msgspec import UNSET, Struct, UnsetType

# -- the session's configuration


class PcmFormat(Struct, frozen=True, kw_only=True):
    """s16le mono; the API accepts no other rate."""

    type: Literal["audio/pcm"] = "audio/pcm"
    rate: Literal[24000] = 24000


class NoiseReduction(Struct, frozen=True, kw_only=True):
    """Done by the provider before its VAD."""

    type: Literal["near_field", "far_field"]


class Transcription(Struct, frozen=True, kw_only=True):
    """Which model writes down the person's words."""

    model: str
    language: str | UnsetType = UNSET


class Vad(Struct, frozen=True, kw_only=True, tag_field="type"):
    """The provider ends the person's turn, answers, and stops answering when the person speaks."""

    create_response: bool = True
    interrupt_response: bool = True


class ServerVad(Vad, frozen=True, kw_only=True, tag="server_vad"):
    """By level and silence."""

    threshold: float
    prefix_padding_ms: int
    silence_duration_ms: int


class SemanticVad(Vad, frozen=True, kw_only=True, tag="semantic_vad"):
    """By whether the sentence is over."""

    eagerness: Literal["low", "medium", "high", "auto"]


class AudioInput(Struct, frozen=True, kw_only=True):
    """The person's side."""

    format: PcmFormat | UnsetType = UNSET
    noise_reduction: NoiseReduction | UnsetType | None = UNSET
    transcription: Transcription | UnsetType = UNSET
    turn_detection: ServerVad | SemanticVad | None


class AudioOutput(Struct, frozen=True, kw_only=True):
    """The answer's side."""

    format: PcmFormat
    voice: str | UnsetType = UNSET
    speed: float | UnsetType = UNSET


class AudioConfig(Struct, frozen=True, kw_only=True):
    """Both sides."""

    input: AudioInput
    output: AudioOutput | UnsetType = UNSET


class FunctionTool(Struct, frozen=True, kw_only=True):
    """A tool that the device runs; `parameters` is a JSON schema."""

    type: Literal["function"] = "function"
    name: str
    description: str
    parameters: Mapping[str, Any]


class ToolNames(Struct, frozen=True, kw_only=True):
    """Tools of an MCP server."""

    tool_names: list[str]


class Approval(Struct, frozen=True, kw_only=True):
    """Which tools need no person's yes; all others do."""

    never: ToolNames


class RemoteTool(Struct, frozen=True, kw_only=True):
    """An MCP server that the provider calls by itself."""

    type: Literal["mcp"] = "mcp"
    server_label: str
    server_url: str
    authorization: str | UnsetType = UNSET
    server_description: str | UnsetType = UNSET
    allowed_tools: list[str] | UnsetType = UNSET
    require_approval: Literal["always", "never"] | Approval

    def __repr__(self) -> str:
        """Leave the authorization out."""
        return f"RemoteTool({self.server_label})"


class SessionConfig(Struct, frozen=True, kw_only=True):
    """What `session.update` sets; unset fields stay as they are."""

    type: Literal["realtime"] = "realtime"
    instructions: str | UnsetType = UNSET
    output_modalities: list[Literal["audio"]] | UnsetType = UNSET
    audio: AudioConfig
    tools: list[FunctionTool | RemoteTool] | UnsetType = UNSET
    tool_choice: Literal["auto"] | UnsetType = UNSET


class ResponseConfig(Struct, frozen=True, kw_only=True):
    """What holds for one response."""

    instructions: str


# -- the events


class ClientEvent(Struct, frozen=True, kw_only=True, tag_field="type"):
    """`event_id` comes back in the error that the event causes."""

    event_id: str | UnsetType = UNSET


class UpdateSession(ClientEvent, frozen=True, kw_only=True, tag="session.update"):
    """Configure."""

    session: SessionConfig


class AppendAudio(ClientEvent, frozen=True, kw_only=True, tag="input_audio_buffer.append"):
    """s16le PCM; encoded as base64."""

    audio: bytes


class CommitAudio(ClientEvent, frozen=True, kw_only=True, tag="input_audio_buffer.commit"):
    """Turn the audio sent into a message of the person."""


class ClearAudio(ClientEvent, frozen=True, kw_only=True, tag="input_audio_buffer.clear"):
    """Forget the audio sent."""


class CreateResponse(ClientEvent, frozen=True, kw_only=True, tag="response.create"):
    """Ask for an answer."""

    response: ResponseConfig | UnsetType = UNSET


class CancelResponse(ClientEvent, frozen=True, kw_only=True, tag="response.cancel"):
    """Stop an answer: this one, never the next."""

    response_id: str


class TruncateItem(ClientEvent, frozen=True, kw_only=True, tag="conversation.item.truncate"):
    """Forget what was not heard."""

    item_id: str
    content_index: int
    audio_end_ms: int


class DeleteItem(ClientEvent, frozen=True, kw_only=True, tag="conversation.item.delete"):
    """Forget an item."""

    item_id: str


class FunctionCallOutput(Struct, frozen=True, kw_only=True, tag_field="type", tag="function_call_output"):
    """The result of a call, as text for the model."""

    call_id: str
    output: str


class ApprovalResponse(Struct, frozen=True, kw_only=True, tag_field="type", tag="mcp_approval_response"):
    """Whether a call elsewhere may be made; the published types want an id of ours."""

    id: str
    approval_request_id: str
    approve: bool
    reason: str | UnsetType = UNSET


class CreateItem(ClientEvent, frozen=True, kw_only=True, tag="conversation.item.create"):
    """Add to the conversation."""

    item: FunctionCallOutput | ApprovalResponse


# Events that the answer does not depend on, with the beginnings of their ids: an error about one of them is no reason
# to give the answer up.
_HARMLESS: dict[type[ClientEvent], str] = {
    CancelResponse: "cancel",
    TruncateItem: "truncate",
    DeleteItem: "delete",
    ClearAudio: "clear",
    CreateItem: "result",
}


def named(event: ClientEvent, number: int) -> ClientEvent:
    """Return the event with an id, where an error about it must be distinguished from others."""
    prefix = _HARMLESS.get(type(event))
    return msgspec.structs.replace(event, event_id=f"{prefix}_{number}") if prefix else event


def is_harmless(event_id: str | None) -> bool:
    """Say whether an error that names this event has nothing to do with the answer."""
    return bool(event_id) and str(event_id).partition("_")[0] in _HARMLESS.values()


_encoder = msgspec.json.Encoder()


def encode(event: ClientEvent) -> bytes:
    """Return the event as UTF-8 JSON; unset fields are left out."""
    return _encoder.encode(event)
