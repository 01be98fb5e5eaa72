"""A small WebSocket server that does what a test tells it; every event it is sent is checked."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from tests.conversation.openai_types import check_client_event

Script = Callable[["Peer"], Awaitable[None]]


class Peer:
    """The server's end of one connection."""

    def __init__(self, connection: ServerConnection) -> None:
        self.connection = connection
        self.received: list[dict[str, Any]] = []

    @property
    def path(self) -> str:
        """What was asked for: path and query."""
        assert self.connection.request is not None
        return self.connection.request.path

    async def say(self, kind: str, **fields: Any) -> None:
        """Send an event."""
        await self.connection.send(json.dumps({"type": kind, "event_id": "event_1", **fields}))

    async def hear(self) -> dict[str, Any]:
        """Return the next event."""
        event = check_client_event(json.loads(await self.connection.recv()))
        self.received.append(event)
        return event

    async def hear_until(self, kind: str) -> dict[str, Any]:
        """Return the next event of a kind, having noted those before it."""
        while (event := await self.hear())["type"] != kind:
            pass
        return event

    async def accept(self) -> dict[str, Any]:
        """Go through the opening; return the configuration."""
        await self.say("session.created", session={"type": "realtime", "expires_at": 2_000_000_000})
        update = await self.hear()
        await self.say("session.updated", session={"type": "realtime"})
        session: dict[str, Any] = update["session"]
        return session

    async def listen(self) -> None:
        """Note events until the connection ends."""
        while True:
            await self.hear()

    def reset(self) -> None:
        """Cut the connection without a word."""
        self.connection.transport.abort()


class ScriptedServer:
    """Counts its connections, and says where it listens."""

    def __init__(self) -> None:
        self.url = ""
        self.peers: list[Peer] = []
        self.errors: list[BaseException] = []
        self.headers: list[dict[str, str]] = []


@asynccontextmanager
async def scripted_server(script: Script, status: HTTPStatus | None = None) -> AsyncIterator[ScriptedServer]:
    """Run `script` for every connection; with `status`, refuse them all."""
    server = ScriptedServer()

    async def handle(connection: ServerConnection) -> None:
        peer = Peer(connection)
        server.peers.append(peer)
        try:
            await script(peer)
        except ConnectionClosed:
            pass
        except (ValueError, AssertionError) as error:
            server.errors.append(error)

    def refuse(connection: ServerConnection, request: Request) -> Response | None:
        server.headers.append({name.lower(): value for name, value in request.headers.raw_items()})
        headers = {"Location": "ws://127.0.0.1:9/"} if status is HTTPStatus.FOUND else {}
        if status is None:
            return None
        response = connection.respond(status, "")
        for name, value in headers.items():
            response.headers[name] = value
        return response

    async with serve(handle, "127.0.0.1", 0, process_request=refuse, max_size=None, compression=None) as listener:
        port = next(iter(listener.sockets)).getsockname()[1]
        server.url = f"ws://127.0.0.1:{port}/v1/realtime"
        yield server
    assert server.errors == []
