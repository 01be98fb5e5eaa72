"""One connection to Home Assistant, a WebSocket: commands and their answers, and events. The only file here with I/O.

Not hass-client: it needs aiohttp, and the two take 11 MB when they are imported, more than all that is kept of a house
of 2,000 things; the daemon has a WebSocket library already. The protocol is in Home Assistant's developer
documentation, "WebSocket API".
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import urlsplit

import msgspec

from device.errors import HearthsideError
from device.kit import dial
from device.kit.outsiders import LONGEST_SENTENCE, one_line
from device.kit.threads import Threads
from device.secrets import Secret
from device.tools.homeassistant.address import socket_url
from device.tools.homeassistant.messages import Error, Message

ANSWER_LIMIT_S = 8.0
"""What a command may take: a slow radio's light answers within this."""
CONNECT_LIMIT_S = 10.0
REFUSED_PAUSE_S = 300.0
"""After a token that was refused: Home Assistant bans an address that goes on trying."""
_LARGEST_MESSAGE = 32 * 1024 * 1024
_PING_S = 15.0
_CLOSE_S = 0.5

CHECK = "check the network, and tools.home_assistant.url; it is tried again by itself"
_TOKEN = "make a new token there (profile, Security), and give it with `hearthside setup` or as home_assistant_token"
_LOST = "the connection was lost"

Result = TypeVar("Result")
Listener = Callable[[msgspec.Raw], None]


class LinkError(HearthsideError):
    """Home Assistant cannot be reached, or does not let this device in."""

    def __init__(self, message: str, advice: str = CHECK, pause_s: float = 0.0) -> None:
        super().__init__(message)
        self.advice = advice
        self.pause_s = pause_s


class CommandError(HearthsideError):
    """Home Assistant did not do what it was asked."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Connection:
    """Open; `read` must run for as long as it is used."""

    def __init__(self, socket: Any) -> None:
        self._socket = socket
        self._number = 0
        self._waiting: dict[int, asyncio.Future[Message]] = {}
        self._listening: dict[int, Listener] = {}

    async def read(self) -> None:
        """Take in what is told; ends only by raising LinkError."""
        import websockets.exceptions

        try:
            while True:
                self._take(decoded(await self._socket.recv(decode=False), Message))
        except websockets.exceptions.ConnectionClosedOK:
            raise LinkError("Home Assistant has closed the connection") from None
        except (OSError, websockets.exceptions.WebSocketException) as error:
            raise LinkError(f"{_LOST}: {_cause(error)}") from error
        finally:
            self._fail_waiting()

    async def command(self, result: type[Result], kind: str, **more: Any) -> Result:
        """Send a command; return its result. Raise CommandError, LinkError or TimeoutError."""
        self._number += 1
        return decoded(await self._exchange(self._number, {"type": kind, **more}), result)

    async def subscribe(self, kind: str, listener: Listener, **more: Any) -> int:
        """Have events told; return the number of the subscription. Raise as `command` does."""
        self._number += 1
        number = self._number
        self._listening[number] = listener
        await self._exchange(number, {"type": kind, **more})
        return number

    async def unsubscribe(self, number: int) -> None:
        """Have them told no longer. Raise as `command` does."""
        self._listening.pop(number, None)
        await self.command(msgspec.Raw, "unsubscribe_events", subscription=number)

    async def close(self) -> None:
        """Hang up."""
        with contextlib.suppress(OSError, TimeoutError):
            await self._socket.close()

    async def _exchange(self, number: int, command: dict[str, Any]) -> msgspec.Raw:
        import websockets.exceptions

        answer = self._waiting[number] = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(ANSWER_LIMIT_S):
                await self._socket.send(msgspec.json.encode({"id": number, **command}), text=True)
                told: Message = await answer
        except TimeoutError:
            # An OSError, too.
            raise
        except (OSError, websockets.exceptions.WebSocketException) as error:
            raise LinkError(_LOST) from error
        finally:
            del self._waiting[number]
        if not told.success:
            why = told.error or Error()
            raise CommandError(str(why.code), one_line(why.message or "without a reason", LONGEST_SENTENCE))
        return told.result

    def _take(self, message: Message) -> None:
        if message.id is None:
            return
        if message.type == "event":
            if (listener := self._listening.get(message.id)) is not None:
                listener(message.event)
        elif (answer := self._waiting.get(message.id)) is not None and not answer.done():
            answer.set_result(message)

    def _fail_waiting(self) -> None:
        self._listening.clear()
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(LinkError(_LOST))


async def connect(url: str, token: Secret, threads: Threads) -> Connection:
    """Connect to the Home Assistant whose page is at `url`, and log in. Raise LinkError."""
    import websockets.asyncio.client
    import websockets.exceptions

    address = socket_url(url)
    host = urlsplit(address).hostname
    try:
        async with asyncio.timeout(CONNECT_LIMIT_S):
            socket = await websockets.asyncio.client.connect(
                address,
                compression=None,
                max_size=_LARGEST_MESSAGE,
                ping_interval=_PING_S,
                ping_timeout=_PING_S,
                open_timeout=None,
                close_timeout=_CLOSE_S,
                proxy=None,
                logger=_quiet_logger(),
                **await _way_there(address, threads),
            )
            await _log_in(socket, token)
    except TimeoutError:
        raise LinkError(f"{host} does not answer") from None
    except (OSError, websockets.exceptions.WebSocketException) as error:
        raise LinkError(f"{host} cannot be reached: {_cause(error)}") from error
    return Connection(socket)


async def _way_there(address: str, threads: Threads) -> dict[str, Any]:
    """Return the options of the connection: a socket, looked up in a thread, and TLS where it is wanted."""
    parts = urlsplit(address)
    secure = parts.scheme == "wss"
    host = parts.hostname or ""
    try:
        reached = await dial.reach(threads, host, parts.port or (443 if secure else 80), must_stay=not secure)
    except dial.OutsideError as error:
        raise LinkError(f"{error}, and the token would go there unencrypted; use https://") from None
    options: dict[str, Any] = {"sock": reached}
    if secure:
        options["ssl"] = await threads.call(ssl.create_default_context)
    return options


async def _log_in(socket: Any, token: Secret) -> None:
    await socket.recv()
    await socket.send(msgspec.json.encode({"type": "auth", "access_token": token.reveal()}), text=True)
    answer = decoded(await socket.recv(decode=False), Message)
    if answer.type != "auth_ok":
        await socket.close()
        raise LinkError("Home Assistant refuses this device's token", _TOKEN, REFUSED_PAUSE_S)


def decoded(message: bytes | msgspec.Raw, wanted: type[Result]) -> Result:
    """Understand a message or a part of one. Raise LinkError."""
    try:
        return msgspec.json.decode(message, type=wanted)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise LinkError("what answers there is not Home Assistant, or one that is not understood") from error


def _cause(error: Exception) -> str:
    """Return why, without what the library quotes of a message."""
    return error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__


def _quiet_logger() -> logging.Logger:
    """Return a logger without the library's debug lines, which hold the token."""
    logger = logging.getLogger(f"{__name__}.websockets")
    logger.setLevel(logging.INFO)
    return logger
