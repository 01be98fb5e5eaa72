"""Which tools of a server the model may use, and which of those need a person's yes. No I/O.

What a server says of its tools is its own word. A person who does not trust it names tools in `allow` and
`confirm_for`, which hold whatever the server says.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from device.tools.mcp import names
from device.tools.mcp.settings import Server
from device.tools.mcp.wire import Listed

MOST_TOOLS = 64
"""Of one server: each is told to the model in every session."""


class Verdict(Enum):
    """What becomes of a tool."""

    FREE = "free"
    CONFIRMED = "confirmed"
    """A person must say yes to each call."""
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Choice:
    """A tool, what it is called here, and why it is left out if it is."""

    tool: Listed
    name: str
    verdict: Verdict
    why: str = ""


def choose(server: str, settings: Server, tools: Iterable[Listed]) -> list[Choice]:
    """Judge each tool of a server, in its order."""
    chosen: list[Choice] = []
    taken: dict[str, str] = {}
    for tool in tools:
        name = names.local(server, tool.name)
        verdict, why = _judge(settings, tool)
        if verdict is not Verdict.REFUSED and name in taken:
            verdict, why = Verdict.REFUSED, f"it would be called {name}, as {taken[name]} is already"
        elif verdict is not Verdict.REFUSED and len(taken) == MOST_TOOLS:
            verdict, why = Verdict.REFUSED, f"there are more than {MOST_TOOLS}; name those that you want in `allow`"
        if verdict is not Verdict.REFUSED:
            taken[name] = tool.name
        chosen.append(Choice(tool, name, verdict, why))
    return chosen


def may_destroy(tool: Listed) -> bool:
    """Say whether a tool may destroy something, as far as its server says: that it may is what MCP takes for granted.

    MCP 2025-11-25, ToolAnnotations: destructiveHint is true unless it is given, and means nothing beside readOnlyHint.
    """
    return tool.read_only is not True and tool.destructive is not False


def _judge(settings: Server, tool: Listed) -> tuple[Verdict, str]:
    if settings.allow and tool.name not in settings.allow:
        return Verdict.REFUSED, "`allow` does not name it"
    if tool.name in settings.deny:
        return Verdict.REFUSED, "`deny` names it"
    if not (may_destroy(tool) if settings.confirm_for is None else tool.name in settings.confirm_for):
        return Verdict.FREE, ""
    if settings.confirm:
        return Verdict.CONFIRMED, ""
    return (
        Verdict.REFUSED,
        "its server does not call it harmless; set `confirm`, or name in `confirm_for` what needs a yes",
    )
