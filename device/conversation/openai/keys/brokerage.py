"""Speaks with the broker: HTTPS, one request a connection, a few times an hour.

By asyncio's streams and the standard library's reader of responses, which the session uses as well: an HTTP library
(aiohttp) would cost the idle daemon 8 MB of memory, and its start a third of a second of a desktop's processor.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import ssl
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import urlsplit

import msgspec

from device.conversation.openai.link import LinkError
from device.conversation.openai.messages import errors
from device.conversation.openai.messages.errorshapes import error_in_body
from device.conversation.openai.refusal import read_http_response
from device.core.events import Failure
from device.kit import dial
from device.kit.threads import Threads
from device.secrets import Secret

LIMIT_S = 10.0
_MOST_BYTES = 65_536
_SECRETS, _ENROL, _CHECK = "/v1/realtime/client_secrets", "/enrol", "/check"

_ADVICE = "check the network and conversation.openai.broker"
_AGAIN = "on its machine, make a token (hearthside broker token) and give it to this device: docs/broker.md"
_OF_CODE = {
    "revoked": (Failure.BROKER_REFUSED, "has revoked this device", _AGAIN),
    "invalid_token": (Failure.BROKER_REFUSED, "does not know this device's token", _AGAIN),
    "name_taken": (Failure.BROKER_REFUSED, "has another device of this name", "make the token for the name: " + _AGAIN),
    "budget_spent": (Failure.BROKER_SPENT, "gives this device no more keys today", "see broker.secrets_per_day"),
    "model_not_allowed": (Failure.UNKNOWN_MODEL, "does not allow this model", "see conversation.openai.model"),
    "provider_refused_key": (Failure.REFUSED_KEY, "has a key that the provider refuses", "see its log"),
    "provider_refused_model": (Failure.UNKNOWN_MODEL, "was refused the model by the provider", "see its log"),
    "provider_busy": (Failure.BUSY, "found the provider busy", "wait, or see its log"),
    "provider_trouble": (Failure.BUSY, "was refused by the provider", "wait, or see its log"),
    "provider_unreachable": (Failure.BUSY, "cannot reach the provider", "check its network"),
    "rate_limit_exceeded": (Failure.BUSY, "is asked too often by this device", "wait a minute"),
}
TOKEN_REFUSED = frozenset({"revoked", "invalid_token", "name_taken"})


_T = TypeVar("_T")


class BrokerError(LinkError):
    """The broker gives no key; `code` is its own word for why, "" when it said none."""

    def __init__(self, failure: Failure, message: str, code: str = "") -> None:
        super().__init__(failure, message)
        self.code = code


class Made(msgspec.Struct, frozen=True):
    """A client secret, and for how many seconds from when it was asked for."""

    value: str
    expires_in: float


class _Enrolled(msgspec.Struct, frozen=True):
    device_token: str


class _Known(msgspec.Struct, frozen=True):
    name: str


class Broker:
    """A broker, by its address."""

    def __init__(self, url: str, authority: str, threads: Threads) -> None:
        """`authority` names the file of the only authority that is trusted; "": those that the system trusts."""
        parts = urlsplit(url)
        self.host, self._port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
        self._secure = parts.scheme == "https"
        self._authority = authority
        self._threads = threads
        self._tls: ssl.SSLContext | None = None

    async def enrol(self, enrolment: Secret, name: str) -> Secret:
        """Exchange an enrolment token for a token of this device's own. Raise BrokerError."""
        answer = await self._post(_ENROL, {"token": enrolment.reveal(), "name": name}, None, enrolment.mask)
        return Secret(self._read(answer, _Enrolled).device_token)

    async def make(self, token: Secret, model: str) -> Made:
        """Return a client secret for sessions with a model. Raise BrokerError."""
        body = {"session": {"type": "realtime", "model": model}}
        return self._read(await self._post(_SECRETS, body, token, token.mask), Made)

    async def check(self, token: Secret | None) -> str:
        """Return the name under which it knows the device that has a token; it gives no secret. Raise BrokerError."""
        answer = await self._post(_CHECK, {}, token, token.mask if token else str)
        return self._read(answer, _Known).name

    async def _post(self, path: str, body: Any, token: Secret | None, mask: Callable[[str], str]) -> bytes:
        try:
            async with asyncio.timeout(LIMIT_S):
                heard = await self._exchange(_request(self.host, path, body, token))
        except TimeoutError:
            raise self._error(f"did not answer within {LIMIT_S:g} s", _ADVICE) from None
        except ssl.SSLCertVerificationError as error:
            why = f"has a certificate that is not trusted ({errors.tidy(error.verify_message, mask)})"
            raise self._error(why, "check conversation.openai.broker_ca, and this machine's clock") from None
        except OSError as error:
            raise self._error(f"cannot be reached ({_reason(error)})", _ADVICE) from None
        answer = read_http_response(heard)
        if answer is None:
            raise self._error("does not answer as a broker does", _ADVICE)
        if answer.status not in (200, 201):
            raise self._refusal(answer.status, answer.body, mask)
        return answer.body

    async def _exchange(self, request: bytes) -> bytes:
        """Send a request; return all that comes. Raise OSError or BrokerError."""
        await self._threads.call(dial.load)
        if self._secure and self._tls is None:
            self._tls = await self._trusting()
        addresses = await dial.resolve(self._threads, self.host, self._port)
        plain = await dial.connect(addresses)
        name = self.host if self._secure else None
        reader, writer = await asyncio.open_connection(sock=plain, ssl=self._tls, server_hostname=name)
        try:
            writer.write(request)
            heard = bytearray()
            while len(heard) < _MOST_BYTES and (piece := await reader.read(_MOST_BYTES)):
                heard += piece
            return bytes(heard)
        finally:
            writer.close()

    async def _trusting(self) -> ssl.SSLContext:
        """Return what trusts the authority, and no other. Raise BrokerError."""
        try:
            return await self._threads.call(_context, self._authority)
        except OSError:
            why = f"cannot be told from others: {self._authority} holds no certificate"
            raise self._error(why, "put there what `hearthside broker ca` prints on its machine") from None

    def _refusal(self, status: int, body: bytes, mask: Callable[[str], str]) -> BrokerError:
        error = error_in_body(body)
        code = (error and error.code) or ""
        if code in _OF_CODE:
            failure, why, advice = _OF_CODE[code]
            return self._error(why, advice, failure, code)
        said = errors.describe(error, mask) if error else ""
        return self._error(f"answers with HTTP {status}" + (f" ({said})" if said else ""), "see its log")

    def _read(self, body: bytes, kind: type[_T]) -> _T:
        try:
            return msgspec.json.decode(body, type=kind)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise self._error("does not answer as a broker does", _ADVICE) from None

    def _error(self, why: str, advice: str, failure: Failure = Failure.BROKER, code: str = "") -> BrokerError:
        return BrokerError(failure, f"the broker {self.host} {why}; {advice}", code)


def _request(host: str, path: str, body: Any, token: Secret | None) -> bytes:
    data = json.dumps(body).encode()
    authorization = [f"Authorization: Bearer {token.reveal()}"] if token else []
    lines = [
        f"POST {path} HTTP/1.1",
        f"Host: {host}",
        "Content-Type: application/json",
        f"Content-Length: {len(data)}",
        "Connection: close",
        *authorization,
    ]
    return "\r\n".join([*lines, "", ""]).encode() + data


def _reason(error: OSError) -> str:
    """Return why there was no connection. asyncio puts the address into the text, so that of the number is used."""
    if isinstance(error, socket.gaierror):
        return "its name is not known"
    return os.strerror(error.errno) if error.errno else type(error).__name__


def _context(authority: str) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=authority or None)
