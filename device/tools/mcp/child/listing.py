"""A tool of a server, in the form in which the house is told of it: bounded, whatever the server says. No I/O."""

from __future__ import annotations

from typing import Any

import msgspec

from device.kit.outsiders import LONGEST_SENTENCE, lines
from device.tools.mcp import wire
from device.tools.mcp.child.schema import UnusableError, translate


def as_listed(tool: Any) -> wire.Listed:
    """Return it, made of a Tool of the package; where its arguments cannot be told to a model, with the reason."""
    hints = tool.annotations
    listed = wire.Listed(
        name=tool.name,
        description=lines(tool.description or tool.title or "", LONGEST_SENTENCE),
        read_only=hints.read_only_hint if hints else None,
        destructive=hints.destructive_hint if hints else None,
    )
    try:
        schema = msgspec.json.encode(translate(tool.input_schema))
    except UnusableError as error:
        return msgspec.structs.replace(listed, unusable=str(error))
    except (ValueError, RecursionError):
        # Whatever JSON has no words for: it costs this tool, and no other.
        return msgspec.structs.replace(listed, unusable="its arguments cannot be understood")
    return msgspec.structs.replace(listed, schema=msgspec.Raw(schema))
