"""Why a connection did not become a session: what the server, a proxy or a login page sent instead.

The library reports only that the response was not the one it expected, and of some (a page without an end, HTTP/1.0,
anything that is not HTTP) not even what they were. So a `HandshakeRecord` keeps the beginning of what came and cuts off
a response that does not end; `explain` makes a failure and a line for the log of it.
"""

from __future__ import annotations

import asyncio
import errno
import io
import os
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from types import ModuleType
from urllib.parse import urlsplit

from device.conversation.openai.messages import errors
from device.conversation.openai.messages.errorshapes import error_in_body, is_page
from device.conversation.openai.settings import OpenAI
from device.core.events import Failure

_URL = "conversation.openai.url"

# A refusal gives its reason at the beginning; only the page of a network that wants a login is longer.
_MOST_BYTES = 16_384

# How long the rest of a refusal is waited for once it has begun.
_LONGEST_ANSWER_S = 1.0

_ACCEPTED = b"HTTP/1.1 101"

# A TLS record that holds an alert (RFC 8446, section 5.1): how a TLS server answers plain HTTP.
_TLS_ALERT = b"\x15\x03"

# Errors of a machine that has no more files or memory.
_OUT_OF = (errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS)

# OpenSSL's X509_V_ERR_*: not yet valid, has expired; another host's name, another's address.
_WRONG_TIME = (9, 10)
_WRONG_NAME = (62, 64)

_WITHOUT_TLS = "a server of your own without TLS is reached with ws://; else this network may want a login"


class Stage(Enum):
    """How far the opening came."""

    RESOLVING = "resolving"
    CONNECTING = "connecting"
    PROXY = "proxy"
    """A proxy is to connect for us."""
    TLS = "tls"
    """There is a connection, and TLS is being agreed on."""
    CONNECTED = "connected"
    """Only the handshake is missing."""


class HandshakeRecord:
    """What is known of an opening handshake: how far it came, and the beginning of a response that refuses it."""

    def __init__(self) -> None:
        self.stage = Stage.RESOLVING
        self._heard = bytearray()
        self._accepted = False
        self._impatient = False

    @property
    def heard(self) -> bytes:
        """The beginning of the response; of one that accepts, at least the beginning of its first line."""
        return bytes(self._heard)

    def data_received(self, data: bytes, transport: asyncio.Transport) -> None:
        """Keep what came; cut the connection when enough of a refusal has come, or its rest takes too long."""
        if self._accepted:
            return
        self._heard += data[: _MOST_BYTES - len(self._heard)]
        self._accepted = self._heard.startswith(_ACCEPTED)
        if self._accepted or len(self._heard) < len(_ACCEPTED):
            return
        if len(self._heard) >= _MOST_BYTES:
            transport.abort()
        elif not self._impatient:
            self._impatient = True
            asyncio.get_running_loop().call_later(_LONGEST_ANSWER_S, transport.abort)


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """A response that was read from the beginning of a connection."""

    status: int
    reason: str
    location: str
    body: bytes

    @property
    def is_page(self) -> bool:
        """Whether it is meant for a person with a browser."""
        return is_page(self.body.decode(errors="replace"))


