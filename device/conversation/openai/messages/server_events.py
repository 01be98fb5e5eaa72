"""What we read: the server events that the device uses, as lenient types.

Unknown events and unknown fields are ignored; fields that are nice to have are read as Any, so that a compatible
server's odd value in one of them does not cost the whole message.
"""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from device.conversation.openai.messages import lenientjson
from device.conversation.openai.messages.errorshapes import ServerError, error_event

T = TypeVar("T")

_YEAR_3000 = 32_503_680_000

# -- parts


class SessionInfo(Struct, frozen=True, kw_only=True):
    """The session as the server sees it."""

    instructions: Any = None
    expires_at: Any = None
    modalities: Any = None
    output_modalities: Any = None

    @property
    def ends_at(self) -> float | None:
        """When the server will end the session: seconds of the Unix clock; None when it does not say.

        An absurd number, which a float may not even hold, counts as none.
        """
        at = self.expires_at
        is_moment = isinstance(at, int | float) and not isinstance(at, bool) and 0 < at < _YEAR_3000
        return float(at) if is_moment else None

    @property
    def is_of_the_beta(self) -> bool:
        """Whether the server describes the session with fields that only the retired beta had."""
        return self.modalities is not None and self.output_modalities is None


class Item(Struct, frozen=True, kw_only=True):
    """A message or a call."""

    id: str = ""
    type: str = ""
    status: str | None = None
    call_id: str | None = None
    name: str | None = None
    arguments: Any = None
    content: Any = None
    server_label: str | None = None


class StatusDetails(Struct, frozen=True, kw_only=True):
    """Why a response did not complete."""

    reason: str | None = None
    error: Any = None


class TokenDetails(Struct, frozen=True, kw_only=True):
    """Tokens by kind; the cached ones are counted among the others too."""

    text_tokens: int | None = None
    audio_tokens: int | None = None
    cached_tokens: int | None = None
    cached_tokens_details: Any = None


class Usage(Struct, frozen=True, kw_only=True):
    """What a response costs."""

    total_tokens: int | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    input_token_details: TokenDetails | None = None
    output_token_details: TokenDetails | None = None


class ResponseInfo(Struct, frozen=True, kw_only=True):
    """A response; see `read` for its parts."""

    id: str
    status: str | None = None
    status_details: Any = None
    output: Any = None
    usage: Any = None


# -- the events


class SessionCreated(Struct, frozen=True, kw_only=True):
    """The first event of a session; see `read` for the session, which some servers leave out."""

    session: Any = None


class SessionUpdated(Struct, frozen=True, kw_only=True):
    """The configuration as it is now; see `read` for the session."""

    session: Any = None


class ErrorReported(Struct, frozen=True, kw_only=True):
    """Most leave the session open. Read from any shape."""

    error: ServerError


class SpeechStarted(Struct, frozen=True, kw_only=True):
    """The provider's VAD heard a voice begin."""


class SpeechStopped(Struct, frozen=True, kw_only=True):
    """The provider's VAD heard the voice end."""


class AudioCleared(Struct, frozen=True, kw_only=True):
    """The person's audio was forgotten; a voice in it will not be heard to stop."""


class AudioCommitted(Struct, frozen=True, kw_only=True):
    """The person's audio became a message; some servers do not name it."""

    item_id: Any = None


class ItemAdded(Struct, frozen=True, kw_only=True):
    """The conversation has an item more: ours or the provider's. Told up to three times, in old words and new."""

    item: Item


class InputTranscribed(Struct, frozen=True, kw_only=True):
    """The person's words; may come late."""

    item_id: str = ""
    transcript: str


class ResponseCreated(Struct, frozen=True, kw_only=True):
    """An answer begins."""

    response: ResponseInfo


class ResponseDone(Struct, frozen=True, kw_only=True):
    """An answer has ended, in whatever way."""

    response: ResponseInfo


class OutputItemAdded(Struct, frozen=True, kw_only=True):
    """A part of an answer begins."""

    response_id: str | None = ""
    item: Item


class OutputItemDone(Struct, frozen=True, kw_only=True):
    """A part of an answer is complete, or was cut off."""

    response_id: str | None = ""
    item: Item


class AudioDelta(Struct, frozen=True, kw_only=True):
    """A piece of the answer's sound: base64, as it came (see sound.py)."""

    response_id: str | None = ""
    item_id: str | None = ""
    content_index: Any = 0
    delta: Any = None


class AudioDone(Struct, frozen=True, kw_only=True):
    """All sound of an item has been sent; without an item, of all that the response has."""

    response_id: str | None = ""
    item_id: str | None = ""


class TranscriptDone(Struct, frozen=True, kw_only=True):
    """The words of the answer's sound."""

    response_id: str | None = ""
    item_id: str | None = ""
    content_index: Any = 0
    transcript: str


class TextDelta(Struct, frozen=True, kw_only=True):
    """A piece of words that have no sound."""

    response_id: str | None = ""
    item_id: str | None = ""
    content_index: Any = 0
    delta: str


class TextDone(Struct, frozen=True, kw_only=True):
    """Words of the answer that have no sound."""

    response_id: str | None = ""
    item_id: str | None = ""
    content_index: Any = 0
    text: str


