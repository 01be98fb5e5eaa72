"""The WebSocket under a session: the only file that imports `websockets`, and where its exceptions end.

The library and the TLS context are loaded at the first use, in a thread: together 35 ms on a desktop and several times
that on a Pi, which neither the start of the program nor the event loop should wait for.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from types import ModuleType
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

from device.conversation.openai import refusal
from device.conversation.openai.address import endpoint
from device.conversation.openai.messages import errors
from device.conversation.openai.refusal import HandshakeRecord, Stage
from device.conversation.openai.settings import OpenAI
from device.conversation.openai.wire import PingDeadline, Wire
from device.core.events import Failure
from device.errors import ConfigError, ConversationError
from device.kit import dial
from device.kit.addresses import is_loopback
from device.kit.threads import Threads
from device.secrets import Secret

# What websockets itself uses; a missed pong is noticed within 40 s.
_PING_S = 20

# Messages that may wait for the reader. The library's default of 16 would be 32 MB when all are of the largest size.
_LONGEST_QUEUE = 4

# Lookups that may hang at the same time before another has to wait.
_LOOKUPS = 3

# How often to look whether an answer has come.
_LOOK_S = 0.1

# A closing handshake that takes longer is not waited for.
_CLOSE_S = 0.5

_SET = "conversation.openai"


class LinkError(ConversationError):
    """No connection could be made, or it was lost."""

    def __init__(self, failure: Failure, message: str) -> None:
        super().__init__(message)
        self.failure = failure


@dataclass(frozen=True, slots=True)
class Library:
    """What takes long to load."""

    connect: Any
    connection: Any
    exceptions: ModuleType
    get_proxy: Callable[[str], str | None]
    tls: ssl.SSLContext


@cache
def _load() -> Library:
    import websockets.asyncio.client
    import websockets.exceptions
    import websockets.proxy
    import websockets.uri

    dial.load()

    class Connect(websockets.asyncio.client.connect):
        """Follows no redirect: the key would be sent to another server."""

        def process_redirect(self, exc: Exception) -> Exception:
            return exc

    class Connection(websockets.asyncio.client.ClientConnection):
        """Keeps a record of the opening handshake."""

        def __init__(self, seen: HandshakeRecord, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self._seen = seen

        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self._seen.stage = Stage.CONNECTED
            super().connection_made(transport)

        def data_received(self, data: bytes) -> None:
            self._seen.data_received(data, self.transport)
            super().data_received(data)

    return Library(
        connect=Connect,
        connection=Connection,
        exceptions=websockets.exceptions,
        get_proxy=lambda url: websockets.proxy.get_proxy(websockets.uri.parse_uri(url)),
        tls=ssl.create_default_context(),
    )


@cache
def _threads() -> Threads:
    """Return the threads, started once, that look up names (which can hang for minutes) and load large libraries."""
    return Threads("link", _LOOKUPS)


def start_threads() -> None:
    """Start the threads before there is a session: see device.kit.threads."""
    _threads()


def prepare() -> None:
    """Load in the background what the first connection needs."""
    _threads().post(_load)


def host_of(url: str) -> str:
    """Return the host that a URL names. Raise ConfigError when the URL cannot be connected to."""
    host = endpoint(url).host
    if urlsplit(url).username is not None:
        raise ConfigError(f"{_SET}.url must not hold a name or password; the key has its own place")
    return host


def session_url(settings: OpenAI) -> str:
    """Return the configured URL with the model in its query, unless one stands there already."""
    parts = urlsplit(settings.url)
    named = any(piece.partition("=")[0] in ("model", "deployment") for piece in parts.query.split("&"))
    if named or not settings.model:
        return settings.url
    query = f"{parts.query}&" if parts.query else ""
    return urlunsplit(parts._replace(query=f"{query}model={quote(settings.model, safe='')}", fragment=""))


def auth_headers(settings: OpenAI, key: Secret) -> dict[str, str]:
    """Return the header that carries the key."""
    if settings.auth_header == "api-key":
        return {"api-key": key.reveal()}
    return {"Authorization": f"Bearer {key.reveal()}"}


class Link:
    """An open connection."""

    def __init__(self, connection: Any, library: Library, settings: OpenAI, mask: Callable[[str], str]) -> None:
        self._connection = connection
        self._library = library
        self._settings = settings
        self._host = host_of(settings.url)
        self._mask = mask
        self._wire = Wire(connection.transport)
        self._wire.reset_on_close(True)
        self._heard = 0
        """How many messages have come."""
        self.ready = False
        """Whether the session was in use; decides what a close means."""

    @classmethod
    async def open(cls, settings: OpenAI, key: Secret) -> Link:
        """Connect and shake hands, within the configured time. Raise LinkError."""
        library = await _threads().call(_load)
        seen = HandshakeRecord()
        try:
            async with asyncio.timeout(settings.connect_timeout_s):
                connection = await _connect(library, settings, key, seen)
        except LinkError:
            raise
        except Exception as error:  # noqa: BLE001 - the adapter's boundary: whatever is raised becomes a LinkError
            raise LinkError(*refusal.explain(error, seen, settings, library.exceptions, key.mask)) from None
        return cls(connection, library, settings, key.mask)

    async def receive(self) -> str | bytes:
        """Return the next message: text as str, binary as bytes. Raise LinkError when there will be none."""
        try:
            message: str | bytes = await self._connection.recv()
        except self._library.exceptions.ConnectionClosed as error:
            raise self._end(error) from None
        except UnicodeDecodeError:
            raise LinkError(Failure.PROTOCOL, f"{self._host} sent text that is not UTF-8") from None
        self._heard += 1
        return message

    async def check(self, within_s: float) -> None:
        """Send a ping and wait for its pong, or for any message. Raise LinkError when none comes.

        `within_s` counts from when the server's kernel has received the ping, which follows the sound sent before. A
        network on which nothing arrives for some seconds is dead.
        """
        heard = self._heard
        ping = asyncio.create_task(self._ping(), name="realtime ping")
        try:
            deadline = PingDeadline(self._wire, within_s)
            while not ping.done() and self._heard == heard:
                deadline.check()
                await asyncio.wait({ping}, timeout=_LOOK_S)
        except TimeoutError as silence:
            raise LinkError(Failure.DROPPED, f"{self._host} {silence}: the connection is dead") from None
        finally:
            ping.cancel()

    async def _ping(self) -> None:
        # The reader reports a connection that ends meanwhile.
        with contextlib.suppress(self._library.exceptions.ConnectionClosed):
            await (await self._connection.ping())

    async def send(self, message: bytes) -> None:
        """Send UTF-8 as a text frame, waiting when the network is slow. Raise LinkError when it is gone."""
        try:
            await self._connection.send(message, text=True)
        except self._library.exceptions.ConnectionClosed as error:
            raise self._end(error) from None

    async def close(self) -> None:
        """Close with a handshake, waiting at most half a second for the server; cut when that is interrupted.

        No handshake while sound is unsent: that would be sent before it, and is to stay here.
        """
        try:
            if not self._wire.holds_unsent():
                self._wire.reset_on_close(False)
                await self._connection.close()
        finally:
            self.cut()

    def cut_unless_sent(self) -> None:
        """Cut now when something is unsent."""
        if self._wire.holds_unsent():
            self.cut()

    def cut(self) -> None:
        """Reset the connection: what has been written and has not arrived is thrown away, here and in the kernel."""
        self._wire.cut()

    def _end(self, error: Any) -> LinkError:
        # 1006 means "no close frame". A close frame of our own says why when the server broke the protocol.
        close = error.sent if error.sent and not error.rcvd_then_sent else error.rcvd
        code, reason = (close.code, close.reason) if close else (1006, "")
        failure = errors.failure_of_close(code, reason, self.ready)
        if not close:
            return LinkError(failure, f"the connection to {self._host} was lost")
        said = errors.tidy(reason, self._mask) or "no reason given"
        message = f"the session with {self._host} was closed: {said} (code {code})"
        return LinkError(failure, errors.with_advice(failure, message, self._settings))


# -- connecting


async def _connect(library: Library, settings: OpenAI, key: Secret, seen: HandshakeRecord) -> Any:
    url = session_url(settings)
    parts = urlsplit(url)
    host, secure = host_of(url), parts.scheme == "wss"
    options: dict[str, Any] = {"ssl": library.tls} if secure else {}
    must_stay = not secure and not settings.allow_plain
    # Without encryption no proxy is used: it would see the key.
    proxy = None if must_stay or is_loopback(host) else library.get_proxy(url)
    if proxy is None:
        options["sock"] = await _dial(host, parts.port or (443 if secure else 80), must_stay, seen)
    seen.stage = Stage.PROXY if proxy else Stage.TLS if secure else Stage.CONNECTED
    return await library.connect(
        url,
        create_connection=partial(library.connection, seen),
        additional_headers=auth_headers(settings, key),
        compression=None,
        max_size=settings.max_message_bytes,
        max_queue=_LONGEST_QUEUE,
        open_timeout=None,
        ping_interval=_PING_S,
        ping_timeout=_PING_S,
        close_timeout=_CLOSE_S,
        proxy=proxy,
        logger=_quiet_logger(),
        **options,
    )


def _quiet_logger() -> logging.Logger:
    """Return a logger without the library's debug lines, which hold the key and the audio."""
    logger = logging.getLogger(f"{__name__}.websockets")
    logger.setLevel(logging.INFO)
    return logger


async def _dial(host: str, port: int, must_stay: bool, seen: HandshakeRecord) -> socket.socket:
    """Return a socket connected to a host; with `must_stay`, only in the house. Raise LinkError or OSError."""
    found = await dial.resolve(_threads(), host, port)
    addresses = dial.at_home(host, found) if must_stay else found
    if not addresses:
        raise LinkError(
            Failure.PLAIN,
            f"{host} is not in your own network ({found[0][4][0]}), and {_SET}.url is not encrypted: the key stays "
            f"here; use wss://, or set {_SET}.allow_plain = true if that is meant",
        )
    seen.stage = Stage.CONNECTING
    return await dial.connect(addresses)
