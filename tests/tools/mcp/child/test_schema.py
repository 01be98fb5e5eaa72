"""Schemas of strangers, in a form that a provider takes and a model can read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.kit.outsiders import one_line
from device.tools.mcp.child import schema
from device.tools.mcp.child.schema import UnusableError, translate
from device.tools.mcp.wire import LARGEST_SCHEMA


def test_references_are_put_in_their_places() -> None:
    """As pydantic writes them; titles are left out, and null alternatives say "optional"."""
    given_schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "move_arguments",
        "type": "object",
        "$defs": {
            "Place": {
                "title": "Place",
                "type": "object",
                "description": "Where.",
                "properties": {"title": {"type": "string", "title": "Title"}, "row": {"type": "integer", "minimum": 1}},
                "required": ["title"],
            }
        },
        "properties": {
            "to": {"$ref": "#/$defs/Place", "description": "whither"},
            "via": {"type": "array", "items": {"$ref": "#/$defs/Place"}, "maxItems": 3},
            "speed": {"anyOf": [{"type": "number"}, {"type": "null"}], "default": None, "title": "Speed"},
            "how": {"const": "gently"},
            "mood": {"type": ["string", "null"], "enum": ["good", "bad"]},
        },
        "required": ["to"],
        "additionalProperties": False,
    }
    place = {
        "type": "object",
        "properties": {"title": {"type": "string"}, "row": {"type": "integer", "minimum": 1}},
        "required": ["title"],
    }
    assert translate(given_schema) == {
        "type": "object",
        "properties": {
            "to": {**place, "description": "whither"},
            "via": {"type": "array", "items": {**place, "description": "Where."}, "maxItems": 3},
            "speed": {"type": "number"},
            "how": {"enum": ["gently"]},
            "mood": {"type": "string", "enum": ["good", "bad"]},
        },
        "required": ["to"],
        "additionalProperties": False,
    }


@pytest.mark.parametrize("key", ["anyOf", "oneOf"])
def test_what_may_be_null_is_told_also_where_it_is_described_elsewhere(key: str) -> None:
    """As pydantic writes an optional object; "optional" is said by not requiring it."""
    optional = {key: [{"$ref": "#/$defs/Place"}, {"type": "null"}], "default": None, "description": "Where it was."}
    place = {"type": "object", "properties": {"row": {"type": "integer"}}, "required": ["row"]}
    plain = translate({"$defs": {"Place": place}, "properties": {"back": optional}})
    assert plain["properties"]["back"] == {**place, "description": "Where it was."}


def test_of_a_tree_as_much_is_told_as_there_is_room_for() -> None:
    """Two optional branches a node are 500 nodes at the deepest."""
    branch = {"anyOf": [{"$ref": "#/$defs/Tree"}, {"type": "null"}], "default": None}
    tree = {
        "type": "object",
        "properties": {"value": {"type": "integer", "minimum": 0}, "left": branch, "right": branch},
        "required": ["value"],
    }
    plain = translate({"$defs": {"Tree": tree}, "properties": {"tree": {"$ref": "#/$defs/Tree"}}})
    told = plain["properties"]["tree"]["properties"]["left"]["properties"]
    assert told["value"] == {"type": "integer", "minimum": 0}
    assert told["right"]["properties"]["left"] == {}


def test_alternatives_of_the_whole_become_one_object() -> None:
    """Providers refuse them at the top; the server still checks."""
    one = {"properties": {"name": {"type": "string"}}, "required": ["name"]}
    other = {"properties": {"number": {"type": "integer"}}, "required": ["number"]}
    shared = {"properties": {"room": {"type": "string"}}, "required": ["room"]}
    assert translate({"type": "object", "anyOf": [one, other], "allOf": [shared]}) == {
        "type": "object",
        "properties": {"name": {"type": "string"}, "number": {"type": "integer"}, "room": {"type": "string"}},
        "required": ["room"],
    }


@pytest.mark.parametrize("empty", [{}, {"type": "object"}, {"type": "object", "properties": None}])
def test_a_tool_without_arguments_takes_an_empty_object(empty: dict[str, Any]) -> None:
    """Providers insist on one."""
    assert translate(empty) == {"type": "object", "properties": {}}


def test_endless_schemas_end() -> None:
    """A tree of trees, references in a circle, and one that doubles with every step."""
    tree = {"properties": {"tree": {"$ref": "#"}}}
    circle = {
        "properties": {"a": {"$ref": "#/$defs/a"}},
        "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}},
    }
    doubling: dict[str, Any] = {
        f"d{n}": {"type": "object", "properties": {k: {"$ref": f"#/$defs/d{n + 1}"} for k in "ab"}} for n in range(60)
    }
    for endless in (tree, circle, {"$defs": doubling, "properties": {"a": {"$ref": "#/$defs/d0"}}}):
        assert len(json.dumps(translate(endless))) < 2 * LARGEST_SCHEMA


def test_a_long_chain_of_references_is_not_followed_to_its_end() -> None:
    """From each of 300 arguments the 25,000 that fit into a list would hold the house up for 7 s."""
    links = {f"d{n}": {"$ref": f"#/$defs/d{n + 1}"} for n in range(schema.DEEPEST)}
    end = {f"d{schema.DEEPEST}": {"type": "string"}}
    chained = {"$defs": links | end, "properties": {"long": {"$ref": "#/$defs/d0"}, "short": {"$ref": "#/$defs/d1"}}}
    assert translate(chained)["properties"] == {"long": {}, "short": {"type": "string"}}


def test_a_description_that_many_refer_to_is_cleaned_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """One of hidden characters takes 80 us, and 57 such schemas of 299 references would hold the house up for 3 s."""
    cleaned: list[str] = []

    def clean(text: str, longest: int) -> str:
        cleaned.append(text)
        return one_line(text, longest)

    monkeypatch.setattr(schema, "one_line", clean)
    said = "\u200b" * 3_000 + "whither"
    shared = {"$defs": {"a": {"description": said}}, "properties": {f"p{n}": {"$ref": "#/$defs/a"} for n in range(99)}}
    assert translate(shared)["properties"]["p98"] == {"description": "whither"}
    assert cleaned.count(said) == 1


@pytest.mark.parametrize(
    "shared",
    [
        {"enum": [f"\u00fc{n}" for n in range(99)] + ["hid\u200bden"]},
        {"default": ["a\u200bb"] * 150},
        {"type": "object", "properties": {f"hid\u200bden{n}": True for n in range(99)}},
        {"type": "object", "required": ["a"] * 99},
    ],
)
def test_what_many_refer_to_is_not_looked_at_for_ever(shared: dict[str, Any]) -> None:
    """Lists of 100 that 280 arguments refer to took 3.8 s of 64 tools, though next to nothing of them was told."""
    few, many = (
        {"$defs": {"a": shared}, "properties": {f"p{n}": {"$ref": "#/$defs/a"} for n in range(count)}}
        for count in (2, 280)
    )
    assert list(translate(few)["properties"]) == ["p0", "p1"]
    with pytest.raises(UnusableError, match="8000 bytes"):
        translate(many)


def test_of_what_is_referred_to_only_what_is_understood_is_kept() -> None:
    """A reference is followed by copying it: one with thousands of other keys took 0.9 s of 64 tools."""
    odd = {"type": "string", **{f"x-{n}": 0 for n in range(1_000)}}
    node = schema._Translation({"$defs": {"a": odd}}, True, schema.DEEPEST)._resolved(
        {"$ref": "#/$defs/a", "title": "A", "default": 1}
    )
    assert node == {"type": "string", "default": 1}


def test_a_bound_that_json_cannot_write_is_left_out() -> None:
    """Parsers read NaN and Infinity, though they are no JSON."""
    odd = {"minimum": float("nan"), "maximum": float("inf"), "multipleOf": 0.5, "maxLength": True}
    assert translate({"properties": {"a": odd}})["properties"] == {"a": {"multipleOf": 0.5}}


@pytest.mark.parametrize("large", [[0] * 201, [[0]], ["x" * 201], {"a": {}}, ["a\u200bb"], {"\u200b": 1}])
def test_of_a_default_only_a_short_and_visible_one_is_told(large: Any) -> None:
    """It is not even written down to see how long it would be: each of 300 arguments may have the same one."""
    short = {"default": ["a", 1, None]}
    assert translate({"properties": {"a": {"default": large}, "b": short}})["properties"] == {"a": {}, "b": short}


def test_what_a_server_says_of_its_arguments_is_one_short_line() -> None:
    """No control characters, nothing hidden; values that would be changed by that are left out."""
    said = translate(
        {
            "properties": {
                "a": {"type": "string", "description": "first\nsecond\u202e\x1b[31m " + "x" * 500},
                "b": {"enum": ["plain", "hid\u200bden"], "default": "hid\u200bden", "pattern": "x" * 500},
                "hid\u200bden": {"type": "string"},
            }
        }
    )["properties"]
    assert said["a"]["description"].startswith("first second x")
    assert len(said["a"]["description"]) == schema.LONGEST_DESCRIPTION
    assert said["b"] == {}
    assert list(said) == ["a", "b"]


def test_a_book_is_told_without_its_words_or_not_at_all() -> None:
    """The model reads it in every session."""
    wordy = {f"p{n}": {"type": "string", "description": "word " * 40} for n in range(60)}
    assert "description" not in translate({"properties": wordy})["properties"]["p0"]
    with pytest.raises(UnusableError, match="8000 bytes"):
        translate({"properties": {f"{n:064}": {"type": "string"} for n in range(200)}})


@pytest.mark.parametrize("wrong", [{"type": "string"}, {"properties": {"a\u200b": {}}, "required": ["a\u200b"]}])
def test_what_no_model_could_call_is_refused(wrong: dict[str, Any]) -> None:
    """The log says why."""
    with pytest.raises(UnusableError):
        translate(wrong)


@pytest.mark.parametrize("odd", [[], {}, [[]], {"a": []}])
def test_what_stands_where_a_name_should_is_left_out(odd: Any) -> None:
    """A list or an object cannot be looked up in anything: it must not end what speaks with all servers."""
    inner = {"type": ["string", odd], "properties": {"b": {"type": [odd]}}, "required": ["b", odd]}
    plain = translate({"properties": {"a": inner}, "required": ["a", odd]})
    assert plain["required"] == ["a"]
    assert plain["properties"]["a"] == {"type": "object", "properties": {"b": {}}, "required": ["b"]}


KEYS = (
    *(
        "type",
        "properties",
        "required",
        "items",
        "anyOf",
        "oneOf",
        "allOf",
        "enum",
        "const",
        "default",
        "$ref",
        "$defs",
    ),
    *("a", "description", "minimum", "maxLength", "additionalProperties", "pattern", "format"),
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(KEYS),
            inner
            | st.sampled_from(["object", "array", "string", "#", "#/$defs/a", "#/properties/a", "file:///etc/passwd"]),
            max_size=6,
        )
    ),
    max_leaves=20,
)


def nodes(plain: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield every schema in a schema."""
    yield plain
    inner = [*plain.get("properties", {}).values(), *plain.get("anyOf", ()), *plain.get("allOf", ())]
    for node in [*inner, *([plain["items"]] if "items" in plain else [])]:
        yield from nodes(node)


@given(st.dictionaries(st.sampled_from(("type", "properties", "$defs", "anyOf", "$ref", "required")), json_values))
def test_whatever_a_server_sends_is_plain_and_bounded_or_refused(stranger: dict[str, Any]) -> None:
    """Never another exception; no references are left, and it can be sent."""
    try:
        plain = translate(stranger)
    except UnusableError:
        return
    assert not [node for node in nodes(plain) if "$ref" in node]
    assert len(json.dumps(plain).encode()) < 4 * LARGEST_SCHEMA
    assert plain["type"] == "object"
    assert not set(plain) - {"type", "properties", "required", "additionalProperties"}
    assert set(plain.get("required", ())) <= set(plain["properties"])