class ArgumentsDone(Struct, frozen=True, kw_only=True):
    """A call is complete. Older servers leave out the name; it stands in the item then."""

    response_id: str | None = ""
    item_id: str | None = ""
    call_id: str
    name: str | None = None
    arguments: Any = None


class RemoteListed(Struct, frozen=True, kw_only=True):
    """The provider knows the tools of an MCP server."""

    item_id: str = ""


class RemoteNotListed(Struct, frozen=True, kw_only=True):
    """It could not list them."""

    item_id: str = ""


class RemoteRuns(Struct, frozen=True, kw_only=True):
    """A call to an MCP server is under way."""

    item_id: str = ""


class RemoteEnded(Struct, frozen=True, kw_only=True):
    """It is done."""

    item_id: str = ""


class RemoteFailed(Struct, frozen=True, kw_only=True):
    """It failed."""

    item_id: str = ""


ServerEvent = (
    SessionCreated
    | SessionUpdated
    | ErrorReported
    | SpeechStarted
    | SpeechStopped
    | AudioCleared
    | AudioCommitted
    | ItemAdded
    | InputTranscribed
    | ResponseCreated
    | ResponseDone
    | OutputItemAdded
    | OutputItemDone
    | AudioDelta
    | AudioDone
    | TranscriptDone
    | TextDelta
    | TextDone
    | ArgumentsDone
    | RemoteListed
    | RemoteNotListed
    | RemoteRuns
    | RemoteEnded
    | RemoteFailed
)

_TYPES: dict[str, type[ServerEvent]] = {
    "session.created": SessionCreated,
    "session.updated": SessionUpdated,
    "error": ErrorReported,
    "input_audio_buffer.speech_started": SpeechStarted,
    "input_audio_buffer.speech_stopped": SpeechStopped,
    "input_audio_buffer.cleared": AudioCleared,
    "input_audio_buffer.committed": AudioCommitted,
    "conversation.item.added": ItemAdded,
    "conversation.item.input_audio_transcription.completed": InputTranscribed,
    "response.created": ResponseCreated,
    "response.done": ResponseDone,
    "response.output_item.added": OutputItemAdded,
    "response.output_item.done": OutputItemDone,
    "response.output_audio.delta": AudioDelta,
    "response.output_audio.done": AudioDone,
    "response.output_audio_transcript.done": TranscriptDone,
    "response.output_text.delta": TextDelta,
    "response.output_text.done": TextDone,
    "response.function_call_arguments.done": ArgumentsDone,
    "mcp_list_tools.completed": RemoteListed,
    "mcp_list_tools.failed": RemoteNotListed,
    "response.mcp_call.in_progress": RemoteRuns,
    "response.mcp_call.completed": RemoteEnded,
    "response.mcp_call.failed": RemoteFailed,
    # The names of the beta, which some compatible servers still send.
    "conversation.item.created": ItemAdded,
    "response.audio.delta": AudioDelta,
    "response.audio.done": AudioDone,
    "response.audio_transcript.done": TranscriptDone,
    "response.text.delta": TextDelta,
    "response.text.done": TextDone,
}


class NotJsonError(Exception):
    """The message is not JSON at all: this is not the protocol."""


class MalformedEventError(Exception):
    """A known event lacks a field or has one of the wrong type."""

    def __init__(self, event_type: str, problem: str) -> None:
        super().__init__(f"{event_type}: {problem}")
        self.event_type = event_type
        self.problem = problem


class _Envelope(Struct, frozen=True):
    type: str


# What msgspec says of a number that neither 64 bits nor a float hold.
_TOO_LARGE = "out of range"

_envelope = msgspec.json.Decoder(_Envelope)
_decoders = {name: msgspec.json.Decoder(kind) for name, kind in _TYPES.items()}


def decode(text: str | bytes) -> ServerEvent | None:
    """Return the event, or None for a type we do not use. Raise NotJsonError or MalformedEventError."""
    try:
        return _decoded(text)
    except NotJsonError:
        return _decoded(_mended(text))
    except MalformedEventError as error:
        if _TOO_LARGE not in error.problem:
            raise
        return _decoded(_mended(text))


def _mended(text: str | bytes) -> bytes:
    try:
        return lenientjson.mended(text)
    except (ValueError, RecursionError) as error:
        raise NotJsonError(str(error)) from error


def _decoded(text: str | bytes) -> ServerEvent | None:
    name = "a message without a type"
    try:
        name = _envelope.decode(text).type
        decoder = _decoders.get(name)
        if decoder is None:
            return None
        if name == "error":
            return ErrorReported(error=error_event(msgspec.json.decode(text)))
        return decoder.decode(text)
    except msgspec.ValidationError as error:
        raise MalformedEventError(name, str(error)) from error
    except RecursionError as error:
        raise MalformedEventError(name, "nested too deeply") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise NotJsonError(str(error)) from error


def read(value: Any, kind: type[T]) -> T | None:
    """Return a part that was read as Any in its proper type, or None when it does not have that type."""
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError:
        return None
