"""The server of MCP, and its standard input and output. The one file that knows the package `mcp`."""

from __future__ import annotations

import logging
from typing import Any

from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server
from mcp.server.transport_security import TransportSecuritySettings
from mcp.types import (
    CallToolRequestParams,
    CallToolResult,
    ListToolsResult,
    PaginatedRequestParams,
    TextContent,
    Tool,
    ToolAnnotations,
)

from device import __version__
from device.control.agents.calls import Calls
from device.control.agents.offers import OFFERS, Offer

_INSTRUCTIONS = (
    "A voice assistant in somebody's home. What you say is heard by whoever is there: be brief, and ask only what a "
    "person has to decide. Answers to `ask` are the words of somebody in the room."
)
_MOST_SESSIONS, _IDLE_S = 64, 600.0
"""Of clients of the old protocol, which have a handshake; and when one that is silent is forgotten."""


def make_server(calls: Calls) -> Server[Any]:
    """Return a server that offers what agents may do; it speaks the old protocol and the new one."""

    async def list_tools(context: Any, params: PaginatedRequestParams | None) -> ListToolsResult:
        return ListToolsResult(tools=[_tool(offer) for offer in OFFERS])

    async def call_tool(context: Any, params: CallToolRequestParams) -> CallToolResult:
        told = await calls.call(params.name, params.arguments or {})
        text = TextContent(type="text", text=told.text)
        return CallToolResult(content=[text], structured_content=told.facts, is_error=told.failed)

    return Server(
        "hearthside",
        version=__version__,
        title="Hearthside",
        instructions=_INSTRUCTIONS,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )


def _tool(offer: Offer) -> Tool:
    hints = ToolAnnotations(
        read_only_hint=offer.hints.read_only,
        destructive_hint=offer.hints.destructive,
        idempotent_hint=offer.hints.idempotent,
        # It acts in one home, and nowhere else.
        open_world_hint=False,
    )
    return Tool(name=offer.name, description=offer.description, input_schema=offer.schema, annotations=hints)


async def serve_stdio(calls: Calls) -> None:
    """Serve the program that started this one, until it closes our standard input."""
    quieten()
    server = make_server(calls)
    async with stdio_server() as (read, write):
        await server.run(read, write, server.create_initialization_options())


def http_app(calls: Calls) -> Any:
    """Return the ASGI application that serves /mcp to whoever reaches it: see `door`."""
    quieten()
    return make_server(calls).streamable_http_app(
        max_sessions=_MOST_SESSIONS,
        session_idle_timeout=_IDLE_S,
        # The door checks Host and Origin, for other addresses than loopback as well.
        transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False),
    )


def quieten() -> None:
    """Keep what others say out of the log: these libraries' lines quote what came."""
    for name in ("mcp", "uvicorn", "sse_starlette"):
        logging.getLogger(name).disabled = True
        logging.getLogger(name).propagate = False
