"""What the tools of servers are called here. No I/O."""

from __future__ import annotations

import hashlib
import re

LONGEST = 64
"""In characters: what providers take (OpenAI's "functions": letters, digits, _ and -)."""

_FOREIGN = re.compile(r"[^A-Za-z0-9_-]")
_DIGITS = 6


def local(server: str, tool: str) -> str:
    """Return the name here of a server's tool: the same again each time.

    One that is too long keeps its beginning, and is told from others like it by digits of its hash.
    """
    name = f"{server}_{_FOREIGN.sub('_', tool)}"
    if len(name) <= LONGEST:
        return name
    digest = hashlib.sha256(tool.encode(errors="replace")).hexdigest()[:_DIGITS]
    return f"{name[: LONGEST - _DIGITS - 1]}_{digest}"
