"""What the model is told of the tools: never more than the budget, and nothing of the house's own is lost."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.conversation.openai.protocol.configuration import first_config
from device.conversation.openai.settings import OpenAI
from device.core.actions import TurnEnd
from device.ports.tools import ToolSpec
from device.tools.budget import SHORT_DESCRIPTION, SHORT_PARAMETER, size_of, size_of_all, told

_NAMES = st.text(st.characters(codec="utf-8"), max_size=12)
_SCHEMAS: st.SearchStrategy[dict[str, Any]] = st.recursive(
    st.fixed_dictionaries(
        {"type": st.sampled_from(["string", "integer"])},
        optional={
            "description": st.text(st.characters(codec="utf-8"), max_size=200),
            "default": st.sampled_from(["", 0, False, "x", None]),
            "maxLength": st.integers(0, 99),
            "title": _NAMES,
            "enum": st.lists(_NAMES, max_size=4),
        },
    ),
    lambda inner: st.fixed_dictionaries(
        {"type": st.just("object"), "properties": st.dictionaries(_NAMES | st.just("title"), inner, max_size=4)},
        optional={"required": st.lists(_NAMES, max_size=2), "additionalProperties": st.booleans()},
    ),
    max_leaves=6,
)


def overview(longest: int) -> str:
    """Return as much as there is room for."""
    return "o" * min(longest, 500) if longest >= 40 else ""


def tool(name: str, description: str = "Does it.", foreign: bool = False, **of_text: Any) -> ToolSpec:
    """Return one that takes a text."""
    text = {"type": "string", "description": "also long " * 20, **of_text}
    parameters = {"type": "object", "properties": {"text": text}, "additionalProperties": False}
    return ToolSpec(name, description, parameters, is_foreign=foreign)


@st.composite
def tools(draw: st.DrawFn) -> list[ToolSpec]:
    """Return some of each kind."""
    return [
        ToolSpec(
            f"tool_{number}",
            draw(st.text(st.characters(codec="utf-8"), max_size=300)),
            draw(_SCHEMAS),
            is_foreign=draw(st.booleans()),
            overview=draw(st.sampled_from([None, None, overview])),
        )
        for number in range(draw(st.integers(0, 8)))
    ]


@given(tools(), st.integers(0, 4_000))
def test_the_budget_holds_and_nothing_of_the_house_is_lost(specs: list[ToolSpec], budget: int) -> None:
    """Whatever there is: above it only where the house's own tools alone are. The same comes of the same."""
    own = [spec for spec in specs if not spec.is_foreign]
    found = told(specs, budget)
    least = told(own, 0).size
    assert found.size <= max(budget, least)
    assert [spec.name for spec in found.specs if not spec.is_foreign] == [spec.name for spec in own]
    assert {spec.name for spec in found.specs} | set(found.left_out) == {spec.name for spec in specs}
    assert found.size == len(
        msgspec.json.encode(
            [
                {"type": "function", "name": s.name, "description": s.description, "parameters": s.parameters}
                for s in found.specs
            ]
        )
    )
    assert found.sizes == tuple(map(size_of, found.specs))
    assert told(specs, budget) == found


@given(tools(), st.integers(0, 4_000), st.integers(0, 500))
def test_a_larger_budget_tells_no_tool_less(specs: list[ToolSpec], budget: int, more: int) -> None:
    """Tools that are told of stay when there is more room."""
    assert set(told(specs, budget + more).left_out) <= set(told(specs, budget).left_out)


def test_what_is_given_up_has_an_order() -> None:
    """The overview, then long descriptions from the last on, then whole tools from the last on."""
    specs = [
        ToolSpec("own", "Of the house. " * 20, {"type": "object", "properties": {}}, overview=overview),
        tool("first", "long " * 100, foreign=True, maxLength=3),
        tool("last", "long " * 100, foreign=True),
    ]
    whole = told(specs, 10_000)
    assert (whole.shortened, whole.left_out, whole.lacks_overview) == ((), (), False)
    assert whole.specs[0].description.endswith("o" * 500)
    less = told(specs, whole.size - 1)
    assert (less.shortened, less.left_out, less.lacks_overview) == ((), (), True)
    assert less.size == whole.size - 1
    bare = whole.size - 501
    without = told(specs, bare - 1)
    assert (without.shortened, without.left_out) == (("last",), ())
    assert "ooo" in without.specs[0].description, "what room is left then is used"
    shorter = without.specs[2]
    assert len(shorter.description) <= SHORT_DESCRIPTION
    both = told(specs, told(specs, 0).size + 400)
    assert (both.shortened, both.left_out) == (("first",), ("last",))
    text = both.specs[1].parameters["properties"]["text"]
    assert len(text["description"]) <= SHORT_PARAMETER
    assert "maxLength" not in text
    assert told(specs, 0).left_out == ("first", "last")
    assert [spec.name for spec in told(specs, 0).specs] == ["own"]


def test_names_that_are_keywords_of_schemas_are_kept() -> None:
    """An argument may be called "title" or "pattern", and a choice may be empty."""
    properties = {"title": {"type": "string"}, "pattern": {"enum": ["", "default"]}, "default": {"type": "boolean"}}
    schema = {"type": "object", "properties": properties, "required": ["title"]}
    for foreign, budget in ((False, 0), (True, 10_000)):
        found = told([ToolSpec("t", "d", schema, is_foreign=foreign)], budget)
        assert found.specs[0].parameters == schema


@pytest.mark.parametrize("depth", [10, 200])
def test_deep_schemas_break_nothing(depth: int) -> None:
    """A server may send what it likes."""
    schema: dict[str, Any] = {"type": "string", "title": "x"}
    for _ in range(depth):
        schema = {"type": "object", "properties": {"a": schema}}
    assert told([ToolSpec("t", "d", schema, is_foreign=True)], 0).left_out == ("t",)
    assert told([ToolSpec("t", "d", schema)], 0).specs[0].name == "t"


def test_the_bytes_are_those_that_are_sent() -> None:
    """In the configuration of a session."""
    found = told([tool("a", "Über “alles”"), tool("b", foreign=True)], 10_000)
    sent = first_config(OpenAI(), "", found.specs, TurnEnd.PROVIDER).tools
    assert found.size == len(msgspec.json.encode(sent))
    assert json.loads(msgspec.json.encode(sent))[0]["name"] == "a"


def test_sizes_add_up() -> None:
    """With brackets and commas."""
    assert size_of_all([]) == len("[]")
    assert size_of_all([2, 2]) == len("[{},{}]")
