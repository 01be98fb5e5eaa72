"""What came of a call, as text: what cannot be told is named. No I/O."""

from __future__ import annotations

import json
from typing import Any

from device.tools.mcp.wire import LONGEST_TEXT


def text_of(result: Any) -> str:
    """Return the text of a CallToolResult, or its structured content, bounded."""
    parts = [_part(block) for block in result.content]
    structured = result.structured_content
    if structured is not None and not _says(parts, structured):
        parts.append(json.dumps(structured, ensure_ascii=False))
    return "\n".join(filter(None, parts))[:LONGEST_TEXT]


def _part(block: Any) -> str:
    match block.type:
        case "text":
            return str(block.text[:LONGEST_TEXT])
        case "image" | "audio":
            return f"[{'an image' if block.type == 'image' else 'sound'} ({block.mime_type}), which is not passed on]"
        case "resource_link":
            return f"[{block.title or block.name}: {block.uri}]"
        case "resource":
            inner = block.resource
            return str(getattr(inner, "text", None) or f"[a file ({inner.mime_type}), which is not passed on]")
        case _:
            return f"[{block.type}, which is not passed on]"


def _says(parts: list[str], structured: Any) -> bool:
    """Say whether a text holds the same: servers repeat it for clients that know texts only."""
    for part in parts:
        try:
            said = json.loads(part)
        except ValueError:
            said = part
        if structured in (said, {"result": said}):
            return True
    # Several texts for the entries of one list.
    values = structured.get("result") if isinstance(structured, dict) else None
    return isinstance(values, list) and len(values) == len(parts) and bool(parts)
