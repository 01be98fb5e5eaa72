"""What a device may ask for, and nothing else: bodies are strict, and what is not on the list is refused."""

from __future__ import annotations

from collections.abc import Container
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import Meta, Struct

from device.broker import tokens
from device.kit.words import shown

MOST_BYTES = 4096
"""A body is shorter than this by far."""

_T = TypeVar("_T")


class RefusedError(Exception):
    """A request is refused, with an HTTP status; `code` is for programs and the message for people."""

    def __init__(self, status: int, code: str, message: str, retry_after_s: float = 0.0) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.retry_after_s = status, code, message, retry_after_s

    @property
    def body(self) -> dict[str, Any]:
        """What is answered, in the shape of the provider's errors."""
        kind = "server_error" if self.status >= 500 else "invalid_request_error"
        return {"error": {"type": kind, "code": self.code, "message": self.message, "param": None}}


class Enrolment(Struct, frozen=True, forbid_unknown_fields=True):
    """The body of POST /enrol."""

    token: str
    name: str


class WantedSession(Struct, frozen=True, forbid_unknown_fields=True):
    """Only what cannot be changed later belongs to a secret: all else a device says to the provider itself."""

    type: Literal["realtime"]
    model: str


class ExpiresAfter(Struct, frozen=True, forbid_unknown_fields=True):
    """How long the secret shall live."""

    seconds: Annotated[int, Meta(ge=10, le=7200)]
    anchor: Literal["created_at"] = "created_at"


class SecretWanted(Struct, frozen=True, forbid_unknown_fields=True):
    """The body of POST /v1/realtime/client_secrets."""

    session: WantedSession
    expires_after: ExpiresAfter | None = None


def enrolment_in(body: bytes) -> Enrolment:
    """Return what a body asks for. Raise RefusedError."""
    wanted = _decoded(body, Enrolment)
    if not tokens.is_name(wanted.name):
        raise RefusedError(
            400, "invalid_name", "a device's name has small letters, digits and hyphens, at most 63 of them"
        )
    if not tokens.is_token(wanted.token, tokens.ENROLMENT):
        raise RefusedError(401, "invalid_token", "this is no enrolment token")
    return wanted


def secret_wanted_in(body: bytes, models: Container[str], longest_s: int) -> tuple[str, int]:
    """Return the model and the lifetime that a body asks for, at most `longest_s`. Raise RefusedError."""
    wanted = _decoded(body, SecretWanted)
    if wanted.session.model not in models:
        raise RefusedError(
            403, "model_not_allowed", f"this broker allows no model {shown(wanted.session.model)}; see broker.models"
        )
    seconds = wanted.expires_after.seconds if wanted.expires_after else longest_s
    return wanted.session.model, min(seconds, longest_s)


def _decoded(body: bytes, kind: type[_T]) -> _T:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        # Why it does not fit could quote it.
        fields = ", ".join(kind.__struct_fields__)  # type: ignore[attr-defined]
        raise RefusedError(400, "invalid_body", f"the body must be a JSON object with {fields}, and no more") from None
