"""What the provider's errors mean for us: nothing, a complaint, or the end of the session.

The codes are those that clients of the API have met; the API publishes no list.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import Enum

from device.conversation.openai.server_events import ResponseInfo, ServerError, StatusDetails, read
from device.core.events import Failure

ALREADY_RESPONDING = "conversation_already_has_active_response"

# Races that are nobody's fault: the answer had just ended, the buffer was just emptied.
_BENIGN = frozenset(
    {
        ALREADY_RESPONDING,
        "response_cancel_not_active",
        "input_audio_buffer_commit_empty",
        "item_truncate_invalid_item_id",
        "item_delete_invalid_item_id",
        "unsupported_content_type",
    }
)

_CONFIG = frozenset(
    {
        "unknown_parameter",
        "invalid_value",
        "invalid_type",
        "missing_required_parameter",
        "invalid_event",
        "cannot_update_voice",
        "invalid_request_error",
    }
)

_FATAL = {
    "invalid_api_key": Failure.REFUSED_KEY,
    "authentication_error": Failure.REFUSED_KEY,
    "permission_error": Failure.REFUSED_KEY,
    "insufficient_quota": Failure.QUOTA,
    "model_not_found": Failure.REFUSED_CONFIG,
    "beta_api_shape_disabled": Failure.REFUSED_CONFIG,
    "session_expired": Failure.EXPIRED,
}

_RETRYABLE = frozenset({"server_error", "rate_limit_exceeded", "rate_limit_error", "service_unavailable", "overloaded"})


class Kind(Enum):
    """What to do about an error."""

    BENIGN = "benign"
    CONFIG = "config"
    RETRYABLE = "retryable"
    FATAL = "fatal"
    OTHER = "other"


def kind_of(error: ServerError) -> Kind:
    """Sort an error by its code, and by its type where the code says nothing."""
    for name in (error.code, error.type):
        if name in _BENIGN:
            return Kind.BENIGN
        if name in _FATAL:
            return Kind.FATAL
        if name in _RETRYABLE:
            return Kind.RETRYABLE
        if name in _CONFIG:
            return Kind.CONFIG
    return Kind.OTHER


def failure_of(error: ServerError) -> Failure:
    """Say what a fatal error, or one that ended a response, is for the person."""
    for name in (error.code, error.type):
        if name in _FATAL:
            return _FATAL[name]
    return Failure.REFUSED_CONFIG if kind_of(error) is Kind.CONFIG else Failure.BUSY


def failure_of_status(status: int) -> Failure:
    """Say what an HTTP status in answer to the handshake is for the person."""
    if status in (401, 403):
        return Failure.REFUSED_KEY
    return Failure.BUSY if status == 429 or status >= 500 else Failure.REFUSED_CONFIG


# RFC 6455, section 7.4.1: protocol error, unsupported data, invalid UTF-8, message too big.
_CLOSED_BY_NONSENSE = frozenset({1002, 1003, 1007, 1009})
# The IANA registry of close codes: service restart, try again later.
_CLOSED_BY_LOAD = frozenset({1012, 1013})


def failure_of_close(code: int, reason: str, ready: bool) -> Failure:
    """Say what a close of the connection is for the person; `ready` tells whether the session was in use."""
    # 4000 comes with the reason "invalid_request_error.beta_api_shape_disabled".
    named = _FATAL.get(reason.rpartition(".")[2])
    if named:
        return named
    if code in _CLOSED_BY_NONSENSE:
        return Failure.PROTOCOL
    if code in _CLOSED_BY_LOAD:
        return Failure.BUSY
    if code == 1008:
        return Failure.REFUSED_KEY if re.search(r"\b(key|auth\w*|token)\b", reason, re.I) else Failure.REFUSED_CONFIG
    if code == 4000:
        return Failure.REFUSED_CONFIG
    expired = ready and (code == 1000 or (code == 1001 and "maximum duration" in reason))
    return Failure.EXPIRED if expired else Failure.DROPPED


def why_ended(info: ResponseInfo, mask: Callable[[str], str]) -> tuple[Failure | None, str]:
    """Say what a response's end is for the person (None: it did not fail), and why it ended early."""
    details = read(info.status_details, StatusDetails) or StatusDetails()
    if info.status != "failed":
        return None, tidy(details.reason or "", mask)
    error = details.error or ServerError()
    return failure_of(error), describe(error, mask)


def describe(error: ServerError, mask: Callable[[str], str]) -> str:
    """Return one short line for the log, without what a server may have echoed of the key."""
    name = error.code or error.type or "error"
    return tidy(f"{name}: {error.message or 'no message'}", mask)


def tidy(text: str, mask: Callable[[str], str]) -> str:
    """Return foreign text fit for a log line: printable, masked, at most 200 characters."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text[:1000]).split())
    return mask(line)[:200]
