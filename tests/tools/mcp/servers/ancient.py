"""An MCP server of 2024 in 60 lines, without any package: protocol 2024-11-05 over stdin and stdout.

Written after the specification of that date. It knows no `server/discover`, no annotations and no structured content,
pages its list, and never tells that the list has changed.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

FOLDER = Path(sys.argv[1])
TOOLS: list[dict[str, Any]] = [
    {
        "name": "count.letters",
        "description": "Count letters.",
        "inputSchema": {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]},
    },
    {"name": "fail", "inputSchema": {"type": "object"}},
]


def listed(cursor: str | None) -> dict[str, Any]:
    """Return a page of one tool."""
    tools = [*TOOLS]
    if (FOLDER / "more").exists():
        tools.append({"name": "more", "description": "Came later.", "inputSchema": {"type": "object"}})
    at = int(cursor or 0)
    page: dict[str, Any] = {"tools": tools[at : at + 1]}
    if at + 1 < len(tools):
        page["nextCursor"] = str(at + 1)
    return page


def called(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Do it."""
    if name == "fail":
        return {"content": [{"type": "text", "text": "no\u202e such\x1b[31m luck"}], "isError": True}
    return {"content": [{"type": "text", "text": f"{len(arguments['text'])} letters"}]}


def answer(method: str, params: dict[str, Any]) -> dict[str, Any] | None:
    """Return a result; None: there is no such method."""
    match method:
        case "initialize":
            info = {"name": "ancient", "version": "0"}
            return {"protocolVersion": "2024-11-05", "capabilities": {"tools": {}}, "serverInfo": info}
        case "tools/list":
            return listed(params.get("cursor"))
        case "tools/call":
            return called(params["name"], params.get("arguments") or {})
        case "ping":
            return {}
        case _:
            return None


for line in sys.stdin:
    message = json.loads(line)
    if "id" not in message:
        continue
    result = answer(message["method"], message.get("params") or {})
    reply: dict[str, Any] = {"jsonrpc": "2.0", "id": message["id"]}
    reply |= {"error": {"code": -32601, "message": "Method not found"}} if result is None else {"result": result}
    print(json.dumps(reply), flush=True)
