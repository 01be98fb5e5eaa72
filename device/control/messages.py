"""What goes over the control socket: one JSON object a line, strictly understood."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from device.core.events import LONGEST_TEXT

LONGEST_LINE = 65_536
"""In bytes. No request needs a hundredth of it."""

_LONGEST_COMPLAINT = 200

Id = int | Annotated[str, Meta(max_length=64)]
"""Chosen by who asks; the answer carries it."""


class Request(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="do"):
    """What may be asked for; `do` says which."""

    id: Id


class GetStatus(Request, frozen=True, tag="status"):
    """How is the house doing?"""


class Mute(Request, frozen=True, tag="mute"):
    """Close the microphone. Answered when it is closed."""


class Unmute(Request, frozen=True, tag="unmute"):
    """Listen again."""


class Stop(Request, frozen=True, tag="stop"):
    """Be quiet: end the conversation, and whatever is being said."""


class SetVolume(Request, frozen=True, tag="volume"):
    """Set the volume, or change it; with neither only say it."""

    to: Annotated[int, Meta(ge=0, le=100)] | None = None
    by: Annotated[int, Meta(ge=-100, le=100)] | None = None


class ChoosePersona(Request, frozen=True, tag="persona"):
    """Choose who answers from the next session on; without a name only say who does."""

    name: Annotated[str, Meta(max_length=64)] | None = None


class ChooseWakeWord(Request, frozen=True, tag="wake_word"):
    """Choose the only wake word that wakes, or "all"; without a word only say which does."""

    word: Annotated[str, Meta(max_length=200)] | None = None


class Say(Request, frozen=True, tag="say"):
    """Say a sentence when nobody talks. Answered when it was said, or is held back until the quiet hours are over."""

    text: str
    urgent: bool = False
    voice: Literal["own", "provider"] = "own"


class Ask(Request, frozen=True, tag="ask"):
    """Say a sentence when nobody talks, and listen for one answer; that is the result."""

    text: str
    urgent: bool = False


class Subscribe(Request, frozen=True, tag="subscribe"):
    """Tell from now on what happens."""


class GetTimers(Request, frozen=True, tag="timers"):
    """Which timers, alarms and reminders are set?"""


class CancelTimer(Request, frozen=True, tag="cancel_timer"):
    """Call one off, by its name or its number ("#3")."""

    name: Annotated[str, Meta(max_length=100)]


class GetLevels(Request, frozen=True, tag="levels"):
    """How loud is what the microphone hears?"""


class GetTools(Request, frozen=True, tag="tools"):
    """What can the model call, and where does each tool come from?"""


class CallTool(Request, frozen=True, tag="call_tool"):
    """Run a tool, as the model would; `arguments` is JSON text. One that a person must confirm is not run."""

    name: Annotated[str, Meta(max_length=64)]
    arguments: str = "{}"


AnyRequest = (
    GetStatus
    | Mute
    | Unmute
    | Stop
    | SetVolume
    | ChoosePersona
    | ChooseWakeWord
    | Say
    | Ask
    | Subscribe
    | GetLevels
    | GetTimers
    | CancelTimer
    | GetTools
    | CallTool
)

_requests = msgspec.json.Decoder(AnyRequest)


class _Envelope(Struct, frozen=True):
    """What an answer needs of a request that is wrong."""

    id: Id | None = None


_envelopes = msgspec.json.Decoder(_Envelope)


class BadRequestError(Exception):
    """A line that is no request. The text says what is wrong with it."""


def decode(line: bytes) -> AnyRequest:
    """Understand a line. Raise BadRequestError."""
    try:
        request: AnyRequest = _requests.decode(line)
    # A UnicodeDecodeError is a ValueError, as are msgspec's own.
    except (ValueError, RecursionError) as error:
        raise BadRequestError(str(error)[:_LONGEST_COMPLAINT]) from error
    if isinstance(request, SetVolume) and request.to is not None and request.by is not None:
        raise BadRequestError("volume: give either `to` or `by`")
    if isinstance(request, Say | Ask) and not 0 < len(request.text.strip()) <= LONGEST_TEXT:
        raise BadRequestError(f"text: give 1 to {LONGEST_TEXT} characters; these are {len(request.text.strip())}")
    return request


def id_of(line: bytes) -> Id | None:
    """Return the id of a line that is no request, as far as it has one."""
    try:
        return _envelopes.decode(line).id
    except (ValueError, RecursionError):
        return None


def answer(to: Id | None, result: dict[str, Any]) -> bytes:
    """Return the line that answers a request."""
    return _line({"id": to, "ok": True, "result": result})


def refusal(to: Id | None, error: str) -> bytes:
    """Return the line that says why a request was not done."""
    return _line({"id": to, "ok": False, "error": error})


def event(name: str, facts: dict[str, Any]) -> bytes:
    """Return the line that tells of something."""
    return _line({"event": name, **facts})


def _line(table: dict[str, Any]) -> bytes:
    return msgspec.json.encode(table) + b"\n"
