"""An MCP server made with the package mcp: keeps notes in a folder, and does what tests need a server to do.

Usage: notes.py FOLDER [--old] [--port PORT]: on its stdin, or on a port of this machine; --old: of 2025.
"""

from __future__ import annotations

import argparse
import asyncio
import os
from pathlib import Path
from typing import Annotated, Any

from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.shared.exceptions import MCPError
from mcp_types import METHOD_NOT_FOUND, ImageContent, RequestParams, TextContent, ToolAnnotations
from pydantic import BaseModel, Field

HARMLESS = ToolAnnotations(read_only_hint=True)
GENTLE = ToolAnnotations(destructive_hint=False)

parser = argparse.ArgumentParser()
parser.add_argument("folder", type=Path)
parser.add_argument("--old", action="store_true")
parser.add_argument("--port", type=int, default=0)
options = parser.parse_args()
folder, IS_OLD, PORT = options.folder, options.old, options.port

server = MCPServer("notes", log_level="ERROR")


class Place(BaseModel):
    """Where a note lies."""

    shelf: Annotated[str, Field(description="which shelf")]
    row: int | None = None


@server.tool(annotations=GENTLE)
def write_note(name: Annotated[str, Field(description="what it is called")], text: str) -> str:
    """Write a note."""
    (folder / f"{name}.txt").write_text(text, encoding="utf-8")
    return f"written: {name}"


@server.tool(annotations=HARMLESS)
def read_note(name: str) -> str:
    """Read a note."""
    return (folder / f"{name}.txt").read_text("utf-8")


@server.tool()
def throw_away(name: str) -> str:
    """Throw a note away."""
    (folder / f"{name}.txt").unlink()
    return f"gone: {name}"


@server.tool(annotations=HARMLESS)
def find_place(place: Place, others: list[Place]) -> dict[str, Any]:
    """Find a place."""
    return {"shelf": place.shelf, "others": len(others)}


@server.tool(annotations=HARMLESS, structured_output=False)
def draw() -> Any:
    """Draw something."""
    return [
        TextContent(type="text", text="a picture"),
        ImageContent(type="image", data="iVBORw0KGgo=", mime_type="image/png"),
    ]


@server.tool(annotations=HARMLESS)
def tell_environment() -> str:
    """Tell what is in the environment."""
    return " ".join(f"{name}={value}" for name, value in sorted(os.environ.items()))


@server.tool(annotations=HARMLESS)
async def wait(seconds: float) -> str:
    """Wait."""
    (folder / "waiting").touch()
    await asyncio.sleep(seconds)
    return "waited"


@server.tool(annotations=HARMLESS)
async def learn(name: str, context: Context) -> str:  # type: ignore[type-arg]
    """Have one more tool, and tell everybody."""
    server.add_tool(lambda: "learnt", name=name, description="Learnt later.", annotations=HARMLESS)
    if IS_OLD:
        await context.session.send_tool_list_changed()
    else:
        await context.notify_tools_changed()
    return "learnt"


async def knows_nothing_of_it(context: Any, parameters: Any) -> Any:
    """Answer as a server from before 2026 does."""
    raise MCPError(METHOD_NOT_FOUND, "Method not found")


if __name__ == "__main__":
    if IS_OLD:
        server._lowlevel_server.add_request_handler("server/discover", RequestParams, knows_nothing_of_it)
    if PORT:
        server.run(transport="streamable-http", host="127.0.0.1", port=PORT)
    else:
        server.run()
