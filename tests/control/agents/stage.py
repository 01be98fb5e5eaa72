"""The MCP server in a process of its own, in front of a house that does as it is told."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from mcp import Client, StdioServerParameters

from device.control.desk import Outside
from tests.control.house import FakeHouse
from tests.ports import free_port
from tests.waiting import LIMIT_S

COMMAND = Path(sys.executable).with_name("hearthside")
TOKEN = "4ab4f3a8c2d94f7b8e15d3f6a7b9c0de"

Mode = Literal["auto", "legacy"]
"""The new protocol, and the old one with its handshake."""


class AgentHouse(FakeHouse):
    """Tells as much of itself as a real one."""

    @property
    def outside(self) -> Outside:
        """See FakeHouse."""
        return replace(super().outside, status=self._status)

    def _status(self) -> dict[str, Any]:
        return {
            **dict.fromkeys(("ringing", "announcing", "confirming"), False),
            "state": "muted" if self.muted else "listening",
            "muted": self.muted,
            "why": "",
            "what_to_do": "",
            "phase": "idle",
            "version": "1.2.3",
            "pid": 4711,
            "provider": "somebody",
        }

    async def table(self) -> list[dict[str, Any]]:
        """Timers."""
        timer = {"id": 1, "kind": "timer", "label": "pasta", "name": "pasta timer", "state": "waiting"}
        return [{**timer, "when": "in 4 minutes", "due": 1795930000.0, "left_s": 240.0, "weekdays": []}]


@dataclass
class Server:
    """`hearthside mcp serve`, and what it has logged."""

    process: asyncio.subprocess.Process
    port: int
    lines: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Where it serves."""
        return f"http://127.0.0.1:{self.port}/mcp"

    @property
    def log(self) -> str:
        """Standard error so far."""
        return "".join(self.lines)

    async def read_until(self, text: str) -> None:
        """Read the log up to a line with this text."""
        assert self.process.stderr is not None
        async with asyncio.timeout(LIMIT_S):
            while text not in self.log:
                line = await self.process.stderr.readline()
                assert line, f"ended without “{text}”:\n{self.log}"
                self.lines.append(line.decode())

    async def end(self) -> int:
        """Tell it to stop; return its exit code."""
        self.process.terminate()
        assert self.process.stderr is not None
        self.lines.append((await asyncio.wait_for(self.process.stderr.read(), LIMIT_S)).decode())
        return await asyncio.wait_for(self.process.wait(), LIMIT_S)


def environment(folder: Path, token: str | None = None) -> dict[str, str]:
    """Return one in which the house's socket is found."""
    return {**os.environ, "RUNTIME_DIRECTORY": str(folder), **({"MCP_SERVER_TOKEN": token} if token else {})}


def overrides(*settings: str) -> list[str]:
    """Return arguments of the command."""
    return [argument for setting in settings for argument in ("--set", setting)]


async def started(folder: Path, *settings: str, token: str | None = None) -> Server:
    """Start `hearthside mcp serve`; it may not be ready, or have refused."""
    port = free_port()
    arguments = ["mcp", "serve", *overrides(f"mcp_server.port={port}", *settings)]
    process = await asyncio.create_subprocess_exec(
        COMMAND, *arguments, stderr=asyncio.subprocess.PIPE, env=environment(folder, token)
    )
    return Server(process, port)


@asynccontextmanager
async def web(folder: Path, *settings: str, token: str | None = None) -> AsyncIterator[Server]:
    """Serve over HTTP."""
    server = await started(folder, *settings, token=token)
    try:
        await server.read_until("ready: ")
        yield server
    finally:
        if server.process.returncode is None:
            server.process.kill()
            await server.process.wait()


def stdio(folder: Path, *settings: str) -> StdioServerParameters:
    """Return how an agent starts it."""
    return StdioServerParameters(
        command=str(COMMAND), args=["mcp", *overrides(*settings)], env=environment(folder), cwd=None
    )


Reach = Callable[[Path, Mode], Any]
"""Returns a context of a client that has reached the server."""


@asynccontextmanager
async def over_stdio(folder: Path, mode: Mode) -> AsyncIterator[Client]:
    """Started by the client."""
    async with Client(stdio(folder), mode=mode) as client:
        yield client


@asynccontextmanager
async def over_http(folder: Path, mode: Mode) -> AsyncIterator[Client]:
    """Called by the client."""
    async with web(folder) as server, Client(server.url, mode=mode) as client:
        yield client


def text_of(result: Any) -> str:
    """Return what a tool said."""
    (part,) = result.content
    text: str = part.text
    return text
