"""What a test or a demo can make the simulated server do: answers, delays and faults."""

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
class Reply:
    """An answer: a text that is spoken, sound of your own, calls, or a failure of the model.

    `audio` is s16le mono at REPLY_RATE and replaces the spoken text; `parrot` plays what the person said.
    `failure` is (type, code, message) of a response that ends as failed.
    """

    text: str = ""
    calls: tuple[Call, ...] = ()
    audio: bytes | None = None
    parrot: bool = False
    failure: tuple[str, str, str] | None = None
    think_s: float = 0.0


Answer = Callable[[str], Reply | None]
"""From what was said (the tools' outputs, after calls) to a reply; None: answer as usual."""


@dataclass(frozen=True, slots=True)
class AfterEvent:
    """The moment after the server has sent its `count`-th event of a type on a connection."""

    type: str
    count: int = 1


@dataclass(frozen=True, slots=True)
class AfterReplyAudio:
    """The moment when that much audio of one item has been sent."""

    ms: int


@dataclass(frozen=True, slots=True)
class Drop:
    """Cut the TCP connection."""


@dataclass(frozen=True, slots=True)
class Close:
    """Close the WebSocket in good order."""

    code: int = 1011
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Send:
    """Send something: an event (an `event_id` is added), or text as it is, however wrong."""

    message: Mapping[str, Any] | str


@dataclass(frozen=True, slots=True)
class Stall:
    """Say nothing more, and keep the connection."""


@dataclass(frozen=True, slots=True, eq=False)
class Fault:
    """Something that happens at a moment, `times` in the life of the server (None: always).

    Two faults are never equal: each counts for itself.
    """

    when: AfterEvent | AfterReplyAudio
    do: Drop | Close | Send | Stall
    times: int | None = 1


@dataclass(frozen=True, slots=True)
class Refusal:
    """An HTTP answer in place of the WebSocket."""

    status: int
    code: str = ""
    message: str = "Refused by the script."
    retry_after_s: int | None = None


@dataclass(frozen=True, slots=True)
class Script:
    """How the server behaves; the default is a healthy and quick one. Times are in seconds.

    `delta_interval_s` lies between two pieces of `delta_ms` of sound: by default 10 times as fast as they play.
    `expiry`: how a session ends after `expire_after_s`: an error event and close 1001, or the close alone.
    `beta_names`: speak with the event names of the beta, as older servers do.
    """

    session_created_delay_s: float = 0.0
    session_updated_delay_s: float = 0.0
    response_delay_s: float = 0.0
    delta_interval_s: float = 0.03
    delta_ms: int = 300
    expire_after_s: float = 3600.0
    expiry: Literal["error", "close"] = "error"
    refuse: Refusal | None = None
    beta_names: bool = False
    answer: Answer | None = None
    faults: tuple[Fault, ...] = field(default=())


def tone(duration_ms: int, frequency_hz: float = 440.0, level: float = 0.3) -> bytes:
    """Return a sine (s16le mono at REPLY_RATE, `level` of full scale) that a test can find in a recording."""
    time_s = np.arange(duration_ms * REPLY_RATE // 1000) / REPLY_RATE
    return (np.sin(2 * np.pi * frequency_hz * time_s) * level * 32767).astype("<i2").tobytes()


def error_event(code: str, message: str = "Scripted.", kind: str = "invalid_request_error") -> Send:
    """Return the order to send an `error` event."""
    return Send({"type": "error", "error": {"type": kind, "code": code, "message": message, "param": None}})


def oversized(length: int) -> Send:
    """Return the order to send an event of more than `length` bytes."""
    return Send({"type": "response.unheard_of", "padding": "x" * length})
