"""A tool, as the house is told of it."""

from __future__ import annotations

import msgspec
from mcp_types import Tool, ToolAnnotations

from device.tools.mcp import wire
from device.tools.mcp.child.listing import as_listed


def test_a_tool_is_told_with_its_schema_translated_and_its_words_bounded() -> None:
    """So the house has nothing to do but to look how large it is."""
    schema = {"properties": {"a": {"$ref": "#/$defs/a"}}, "$defs": {"a": {"type": "string"}}}
    tool = Tool(name="read", description="one\ntwo " + "x" * 9_000, input_schema=schema)
    listed = as_listed(tool)
    assert wire.schema_of(listed) == {"type": "object", "properties": {"a": {"type": "string"}}}
    assert listed.description.startswith("one / two x")
    assert (listed.read_only, listed.destructive, listed.unusable) == (None, None, "")
    line = wire.encode(wire.Tools("notes", (listed,)))
    assert wire.to_house.decode(line) == wire.Tools("notes", (listed,))


def test_one_that_cannot_be_told_says_why() -> None:
    """Of its arguments nothing is told; what may be done with it is for the house to judge."""
    hints = ToolAnnotations(read_only_hint=True, destructive_hint=False)
    listed = as_listed(Tool(name="read", title="Read", input_schema={"type": "string"}, annotations=hints))
    assert listed.unusable == "its arguments are no object"
    assert (listed.read_only, listed.destructive, listed.description) == (True, False, "Read")


def test_what_json_has_no_words_for_costs_its_tool_only() -> None:
    """A number of 5,000 digits, which Python itself refuses to write."""
    odd = Tool(name="read", input_schema={"properties": {"a": {"default": 10**5_000}}})
    assert as_listed(odd).unusable == "its arguments cannot be understood"
    assert msgspec.json.encode(as_listed(odd))
