"""What came of a call, as text."""

from __future__ import annotations

from typing import Any

import pytest
from mcp_types import CallToolResult

from device.tools.mcp.child.results import text_of
from device.tools.mcp.wire import LONGEST_TEXT


def text(said: str) -> dict[str, Any]:
    """Return a text as a server sends it."""
    return {"type": "text", "text": said}


@pytest.mark.parametrize(
    ("content", "structured", "expected"),
    [
        ([text("one"), text("two")], None, "one\ntwo"),
        ([], {"a": 1}, '{"a": 1}'),
        ([text('{"a": 1}')], {"a": 1}, '{"a": 1}'),
        ([text("3")], {"result": 3}, "3"),
        ([text("hello")], {"result": "hello"}, "hello"),
        ([text("one"), text("two")], {"result": ["one", "two"]}, "one\ntwo"),
        ([text("done")], {"left": 2}, 'done\n{"left": 2}'),
        ([], None, ""),
        (
            [{"type": "image", "data": "aGk=", "mimeType": "image/png"}, text("a cat")],
            None,
            "[an image (image/png), which is not passed on]\na cat",
        ),
        (
            [{"type": "audio", "data": "aGk=", "mimeType": "audio/wav"}],
            None,
            "[sound (audio/wav), which is not passed on]",
        ),
        ([{"type": "resource_link", "name": "list", "uri": "file:///list"}], None, "[list: file:///list]"),
        ([{"type": "resource", "resource": {"uri": "file:///a", "text": "inner"}}], None, "inner"),
        (
            [{"type": "resource", "resource": {"uri": "file:///a", "blob": "aGk=", "mimeType": "x/y"}}],
            None,
            "[a file (x/y), which is not passed on]",
        ),
    ],
)
def test_texts_are_joined_and_what_is_none_is_named(
    content: list[dict[str, Any]], structured: Any, expected: str
) -> None:
    """What a server says twice is told once."""
    result = CallToolResult.model_validate(
        {"content": content, "structuredContent": structured, "resultType": "complete"}
    )
    assert text_of(result) == expected


def test_a_result_is_bounded() -> None:
    """Before it goes over to the house."""
    long = CallToolResult.model_validate({"content": [text("x" * 1_000_000)] * 3, "resultType": "complete"})
    assert len(text_of(long)) == LONGEST_TEXT
