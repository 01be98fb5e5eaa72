"""The MCP server on the network: a socket, uvicorn, the door, and behind it the server. The one file with uvicorn."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable, Iterator
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from device.control.agents.admission import Admission
from device.control.agents.calls import Calls
from device.control.agents.door import Door
from device.control.agents.server import http_app
from device.control.agents.settings import McpServer
from device.errors import HearthsideError
from device.kit import signals

LONGEST_HEAD = 16_384
MOST_CONNECTIONS = 64
HEAD_S = 10.0
"""How long the first request of a connection may take to begin."""
_BACKLOG = 64


async def serve(settings: McpServer, admission: Admission, calls: Calls, ready: Callable[[str], object]) -> None:
    """Serve until a signal says to stop; call `ready` with the address when it can be called. Raise HearthsideError."""
    server = _Server(settings, Door(http_app(calls), admission), ready)
    with signals.told(server.end):
        await server.serve([_listening(settings)])


def _listening(settings: McpServer) -> socket.socket:
    """Return a socket that others can reach. Raise HearthsideError."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server((settings.host, settings.port), family=family, backlog=_BACKLOG)
    except OSError as error:
        raise HearthsideError(
            f"cannot listen at {settings.host} port {settings.port} (mcp_server.host, port): {error.strerror}"
        ) from error


class _Server(uvicorn.Server):
    def __init__(self, settings: McpServer, app: Any, ready: Callable[[str], object]) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=_Impatient,
                ws="none",
                loop="none",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                h11_max_incomplete_event_size=LONGEST_HEAD,
                timeout_graceful_shutdown=1,
            )
        )
        self._at = f"{f'[{settings.host}]' if ':' in settings.host else settings.host}:{settings.port}"
        self._ready = ready

    def end(self) -> None:
        """Let those who are served now end."""
        self.should_exit = True

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave them to us."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Say so when it is done."""
        await super().startup(sockets)
        if not self.should_exit:
            self._ready(f"http://{self._at}/mcp")


class _Impatient(H11Protocol):
    """Ends a connection on which nobody asks for anything, and those that are too many."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """See asyncio.Protocol."""
        super().connection_made(transport)
        if len(self.connections) > MOST_CONNECTIONS:
            transport.abort()
        self._limit = self.loop.call_later(HEAD_S, self._end_if_silent)

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio.Protocol."""
        self._limit.cancel()
        super().connection_lost(exc)

    def _end_if_silent(self) -> None:
        if self.cycle is None:
            self.transport.abort()
