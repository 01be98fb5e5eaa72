"""Makes tools of what a server has: its words are data, bounded, and told to the model as such."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from device.core.events import Way
from device.errors import ToolError
from device.kit.outsiders import LONGEST_SENTENCE, one_line, quoted, spoken
from device.ports.tools import Confirmation, Tool
from device.tools.mcp import names, wire
from device.tools.mcp.choice import Choice, Verdict, choose
from device.tools.mcp.settings import Server
from device.tools.mcp.wire import Done, Listed

Run = Callable[[str, str, dict[str, Any]], Awaitable[Done]]
"""Calls a tool of a server. Raise ToolError."""


def source(server: str) -> str:
    """Return where a tool comes from, for people and for the model."""
    return f"the MCP server {server}"


def make(
    server: str, settings: Server, listed: Iterable[Listed], run: Run
) -> tuple[tuple[Tool[Any], ...], dict[str, str]]:
    """Return the tools of a server that the model may use, and of each that it may not why, by its name there."""
    made: list[Tool[Any]] = []
    left_out: dict[str, str] = {}
    for choice in choose(server, settings, listed):
        name = one_line(choice.tool.name)
        if choice.verdict is Verdict.REFUSED:
            left_out[name] = choice.why
            continue
        try:
            made.append(_tool(server, settings, choice, run))
        except ValueError as error:
            left_out[name] = one_line(str(error), LONGEST_SENTENCE)
    return tuple(made), left_out


def _tool(server: str, settings: Server, choice: Choice, run: Run) -> Tool[Any]:
    """Raise ValueError where it cannot be told to a model."""
    original = choice.tool.name
    if choice.tool.unusable:
        raise ValueError(choice.tool.unusable)

    async def call(arguments: dict[str, Any]) -> str:
        return _told(server, await run(server, original, arguments))

    confirmation = None
    if choice.verdict is Verdict.CONFIRMED:
        confirmation = Confirmation(
            Way(settings.confirm), f"use {spoken(original)[: names.LONGEST]} of {server.replace('_', ' ')}"
        )
    return Tool(
        name=choice.name,
        description=quoted(choice.tool.description or original, source(server), LONGEST_SENTENCE),
        arguments=dict[str, Any],
        parameters=wire.schema_of(choice.tool),
        run=call,
        timeout_s=settings.timeout_s,
        source=source(server),
        confirm=lambda arguments: confirmation,
    )


def _told(server: str, done: Done) -> str:
    """Return a result for the model. Raise ToolError for that of a tool that failed."""
    if done.failed:
        said = quoted(done.text, source(server), LONGEST_SENTENCE) if done.text.strip() else "it does not say why"
        raise ToolError(f"it failed. {said}")
    return quoted(done.text, source(server)) if done.text.strip() else "Done"
