"""What the tools of servers are called here."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.tools.mcp import names


@pytest.mark.parametrize(
    ("server", "tool", "name"),
    [
        ("notes", "search", "notes_search"),
        ("notes", "admin.tools/list-all", "notes_admin_tools_list-all"),
        ("notes", "größe", "notes_gr__e"),
        ("n", "x" * 62, "n_" + "x" * 62),
        ("n", "x" * 63, "n_" + "x" * 55 + "_75220b"),
    ],
)
def test_a_tool_is_called_by_its_server_and_itself(server: str, tool: str, name: str) -> None:
    """Within what providers take."""
    assert names.local(server, tool) == name


def test_long_names_that_begin_alike_stay_apart() -> None:
    """By a hash of the whole, so that each is called the same tomorrow."""
    first, second = (names.local("notes", "x" * 80 + end) for end in "ab")
    assert first != second
    assert first == names.local("notes", "x" * 80 + "a")


@given(st.text())
def test_whatever_a_server_calls_its_tools_providers_take_it(tool: str) -> None:
    """Letters, digits, _ and -."""
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,64}", names.local("notes", tool))
