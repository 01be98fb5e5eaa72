"""An MCP server made with the package mcp 1.x, as most that are there are. Usage: elder.py FOLDER [PORT]."""

from __future__ import annotations

import sys
from pathlib import Path

from mcp.server.fastmcp import Context, FastMCP
from mcp.types import ToolAnnotations

folder = Path(sys.argv[1])
server = FastMCP("elder", host="127.0.0.1", port=int(sys.argv[2]) if len(sys.argv) > 2 else 0)
HARMLESS = ToolAnnotations(readOnlyHint=True)


@server.tool(annotations=ToolAnnotations(destructiveHint=False))
def write_note(name: str, text: str) -> str:
    """Write a note."""
    (folder / f"{name}.txt").write_text(text, encoding="utf-8")
    return f"written: {name}"


@server.tool()
def throw_away(name: str) -> str:
    """Throw a note away."""
    (folder / f"{name}.txt").unlink()
    return f"gone: {name}"


@server.tool(annotations=HARMLESS)
def boom() -> str:
    """Fail."""
    raise ValueError("no such luck")


@server.tool(annotations=HARMLESS)
async def learn(name: str, context: Context) -> str:  # type: ignore[type-arg]
    """Have one more tool, and tell everybody."""
    server.add_tool(lambda: "learnt", name=name, description="Learnt later.", annotations=HARMLESS)
    await context.session.send_tool_list_changed()
    return "learnt"


server.run(transport="streamable-http" if len(sys.argv) > 2 else "stdio")