class _Heard:
    """Stands for the socket from which `http.client` reads a response."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def makefile(self, mode: str) -> io.BytesIO:
        """Return all of it."""
        return io.BytesIO(self._data)


def read_http_response(heard: bytes) -> HttpResponse | None:
    """Return the HTTP response that begins so, as much of it as there is; None when it is not HTTP."""
    # Loaded with the library, at the first session and not at the start of the program.
    from http.client import HTTPException, HTTPResponse, IncompleteRead

    response = HTTPResponse(_Heard(heard))  # type: ignore[arg-type]
    try:
        response.begin()
        body = response.read()
    except IncompleteRead as cut:
        body = cut.partial
    except (HTTPException, ValueError):
        return None
    return HttpResponse(response.status, response.reason, response.headers.get("Location", ""), body)


def explain(
    error: Exception, seen: HandshakeRecord, settings: OpenAI, exceptions: ModuleType, mask: Callable[[str], str]
) -> tuple[Failure, str]:
    """Return the failure that the person is told, and a line for the log that says what to do."""
    return _Opening(seen, settings, exceptions, mask).explain(error)


class _Opening:
    def __init__(
        self, seen: HandshakeRecord, settings: OpenAI, exceptions: ModuleType, mask: Callable[[str], str]
    ) -> None:
        url = urlsplit(settings.url)
        self._host = url.hostname or ""
        self._secure = url.scheme == "wss"
        self._seen = seen
        self._settings = settings
        self._exceptions = exceptions
        self._mask = mask

    def explain(self, error: Exception) -> tuple[Failure, str]:
        answer = read_http_response(self._seen.heard)
        if answer is not None and answer.status != 101:
            return self._answered(answer)
        if isinstance(error, TimeoutError):
            return self._timed_out()
        if isinstance(error, socket.gaierror):
            return self._told(Failure.UNREACHABLE, f"the name {self._host} cannot be resolved")
        if isinstance(error, ssl.SSLError):
            return self._without_trust(error)
        proxy = self._exceptions.InvalidProxy, self._exceptions.ProxyError, ImportError
        if isinstance(error, proxy) or self._seen.stage is Stage.PROXY:
            return self._stopped_by_proxy(error)
        if self._seen.stage is Stage.TLS:
            return Failure.INSECURE, f"{self._host} cut the connection when it was to speak TLS; {_WITHOUT_TLS}"
        if self._seen.stage is Stage.CONNECTED:
            return self._answered_wrongly(error)
        if isinstance(error, OSError) and error.errno in _OUT_OF:
            why = f"no connection can be opened: {self._said(error)}"
            return Failure.INTERNAL, f"{why}; too much is open or running on this machine"
        return self._told(Failure.UNREACHABLE, f"cannot connect to {self._host}: {self._said(error)}")

    def _told(self, failure: Failure, message: str) -> tuple[Failure, str]:
        return failure, errors.with_advice(failure, message, self._settings)

    def _said(self, error: Exception) -> str:
        # asyncio puts the address into the text of an OSError, so the text of its number is used.
        said = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else str(error)
        return errors.tidy(said or type(error).__name__, self._mask)

    # -- an HTTP response

    def _answered(self, answer: HttpResponse) -> tuple[Failure, str]:
        if 300 <= answer.status < 400:
            to = f" to {self._place(answer.location)}" if answer.location else ""
            what = f"redirects{to} (HTTP {answer.status}), where the key is not sent"
            return self._web_page(what)
        error = error_in_body(answer.body)
        said = errors.describe(error, self._mask) if error else errors.tidy(answer.reason, self._mask)
        what = f"HTTP {answer.status}" + (f" ({said})" if said else "")
        if answer.status == 511 or (answer.status < 300 and answer.is_page):
            return self._web_page(f"answers with a web page: {what}")
        failure = errors.failure_of_refusal(answer.status, error)
        return self._told(failure, f"{self._host} refused the session with {what}")

    def _web_page(self, what: str) -> tuple[Failure, str]:
        message = f"{self._host} {what}"
        # With a valid certificate the page comes from the host itself, not from a login page.
        return (Failure.WEB_PAGE, f"{message}; check {_URL}") if self._secure else self._told(Failure.WEB_PAGE, message)

    def _place(self, location: str) -> str:
        """Return where a redirect leads, without a query, in which there may be a secret."""
        return errors.tidy(location.partition("?")[0].partition("#")[0].rpartition("@")[2], self._mask)

    # -- no HTTP response

    def _timed_out(self) -> tuple[Failure, str]:
        within = f"within {self._settings.connect_timeout_s:g} s"
        failure, message = {
            Stage.RESOLVING: (Failure.UNREACHABLE, f"the name {self._host} was not resolved {within}"),
            Stage.CONNECTING: (Failure.UNREACHABLE, f"{self._host} did not answer {within}"),
            Stage.PROXY: (Failure.PROXY, f"the proxy did not connect to {self._host} {within}"),
        }.get(self._seen.stage, (Failure.SILENT, f"{self._host} took the connection and did not answer {within}"))
        return self._told(failure, message)

    def _without_trust(self, error: ssl.SSLError) -> tuple[Failure, str]:
        if not isinstance(error, ssl.SSLCertVerificationError):
            reason = errors.tidy((error.reason or "no reason given").replace("_", " ").lower(), self._mask)
            return Failure.INSECURE, f"{self._host} does not speak TLS as it should ({reason}); {_WITHOUT_TLS}"
        advice = "check this machine's clock; add a certificate of your own to the system's (update-ca-certificates)"
        if error.verify_code in _WRONG_TIME:
            advice = "check this machine's clock (timedatectl)"
        elif error.verify_code in _WRONG_NAME:
            advice = f"where this network wants a login, log in with a browser; else check {_URL}"
        reason = errors.tidy(error.verify_message, self._mask)
        return Failure.INSECURE, f"the certificate of {self._host} is not trusted ({reason}); {advice}"

    def _stopped_by_proxy(self, error: Exception) -> tuple[Failure, str]:
        # Its text may hold the proxy's password.
        reason = type(error).__name__
        if isinstance(error, self._exceptions.InvalidProxyStatus):
            reason = f"it answered with HTTP {error.response.status_code}"
        elif isinstance(error, OSError) and error.strerror:
            reason = error.strerror
        return self._told(Failure.PROXY, f"the proxy for {self._host} cannot be used ({reason})")

    def _answered_wrongly(self, error: Exception) -> tuple[Failure, str]:
        heard = self._seen.heard
        if heard.startswith(_ACCEPTED):
            return self._told(
                Failure.WRONG_ADDRESS, f"{self._host} answered the handshake wrongly: {self._said(error)}"
            )
        if heard.startswith(_TLS_ALERT):
            return Failure.WRONG_ADDRESS, f"{self._host} speaks TLS there; {_URL} must begin with wss://"
        if heard:
            said = errors.tidy(heard[:100].decode(errors="replace"), self._mask)
            return self._told(Failure.WRONG_ADDRESS, f'{self._host} answered with what is not HTTP: "{said}"')
        hint = "" if self._secure else f"; if it wants TLS, {_URL} must begin with wss://"
        return Failure.SILENT, f"{self._host} closed the connection without an answer{hint}"
