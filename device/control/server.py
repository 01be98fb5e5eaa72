"""Serves the control socket: lines in, lines out. Nobody on it can keep the house waiting."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from device.control import messages, rights
from device.control.messages import LONGEST_LINE, AnyRequest, Ask, BadRequestError, Subscribe
from device.control.socketfile import SocketFile
from device.errors import HearthsideError, where

log = logging.getLogger(__name__)

MOST_CLIENTS = 16
LONGEST_UNREAD = 65_536
"""How many bytes may wait for a client. Who does not read is let go."""
READ_LIMIT_S = 5.0
"""How long an answer may wait to be read."""

Do = Callable[[AnyRequest], Awaitable[dict[str, Any]]]
"""Does what is asked and returns the result. Raise HearthsideError with what to tell."""


class ControlServer:
    """Listens at a socket file, and does what may be asked there. All of it belongs to the event loop's thread."""

    def __init__(self, file: SocketFile, do: Do) -> None:
        self._file = file
        self._do = do
        self._clients: dict[_Client, None] = {}
        """Who was heard of last stands last."""
        self._subscribers: set[_Client] = set()
        self._server: asyncio.Server | None = None

    @property
    def has_subscribers(self) -> bool:
        """Whether anybody wants to be told of events."""
        return bool(self._subscribers)

    async def start(self) -> None:
        """Begin to answer."""
        self._server = await asyncio.start_unix_server(self._welcome, sock=self._file.socket, limit=LONGEST_LINE)
        log.info("control socket of %ss: %s", self._file.right.value, self._file.path)

    async def close(self) -> None:
        """Answer no more."""
        for client in tuple(self._clients):
            self._let_go(client)
        if self._server is not None:
            self._server.close()

    def publish(self, name: str, facts: dict[str, Any]) -> None:
        """Tell all subscribers of an event. Never waits: who is too slow to read is let go."""
        if not self._subscribers:
            return
        line = messages.event(name, facts)
        for client in tuple(self._subscribers):
            if not client.tell(line):
                log.warning("control socket: a subscriber does not read its events; it is let go")
                self._let_go(client)

    async def _welcome(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._clients) >= MOST_CLIENTS:
            # Whoever keeps connections for nothing must not keep others from muting.
            log.warning("control socket: %d clients at once; the longest silent one is let go", MOST_CLIENTS)
            self._let_go(next(iter(self._clients)))
        client = _Client(reader, writer)
        self._clients[client] = None
        try:
            await self._converse(client)
        finally:
            self._let_go(client)

    async def _converse(self, client: _Client) -> None:
        while (line := await client.next_line()) is not None:
            # It moves to the end.
            self._clients.pop(client, None)
            self._clients[client] = None
            if not await client.answer(await self._answer(line, client)):
                return
            # Lines that have come already would be taken without a pause.
            await asyncio.sleep(0)

    async def _answer(self, line: bytes, client: _Client) -> bytes:
        try:
            request = messages.decode(line)
        except BadRequestError as error:
            return messages.refusal(messages.id_of(line), str(error))
        if reason := rights.refusal(self._file.right, request):
            return messages.refusal(request.id, reason)
        try:
            doing = self._do(request)
            # An answer that nobody waits for is not listened to.
            result = await (client.while_there(doing) if isinstance(request, Ask) else doing)
        except HearthsideError as error:
            return messages.refusal(request.id, str(error))
        except Exception as error:  # noqa: BLE001 - the boundary: a client must not be left without an answer
            log.error("control socket: %s: %s", type(request).__name__, where(error))
            return messages.refusal(request.id, "this failed; the log says more")
        if isinstance(request, Subscribe):
            self._subscribers.add(client)
        return messages.answer(request.id, result)

    def _let_go(self, client: _Client) -> None:
        self._clients.pop(client, None)
        self._subscribers.discard(client)
        client.drop()


class _Client:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._coming: asyncio.Task[bytes | None] | None = None
        """Waits for the next line already."""

    async def next_line(self) -> bytes | None:
        """Return it; None when there will be none any more."""
        coming, self._coming = self._coming, None
        return await (self._read_line() if coming is None else coming)

    async def while_there(self, work: Awaitable[dict[str, Any]]) -> dict[str, Any]:
        """Do it for as long as the client is there; once it has left, cancel it."""
        doing = asyncio.ensure_future(work)
        self._coming = coming = asyncio.create_task(self._read_line())
        try:
            await asyncio.wait({doing, coming}, return_when=asyncio.FIRST_COMPLETED)
            if not doing.done() and coming.result() is None:
                doing.cancel()
            return await doing
        finally:
            doing.cancel()

    async def _read_line(self) -> bytes | None:
        """Return it; None when there will be none any more."""
        try:
            return await self._reader.readuntil(b"\n")
        except asyncio.LimitOverrunError:
            await self.answer(messages.refusal(None, f"a line may have {LONGEST_LINE} bytes"))
        except (asyncio.IncompleteReadError, OSError):
            # It has left; half a line is none.
            pass
        return None

    async def answer(self, line: bytes) -> bool:
        """Send a line, and wait until it is almost read; tell whether it was."""
        try:
            self._writer.write(line)
            async with asyncio.timeout(READ_LIMIT_S):
                await self._writer.drain()
        except (OSError, TimeoutError):
            return False
        return True

    def tell(self, line: bytes) -> bool:
        """Send a line without waiting; tell whether there was room for it."""
        transport = self._writer.transport
        if transport.is_closing():
            # It has left; its own task is about to find out.
            return True
        if transport.get_write_buffer_size() + len(line) > LONGEST_UNREAD:
            return False
        transport.write(line)
        return True

    def drop(self) -> None:
        """Let it go at once."""
        self._writer.transport.abort()
