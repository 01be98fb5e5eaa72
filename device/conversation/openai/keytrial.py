"""Is the key good? Asks for a client secret, the one request that shows it and costs nothing, and throws it away."""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import HTTPRedirectHandler, HTTPSHandler, Request, build_opener

from device.conversation.openai.address import beside
from device.conversation.openai.link import auth_headers
from device.conversation.openai.messages import errors
from device.conversation.openai.messages.errorshapes import error_in_body
from device.conversation.openai.settings import OpenAI
from device.core.events import Failure
from device.ports.provider import KeyTrial, KeyVerdict
from device.secrets import Secret
from device.units import Ms, ms_from_seconds

LIMIT_S = 10.0
# The least that the API takes: whoever got hold of it could use it no longer.
_LASTS_S = 10
_MOST_BYTES = 65_536
# What says that the key is not good for this, and not only that something else is wrong.
_REFUSALS = frozenset(
    {Failure.REFUSED_KEY, Failure.REFUSED_REGION, Failure.QUOTA, Failure.UNKNOWN_MODEL, Failure.REFUSED}
)
# Of servers that speak the Realtime protocol without OpenAI's other requests.
_UNHEARD_OF = "nothing, if it is a server of your own that makes no client secrets; else check conversation.openai.url"


class _NoRedirect(HTTPRedirectHandler):
    """Follows no redirect: the key would be sent to another server."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    body: bytes
    date: str


def try_key(settings: OpenAI, key: Secret, clock: Callable[[], float] = time.monotonic) -> KeyTrial:
    """Try it; with the model, which has to be one that the account may use. Blocks for LIMIT_S and a little at most."""
    began = clock()
    try:
        answer = _ask(settings, key)
    except (OSError, HTTPException, ValueError) as error:
        why = errors.tidy(_reason(error), key.mask)
        todo = errors.ADVICE[Failure.UNREACHABLE]
        return KeyTrial(KeyVerdict.UNKNOWN, ms_from_seconds(clock() - began), why, todo)
    return _judged(answer, settings, key, ms_from_seconds(clock() - began))


def _ask(settings: OpenAI, key: Secret) -> _Answer:
    body = {
        "expires_after": {"anchor": "created_at", "seconds": _LASTS_S},
        "session": {"type": "realtime", "model": settings.model},
    }
    headers = {**auth_headers(settings, key), "Content-Type": "application/json"}
    request = Request(beside(settings.url, "client_secrets"), json.dumps(body).encode(), headers, method="POST")
    opener = build_opener(_NoRedirect, HTTPSHandler(context=ssl.create_default_context()))
    try:
        with opener.open(request, timeout=LIMIT_S) as response:
            return _Answer(response.status, response.read(_MOST_BYTES), response.headers.get("Date", ""))
    except HTTPError as refused:
        with refused:
            return _Answer(refused.code, refused.read(_MOST_BYTES), refused.headers.get("Date", ""))


def _judged(answer: _Answer, settings: OpenAI, key: Secret, took: Ms) -> KeyTrial:
    moment = _moment(answer.date)
    if answer.status == 200:
        return KeyTrial(KeyVerdict.TAKEN, took, server_time=moment)
    error = error_in_body(answer.body)
    said = errors.describe(error, key.mask) if error else ""
    why = f"HTTP {answer.status}" + (f" ({said})" if said else "")
    failure = errors.failure_of_refusal(answer.status, error)
    if failure is Failure.WRONG_ADDRESS:
        return KeyTrial(KeyVerdict.UNKNOWN, took, why, _UNHEARD_OF, moment)
    verdict = KeyVerdict.REFUSED if failure in _REFUSALS else KeyVerdict.UNKNOWN
    todo = errors.with_advice(failure, "", settings).removeprefix("; ")
    return KeyTrial(verdict, took, why, todo or errors.ADVICE[Failure.BUSY], moment)


def _reason(error: Exception) -> str:
    """Return why there was no answer; not the address, which may hold a password."""
    cause = error.reason if isinstance(error, URLError) else error
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted ({cause.verify_message})"
    if isinstance(cause, OSError) and cause.strerror:
        return cause.strerror
    return type(cause).__name__ if isinstance(cause, Exception) else str(cause)


def _moment(date: str) -> float | None:
    try:
        return parsedate_to_datetime(date).timestamp()
    except ValueError:
        return None
