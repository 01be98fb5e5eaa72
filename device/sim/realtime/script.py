"""The script of the simulated server, with which a test or a demo sets its replies, delays and faults."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from device.units import Hz

REPLY_RATE = Hz(24_000)


@dataclass(frozen=True, slots=True)
class Call:
    """A function that the model calls; `arguments` is JSON text, sent as it is."""

    name: str
    arguments: str = "{}"


@dataclass(frozen=True, slots=True)
class RemoteCall:
    """A tool of an MCP server (by its label in the session) that the provider calls, and what it returns.

    It takes `lasts_s` seconds. One that `fails` returns its `output` as an error.
    """

    server: str
    name: str
    arguments: str = "{}"
    output: str = ""
    fails: bool = False
    lasts_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Reply:
    """The model's reply: a text to speak, or given sound, or function calls, or a failure of the model.

    `remote` are calls of MCP servers: what those return that need no yes of the client is spoken after them.

    `audio` (s16le mono at REPLY_RATE) replaces the spoken text; `parrot` plays back what the person said. `failure` is
    (type, code, message) of a response that ends with the status "failed". `think_s` is a delay in seconds.
    """

    text: str = ""
    calls: tuple[Call, ...] = ()
    audio: bytes | None = None
    parrot: bool = False
    failure: tuple[str, str, str] | None = None
    think_s: float = 0.0
    remote: tuple[RemoteCall, ...] = ()


ChooseReply = Callable[[str], Reply | None]
"""Takes what was said, or after calls the tools' outputs; returns the reply, None for the model's usual one."""


@dataclass(frozen=True, slots=True)
class AfterEvent:
    """The moment after the server has sent its `count`-th event of a type on a connection."""

    type: str
    count: int = 1


@dataclass(frozen=True, slots=True)
class AfterReplyAudio:
    """The moment when this much audio of one item has been sent."""

    ms: int


@dataclass(frozen=True, slots=True)
class Drop:
    """Cut the TCP connection."""


@dataclass(frozen=True, slots=True)
class Close:
    """Close the WebSocket with a closing handshake."""

    code: int = 1011
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Send:
    """Send an event (an `event_id` is added), or any text unchanged, even if it is invalid."""

    message: Mapping[str, Any] | str


@dataclass(frozen=True, slots=True)
class Stall:
    """Send nothing more, and keep the connection open."""


@dataclass(frozen=True, slots=True, eq=False)
class Fault:
    """Does something at a moment, at most `times` in the life of the server (None: every time).

    Faults are compared by identity, because each is counted separately.
    """

    when: AfterEvent | AfterReplyAudio
    do: Drop | Close | Send | Stall
    times: int | None = 1


@dataclass(frozen=True, slots=True)
class Refusal:
    """An HTTP error response instead of a WebSocket, or of a client secret."""

    status: int
    code: str = ""
    message: str = "Refused by the script."
    retry_after_s: int | None = None


@dataclass(frozen=True, slots=True)
class Script:
    """How the server behaves; by default without faults and fast. Times are in seconds.

    `delta_interval_s`: the time between two pieces of `delta_ms` of sound; by default they are sent 10 times as fast as
    they play. `expiry`: how a session ends after `expire_after_s`: with an error event and close code 1001, or with the
    close code alone. `beta_names`: use the event names of the beta API, as older servers do. `unlisted`: the labels of
    MCP servers whose tools cannot be listed. `goes_on`: after an answer to a request for approval it responds by
    itself.
    """

    session_created_delay_s: float = 0.0
    session_updated_delay_s: float = 0.0
    response_delay_s: float = 0.0
    delta_interval_s: float = 0.03
    delta_ms: int = 300
    expire_after_s: float = 3600.0
    expiry: Literal["error", "close"] = "error"
    refuse: Refusal | None = None
    refuse_secret: Refusal | None = None
    beta_names: bool = False
    unlisted: tuple[str, ...] = ()
    goes_on: bool = True
    answer: ChooseReply | None = None
    faults: tuple[Fault, ...] = field(default=())


def tone(duration_ms: int, frequency_hz: float = 440.0, level: float = 0.3) -> bytes:
    """Return a sine tone (s16le mono at REPLY_RATE, `level` of full scale), which can be found in a recording."""
    time_s = np.arange(duration_ms * REPLY_RATE // 1000) / REPLY_RATE
    return (np.sin(2 * np.pi * frequency_hz * time_s) * level * 32767).astype("<i2").tobytes()


def error_event(code: str, message: str = "Scripted.", kind: str = "invalid_request_error") -> Send:
    """Return a `Send` of an `error` event."""
    return Send({"type": "error", "error": {"type": kind, "code": code, "message": message, "param": None}})


def oversized(length: int) -> Send:
    """Return a `Send` of an event of more than `length` bytes."""
    return Send({"type": "response.unheard_of", "padding": "x" * length})
