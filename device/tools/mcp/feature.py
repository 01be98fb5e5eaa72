"""Declares the tools of MCP servers to the house. Light: nothing is loaded where no server is named."""

from __future__ import annotations

import asyncio
import contextlib

from device.core.events import Way
from device.ports.feature import Feature, Fitted, Outside
from device.settings import Table
from device.tools.mcp import address
from device.tools.mcp.settings import Mcp


def _open(settings: Mcp, outside: Outside) -> Fitted:
    if not settings.servers:
        return Fitted()
    from device.tools.mcp.bridge import Bridge

    tokens = {
        name: outside.secrets[address.secret_name(name)] for name, server in settings.servers.items() if server.token
    }
    bridge = Bridge(settings.servers, tokens)
    running = asyncio.create_task(bridge.run(), name="MCP servers")

    async def close() -> None:
        await bridge.aclose()
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running

    return Fitted(coming=bridge.tools, health=bridge.health, close=close, part=bridge)


def _secrets(settings: Mcp) -> tuple[str, ...]:
    return tuple(address.secret_name(name) for name, server in settings.servers.items() if server.token)


def _confirms(settings: Mcp) -> dict[str, Way]:
    return {
        f"tools.mcp.servers.{name}.confirm": Way(server.confirm)
        for name, server in settings.servers.items()
        if server.confirm
    }


TABLE = Table("tools.mcp", Mcp, address.mistakes)
MCP = Feature("MCP servers", _open, TABLE, _secrets, _confirms)
