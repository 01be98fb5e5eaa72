"""A bridge to real servers in processes of their own."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

from device.secrets import Secret
from device.tools.mcp.bridge import CHILD, Bridge, Patience
from device.tools.mcp.settings import Server
from tests.ports import free_port
from tests.waiting import until

SERVERS = Path(__file__).parent / "servers"
QUICK = Patience(ping_s=0.05, pong_s=2.0, answer_s=1.0, pauses=0.05)
"""What hangs is noticed within seconds; nothing else is asked sooner than by default."""


def notes(folder: Path, *options: str, **settings: Any) -> Server:
    """Return the settings of the server of notes, as a program."""
    return Server(command=(sys.executable, str(SERVERS / "notes.py"), str(folder), *options), **settings)


def ancient(folder: Path, **settings: Any) -> Server:
    """Return the settings of the server of 2024."""
    return Server(command=(sys.executable, str(SERVERS / "ancient.py"), str(folder)), **settings)


def is_well(bridge: Bridge) -> bool:
    """Say whether all servers are connected."""
    return len(bridge.connected) == len(bridge.health())


@contextlib.asynccontextmanager
async def bridged(
    servers: Mapping[str, Server],
    tokens: Mapping[str, Secret] | None = None,
    patience: Patience = QUICK,
    wait: bool = True,
    command: tuple[str, ...] = CHILD,
) -> AsyncIterator[Bridge]:
    """Run a bridge; with `wait`, until all servers are connected."""
    bridge = Bridge(servers, tokens or {}, patience, command)
    running = asyncio.create_task(bridge.run())
    try:
        if wait:
            # Two processes start, one after the other, each of which takes seconds to load what it needs.
            await until(lambda: is_well(bridge) or running.done(), "a connection to every server", 60.0)
        yield bridge
    finally:
        await bridge.aclose()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        assert running.cancelled(), running.exception()


async def use(bridge: Bridge, tool: str, **arguments: Any) -> str:
    """Call a tool as a model does."""
    return await next(one for one in bridge.tools() if one.name == tool).run(arguments)


def names(bridge: Bridge) -> list[str]:
    """Return what the tools are called."""
    return [tool.name for tool in bridge.tools()]


def children(pid: int) -> list[int]:
    """Return the processes that a process has started; none when it has ended."""
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii")
    except (FileNotFoundError, ProcessLookupError):
        return []
    return [int(child) for child in text.split()]


def is_running(pid: int) -> bool:
    """Say whether there is a process, and not only what is left of one."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in "ZX"


@contextlib.asynccontextmanager
async def http_notes(folder: Path, *options: str, port: int = 0) -> AsyncIterator[str]:
    """Run the server of notes on a port; give its URL."""
    port = port or free_port()
    command = (sys.executable, str(SERVERS / "notes.py"), str(folder), "--port", str(port), *options)
    process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.DEVNULL, env=dict(os.environ))
    try:
        yield f"http://127.0.0.1:{port}/mcp"
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
