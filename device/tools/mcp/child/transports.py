"""The ways to a server: a program's pipes, or HTTP."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

import httpx2
from mcp import StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client

from device.errors import HearthsideError
from device.kit.addresses import is_home_address
from device.tools.mcp import wire
from device.tools.mcp.child import leash

CONNECT_LIMIT_S = 10.0
_READ_LIMIT_S = 320.0
"""A call may last longer than anything else; what is asked beside calls has limits of its own."""


class UnreachableError(HearthsideError):
    """There is no way to a server."""


@contextlib.asynccontextmanager
async def open_transport(endpoint: wire.Endpoint, note_status: Callable[[int], None]) -> AsyncIterator[tuple[Any, Any]]:
    """Open the way to a server: what it says, and where to write. Raise UnreachableError, or whatever httpx2 does.

    `note_status` is told the status of each answer over HTTP: the library keeps it to itself.
    """

    async def note(response: httpx2.Response) -> None:
        note_status(response.status_code)

    if endpoint.command:
        async with stdio_client(_program(endpoint), errlog=sys.stderr) as streams:
            yield streams
    else:
        url, headers = await _address(endpoint)
        # No environment: a proxy named there would see what is said at home.
        async with (
            httpx2.AsyncClient(
                headers=headers,
                timeout=httpx2.Timeout(_READ_LIMIT_S, connect=CONNECT_LIMIT_S),
                trust_env=False,
                event_hooks={"response": [note]},
            ) as http,
            streamable_http_client(url, http_client=http) as streams,
        ):
            yield streams


class Noticing:
    """A stream that tells when it has ended."""

    def __init__(self, stream: Any, on_end: Callable[[], None]) -> None:
        self._stream = stream
        self._on_end = on_end

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def __aiter__(self) -> Noticing:
        return self

    async def __anext__(self) -> Any:
        try:
            return await self._stream.__anext__()
        except Exception:
            self._on_end()
            raise

    async def receive(self) -> Any:
        """Return what the server says next."""
        try:
            return await self._stream.receive()
        except Exception:
            self._on_end()
            raise

    async def __aenter__(self) -> Noticing:
        await self._stream.__aenter__()
        return self

    async def __aexit__(self, *error: Any) -> Any:
        return await self._stream.__aexit__(*error)


def _program(endpoint: wire.Endpoint) -> StdioServerParameters:
    program = Path(endpoint.command[0])
    if not os.access(program, os.X_OK):
        raise UnreachableError(f"{program} {'may not be run by this user' if program.exists() else 'does not exist'}")
    token = {endpoint.token_variable: endpoint.token} if endpoint.token_variable else {}
    return StdioServerParameters(
        command=sys.executable,
        args=["-I", "-S", leash.__file__, str(os.getpid()), *endpoint.command],
        env={**endpoint.environment, **token},
    )


async def _address(endpoint: wire.Endpoint) -> tuple[str, dict[str, str]]:
    """Return the URL, and what goes with each request. What is not encrypted goes to an address at home only."""
    headers = {"Authorization": f"Bearer {endpoint.token}"} if endpoint.token else {}
    parts = urlsplit(endpoint.url)
    if parts.scheme == "https":
        return endpoint.url, headers
    host = parts.hostname or ""
    try:
        async with asyncio.timeout(CONNECT_LIMIT_S):
            loop = asyncio.get_running_loop()
            found = await loop.getaddrinfo(host, parts.port or 80, type=socket.SOCK_STREAM)
    except (OSError, TimeoutError):
        raise UnreachableError(f"there is nothing called {host}") from None
    # By the address, not by the name: another look-up could find another one.
    addresses = [str(address[0]) for *_, address in found if is_home_address(str(address[0]))]
    if not addresses:
        raise UnreachableError(f"{host} is not at home, and what is said would go there unencrypted; use https://")
    return _at(parts, addresses[0]), {**headers, "Host": parts.netloc}


def _at(parts: SplitResult, address: str) -> str:
    port = f":{parts.port}" if parts.port else ""
    return parts._replace(netloc=f"[{address}]{port}" if ":" in address else f"{address}{port}").geturl()
