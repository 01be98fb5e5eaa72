"""Turns a text frame into a checked client event, or into the error that the real API would send."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any, TypeVar, get_args

import msgspec
from msgspec import UNSET

from device.sim.realtime import client_events, schema

MOST_APPEND_BYTES = 15 * 1024 * 1024
_T = TypeVar("_T")
_EVENT_TYPES = {kind.__struct_config__.tag: kind for kind in get_args(client_events.AnyClientEvent)}
_CONTENT_OF_ROLE = {
    "system": (client_events.InputText,),
    "user": (client_events.InputText, client_events.InputAudio, client_events.InputImage),
    "assistant": (client_events.OutputText,),
}
_PROBLEM = re.compile(r"^(?P<what>.*?)(?: - at `(?P<path>[^`]*)`)?$", re.DOTALL)
_QUOTED = re.compile(r"`([^`]*)`")


class RefusedError(Exception):
    """A request of the client is refused. Has the fields of the `error` event."""

    def __init__(
        self,
        code: str,
        message: str,
        param: str | None = None,
        event_id: str | None = None,
        kind: str = "invalid_request_error",
    ) -> None:
        super().__init__(message)
        self.code, self.message, self.param, self.event_id, self.kind = code, message, param, event_id, kind

    def body(self) -> dict[str, Any]:
        """Return the `error` object of an error event, or of an HTTP response."""
        fields = {"type": self.kind, "code": self.code, "message": self.message, "param": self.param}
        return {**fields, "event_id": self.event_id}


def decode(text: str | bytes) -> tuple[dict[str, Any], client_events.AnyClientEvent]:
    """Return the event as received, and as a checked type. Raise RefusedError."""
    raw = _as_object(text)
    sent_id = raw.get("event_id")
    event_id = sent_id if isinstance(sent_id, str) else None
    try:
        event = _decode_object(raw)
    except RefusedError as refusal:
        refusal.event_id = event_id
        raise
    return raw, event


def convert(value: Any, kind: type[_T], prefix: str = "") -> _T:
    """Return `value` as `kind`. Raise RefusedError, which names the parameter (after `prefix`)."""
    try:
        converted = msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise _refusal(str(error), prefix) from error
    _forget_nulls(converted)
    return converted


def _forget_nulls(value: object) -> None:
    """Remove nulls from every declared part, except where null is a value of its own."""
    if isinstance(value, list):
        for part in value:
            _forget_nulls(part)
    elif isinstance(value, schema.Strict):
        for name in value.__struct_fields__:
            part = getattr(value, name)
            if part is None and name not in value.null_is_a_value:
                setattr(value, name, UNSET)
            else:
                _forget_nulls(part)


def audio_bytes(text: str, param: str = "audio") -> bytes:
    """Return base64 audio as bytes. Raise RefusedError."""
    try:
        audio = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        message = f"Invalid '{param}'. Expected base64-encoded audio bytes."
        raise RefusedError("invalid_value", message, param) from error
    if len(audio) > MOST_APPEND_BYTES:
        raise RefusedError("invalid_value", f"Invalid '{param}': more than 15 MiB of audio in one event.", param)
    return audio


def check_session(session: schema.Session) -> None:
    """Raise RefusedError for settings that exclude each other, which types cannot express."""
    if not session.audio or not session.audio.input:
        return
    transcription = session.audio.input.transcription
    if not transcription:
        return
    model, where = transcription.model, "session.audio.input.transcription"
    whisper = model == "gpt-realtime-whisper"
    if transcription.delay is not UNSET and not whisper:
        raise RefusedError("invalid_value", "'delay' is only for gpt-realtime-whisper.", f"{where}.delay")
    if whisper and transcription.prompt is not UNSET:
        raise RefusedError("invalid_value", "gpt-realtime-whisper takes no prompt.", f"{where}.prompt")
    # In a session that answers, the answering model detects the turns, so turn detection is allowed.
    if whisper and isinstance(session, schema.TranscriptionSession) and session.audio.input.turn_detection:
        raise RefusedError("invalid_value", "gpt-realtime-whisper takes no turn detection.", where)
    for name in ("keywords", "languages"):
        if getattr(transcription, name) is not UNSET and model not in ("gpt-transcribe", "gpt-live-transcribe"):
            raise RefusedError("invalid_value", f"'{name}' is not for this model.", f"{where}.{name}")


def check_item(item: object, param: str = "item") -> None:
    """Raise RefusedError for contents that the role may not have."""
    if not isinstance(item, client_events.Message):
        return
    for index, content in enumerate(item.content):
        if not isinstance(content, _CONTENT_OF_ROLE[item.role]):
            kind, where = content.__struct_config__.tag, f"{param}.content[{index}].type"
            raise RefusedError("invalid_value", f"Invalid value: '{kind}' in a message of the {item.role}.", where)
        if isinstance(content, client_events.InputAudio):
            audio_bytes(content.audio, f"{param}.content[{index}].audio")


def _as_object(text: str | bytes) -> dict[str, Any]:
    try:
        raw = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RefusedError("invalid_event", f"The event is not valid JSON: {error}") from error
    except RecursionError as error:
        raise RefusedError("invalid_event", "The event is nested too deeply.") from error
    if not isinstance(raw, dict):
        raise RefusedError("invalid_event", "The event must be a JSON object.")
    return raw


def _decode_object(raw: dict[str, Any]) -> client_events.AnyClientEvent:
    if "type" not in raw:
        raise RefusedError("missing_required_parameter", "Missing required parameter: 'type'.", "type")
    kind = _EVENT_TYPES.get(raw["type"]) if isinstance(raw["type"], str) else None
    if kind is None:
        known = ", ".join(f"'{name}'" for name in _EVENT_TYPES)
        raise RefusedError("invalid_value", f"Invalid value: '{raw['type']}'. Supported values are: {known}.", "type")
    event: client_events.AnyClientEvent = convert(raw, kind)
    return event


def _refusal(problem: str, prefix: str) -> RefusedError:
    """Translate msgspec's "Object contains unknown field `x` - at `$.session`"."""
    match = _PROBLEM.match(problem)
    what, path = (match["what"], match["path"] or "$") if match else (problem, "$")
    path = (prefix + path.removeprefix("$")).lstrip(".").replace("[...]", "[]")
    quoted = _QUOTED.search(what)
    if quoted and "unknown field" in what:
        param = f"{path}.{quoted[1]}".lstrip(".")
        return RefusedError("unknown_parameter", f"Unknown parameter: '{param}'.", param)
    if quoted and "missing required field" in what:
        param = f"{path}.{quoted[1]}".lstrip(".")
        return RefusedError("missing_required_parameter", f"Missing required parameter: '{param}'.", param)
    return RefusedError("invalid_value", f"Invalid value for '{path}': {what}.", path or None)
