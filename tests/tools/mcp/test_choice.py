"""Which tools may be used, and which need a person's yes."""

from __future__ import annotations

from typing import Any

import pytest

from device.tools.mcp.choice import MOST_TOOLS, Verdict, choose, may_destroy
from device.tools.mcp.settings import Server
from device.tools.mcp.wire import Listed

READ = Listed(name="read", read_only=True)
ADD = Listed(name="add", destructive=False)
DROP = Listed(name="drop", destructive=True)
SILENT = Listed(name="silent")
ALL = (READ, ADD, DROP, SILENT)


@pytest.mark.parametrize(
    ("read_only", "destructive", "expected"),
    [
        (None, None, True),
        (False, None, True),
        (None, True, True),
        (False, True, True),
        (None, False, False),
        (False, False, False),
        (True, None, False),
        (True, True, False),
        (True, False, False),
    ],
)
def test_what_a_server_says_nothing_of_may_destroy(
    read_only: bool | None, destructive: bool | None, expected: bool
) -> None:
    """As the specification takes for granted."""
    assert may_destroy(Listed(name="x", read_only=read_only, destructive=destructive)) is expected


@pytest.mark.parametrize(
    ("settings", "free", "confirmed"),
    [
        ({}, ["read", "add"], []),
        ({"confirm": "yes"}, ["read", "add"], ["drop", "silent"]),
        ({"confirm": "press", "confirm_for": ("read", "drop")}, ["add", "silent"], ["read", "drop"]),
        ({"confirm_for": ()}, ["read", "add", "drop", "silent"], []),
        ({"allow": ("read", "drop")}, ["read"], []),
        ({"allow": ("read", "drop"), "confirm": "yes"}, ["read"], ["drop"]),
        ({"deny": ("read", "silent"), "confirm": "yes"}, ["add"], ["drop"]),
    ],
)
def test_a_person_decides_over_what_the_server_says(
    settings: dict[str, Any], free: list[str], confirmed: list[str]
) -> None:
    """What could destroy something is left out unless somebody is asked; `confirm_for` holds in any case."""
    chosen = choose("notes", Server(command=("/x",), **settings), ALL)
    assert [choice.tool.name for choice in chosen if choice.verdict is Verdict.FREE] == free
    assert [choice.tool.name for choice in chosen if choice.verdict is Verdict.CONFIRMED] == confirmed
    assert all(choice.why for choice in chosen if choice.verdict is Verdict.REFUSED)


def test_two_tools_that_would_be_called_the_same_are_told_apart_or_refused() -> None:
    """The first keeps the name; one that may not be used takes none."""
    tools = [Listed(name=name, read_only=True) for name in ("a.b", "a/b", "a-b")]
    settings = Server(command=("/x",))
    chosen = choose("notes", settings, tools)
    assert [choice.verdict for choice in chosen] == [Verdict.FREE, Verdict.REFUSED, Verdict.FREE]
    assert chosen[1].why == "it would be called notes_a_b, as a.b is already"
    chosen = choose("notes", Server(command=("/x",), deny=("a.b",)), tools)
    assert [choice.verdict for choice in chosen] == [Verdict.REFUSED, Verdict.FREE, Verdict.FREE]


def test_a_server_with_hundreds_of_tools_gets_some_of_them() -> None:
    """And whoever runs the device reads what to do."""
    tools = [Listed(name=f"t{number}", read_only=True) for number in range(MOST_TOOLS + 5)]
    chosen = choose("notes", Server(command=("/x",)), tools)
    assert sum(choice.verdict is Verdict.FREE for choice in chosen) == MOST_TOOLS
    assert "`allow`" in chosen[-1].why
