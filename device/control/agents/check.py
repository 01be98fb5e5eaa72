"""What the types of the MCP server's settings cannot refuse."""

from __future__ import annotations

import re
from collections.abc import Iterator

from device.control.agents.settings import McpServer
from device.kit.addresses import literal
from device.kit.words import shown
from device.settings import Mistake, Table

_NAME = re.compile(r"[A-Za-z0-9.-]{1,253}")
_ORIGIN = re.compile(r"https?://[A-Za-z0-9.\-:\[\]]+")


def mistakes(settings: McpServer) -> Iterator[Mistake]:
    """Yield what is wrong."""
    if literal(settings.host) is None and settings.host != "localhost":
        yield Mistake("host", f": {shown(settings.host)} is no address; give one of this machine's, or 0.0.0.0 for all")
    for name in settings.names:
        if not _NAME.fullmatch(name):
            yield Mistake("names", f": {shown(name)} is no name of a machine (without http://, and without a port)")
    for origin in settings.origins:
        if not _ORIGIN.fullmatch(origin):
            yield Mistake("origins", f': {shown(origin)} is none; one looks like "http://localhost:6274"')


TABLE = Table("mcp_server", McpServer, mistakes)
"""Its table in the configuration."""
