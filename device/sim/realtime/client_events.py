"""The 11 client events and the items in them, as types."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType

from device.sim.realtime.schema import (
    AudioFormat,
    BuiltInVoice,
    MaxOutputTokens,
    Modality,
    NotNegative,
    Prompt,
    Reasoning,
    Session,
    Status,
    Strict,
    Tool,
    ToolChoice,
    VoiceId,
)


class InputText(Strict, tag="input_text", tag_field="type"):
    """Text by the user or the system."""

    text: str


class InputAudio(Strict, tag="input_audio", tag_field="type"):
    """Speech of the user, base64."""

    audio: str
    transcript: str | UnsetType | None = UNSET


class InputImage(Strict, tag="input_image", tag_field="type"):
    """An image by the user: a data URI."""

    image_url: Annotated[str, Meta(pattern=r"^data:image/(png|jpeg);base64,")]
    detail: Literal["auto", "low", "high"] | UnsetType | None = UNSET


class OutputText(Strict, tag="output_text", tag_field="type"):
    """Text by the assistant."""

    text: str


class OutputAudio(Strict, tag="output_audio", tag_field="type"):
    """Speech of the assistant; only the server may create it."""

    audio: str | UnsetType | None = UNSET
    transcript: str | UnsetType | None = UNSET


class Message(Strict, tag="message", tag_field="type"):
    """A message; validation.py checks which contents a role may have."""

    role: Literal["system", "user", "assistant"]
    content: Annotated[list[InputText | InputAudio | InputImage | OutputText | OutputAudio], Meta(min_length=1)]
    id: str | UnsetType | None = UNSET
    object: Literal["realtime.item"] | UnsetType | None = UNSET
    status: Status | UnsetType | None = UNSET


class FunctionCall(Strict, tag="function_call", tag_field="type"):
    """A call that the model made earlier."""

    name: str
    arguments: str
    call_id: str | UnsetType | None = UNSET
    id: str | UnsetType | None = UNSET
    object: Literal["realtime.item"] | UnsetType | None = UNSET
    status: Status | UnsetType | None = UNSET


class FunctionCallOutput(Strict, tag="function_call_output", tag_field="type"):
    """The output of a tool."""

    call_id: str
    output: str
    id: str | UnsetType | None = UNSET
    object: Literal["realtime.item"] | UnsetType | None = UNSET
    status: Status | UnsetType | None = UNSET


class McpApprovalResponse(Strict, tag="mcp_approval_response", tag_field="type"):
    """Permission, or none, for a call of an MCP tool."""

    approval_request_id: str
    approve: bool
    id: str | UnsetType | None = UNSET
    reason: str | UnsetType | None = UNSET


Item = Message | FunctionCall | FunctionCallOutput | McpApprovalResponse


class ItemReference(Strict, tag="item_reference", tag_field="type"):
    """An item of the conversation, by its id, as input of a response."""

    id: str


ResponseInput = list[Message | FunctionCall | FunctionCallOutput | McpApprovalResponse | ItemReference]


class ResponseOutput(Strict):
    """`response.audio.output`."""

    format: AudioFormat | UnsetType | None = UNSET
    voice: BuiltInVoice | VoiceId | UnsetType | None = UNSET


class ResponseAudio(Strict):
    """`response.audio`."""

    output: ResponseOutput | UnsetType | None = UNSET


MetadataKey = Annotated[str, Meta(max_length=64)]
MetadataValue = Annotated[str, Meta(max_length=512)]


class ResponseParams(Strict):
    """Parameters of one response, which override those of the session."""

    audio: ResponseAudio | UnsetType | None = UNSET
    conversation: Literal["auto", "none"] | UnsetType | None = UNSET
    input: (
        list[Message | FunctionCall | FunctionCallOutput | McpApprovalResponse | ItemReference] | UnsetType | None
    ) = UNSET
    instructions: str | UnsetType | None = UNSET
    max_output_tokens: MaxOutputTokens | UnsetType | None = UNSET
    metadata: Annotated[dict[MetadataKey, MetadataValue], Meta(max_length=16)] | UnsetType | None = UNSET
    output_modalities: Annotated[list[Modality], Meta(min_length=1, max_length=1)] | UnsetType | None = UNSET
    parallel_tool_calls: bool | UnsetType | None = UNSET
    prompt: Prompt | UnsetType | None = UNSET
    reasoning: Reasoning | UnsetType | None = UNSET
    tool_choice: ToolChoice | UnsetType | None = UNSET
    tools: list[Tool] | UnsetType | None = UNSET


class ClientEvent(Strict, tag_field="type"):
    """Base of the 11 client events."""

    event_id: Annotated[str, Meta(max_length=512)] | UnsetType | None = UNSET


class SessionUpdate(ClientEvent, tag="session.update", kw_only=True):
    """Change those settings that are present."""

    session: Session


class AppendAudio(ClientEvent, tag="input_audio_buffer.append", kw_only=True):
    """Append captured audio to the input buffer."""

    audio: str


class CommitAudio(ClientEvent, tag="input_audio_buffer.commit"):
    """Make an item from the input buffer."""


class ClearAudio(ClientEvent, tag="input_audio_buffer.clear"):
    """Empty the input buffer."""


class CreateItem(ClientEvent, tag="conversation.item.create", kw_only=True):
    """Add an item to the conversation."""

    item: Item
    previous_item_id: str | UnsetType | None = UNSET


class RetrieveItem(ClientEvent, tag="conversation.item.retrieve", kw_only=True):
    """Ask the server to send an item."""

    item_id: str


class DeleteItem(ClientEvent, tag="conversation.item.delete", kw_only=True):
    """Delete an item."""

    item_id: str


class TruncateItem(ClientEvent, tag="conversation.item.truncate", kw_only=True):
    """Delete the part of an item that was not heard."""

    item_id: str
    content_index: NotNegative
    audio_end_ms: NotNegative


class CreateResponse(ClientEvent, tag="response.create"):
    """Ask the model for a response."""

    response: ResponseParams | UnsetType | None = UNSET


class CancelResponse(ClientEvent, tag="response.cancel"):
    """Cancel the current response."""

    response_id: str | UnsetType | None = UNSET


class ClearOutput(ClientEvent, tag="output_audio_buffer.clear"):
    """Only for WebRTC and SIP; refused on a WebSocket."""


AnyClientEvent = (
    SessionUpdate
    | AppendAudio
    | CommitAudio
    | ClearAudio
    | CreateItem
    | RetrieveItem
    | DeleteItem
    | TruncateItem
    | CreateResponse
    | CancelResponse
    | ClearOutput
)
