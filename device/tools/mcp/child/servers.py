"""All servers, and the calls that are under way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from device.tools.mcp import wire
from device.tools.mcp.child.connection import Connection


class Servers:
    """A connection to each."""

    def __init__(self, begin: wire.Begin, tell: Callable[[wire.ToHouse], None]) -> None:
        """Begin to connect. `tell` hands a message to the house."""
        self._tell = tell
        self._connections = {endpoint.name: Connection(endpoint, tell, begin) for endpoint in begin.servers}
        self._running = [asyncio.create_task(connection.run()) for connection in self._connections.values()]
        self._calls: dict[int, asyncio.Task[None]] = {}

    def call(self, call: wire.Call) -> None:
        """Make a call; the house is told what comes of it."""
        task = self._calls[call.number] = asyncio.create_task(self._call(call))
        task.add_done_callback(lambda _: self._calls.pop(call.number, None))

    def cancel(self, number: int) -> None:
        """Give a call up."""
        if task := self._calls.get(number):
            task.cancel()

    async def aclose(self, within_s: float) -> None:
        """Let all servers go."""
        tasks = {*self._running, *self._calls.values()}
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks, timeout=within_s)

    async def _call(self, call: wire.Call) -> None:
        self._tell(await self._connections[call.server].call(call))
