"""What can be set about the MCP server (`hearthside mcp`)."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from device.settings import Section

Port = Annotated[int, Meta(ge=1, le=65_535, description="a port from 1 to 65535")]
PerMinute = Annotated[int, Meta(ge=1, le=600)]

TOKEN = "MCP_SERVER_TOKEN"
"""The name of the secret that whoever calls over the network must have."""


class McpServer(Section, frozen=True):
    """The MCP server for agents (`hearthside mcp`), off unless somebody starts it: docs/mcp-server.md."""

    host: str = "127.0.0.1"
    """The address at which `hearthside mcp serve` listens. One that others can reach needs the secret
    mcp_server_token."""
    port: Port = 8789
    """The port at which it listens."""
    names: tuple[str, ...] = ()
    """By which names it may be called beside its addresses, "localhost" and this machine's name (alone and with
    ".local"). Others are refused, so that no web page can reach it by a name of its own."""
    origins: tuple[str, ...] = ()
    """Web pages that may call it, such as "http://localhost:6274"; browsers say where a page is from."""
    speeches_per_minute: PerMinute = 6
    """How often in a minute all agents together may have something said or asked."""
    orders_per_minute: PerMinute = 60
    """How often in a minute all agents together may do anything else."""
