"""Puts the JSON schema of somebody else's tool into a form that a provider takes and a model can read. No I/O.

A schema from outside may be anything: endless by its references, as large as a book, full of sentences for the model.
What comes out is one plain object, bounded. It may allow more than the server does: the server checks the arguments.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import msgspec

from device.kit.outsiders import one_line

LARGEST = 8_000
"""In bytes: of the schema of one tool. The model reads it in every session."""
DEEPEST = 8
MOST_NODES = 300
LONGEST_DESCRIPTION = 200
_LONGEST_NAME = 64
_LONGEST_VALUE = 200
_MOST_CHOICES = 100
_LONGEST_POINTER = 200

_NUMBERS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
_COUNTS = ("minLength", "maxLength", "minItems", "maxItems")
_TYPES = frozenset(("object", "array", "string", "number", "integer", "boolean", "null"))


class UnusableError(ValueError):
    """The tool cannot be told to a model; the message says why."""


def translate(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema for the provider. Raise UnusableError."""
    kind = schema.get("type", "object")
    if kind != "object":
        raise UnusableError("its arguments are no object")
    for with_words in (True, False):
        plain = _Translation(schema, with_words).root()
        if len(msgspec.json.encode(plain)) <= LARGEST:
            return plain
    raise UnusableError(f"its arguments take more than {LARGEST} bytes to describe")


class _Translation:
    def __init__(self, root: Mapping[str, Any], with_words: bool) -> None:
        self._root = root
        self._with_words = with_words
        self._nodes = 0
        self._cleaned: dict[str, str] = {}
        """Descriptions: hundreds of arguments may refer to one that takes long to clean."""

    def root(self) -> dict[str, Any]:
        """Return the outermost object, which may have no alternatives itself: theirs become its own."""
        properties: dict[str, Any] = {}
        required: list[str] = []
        whole = self._resolved(self._root)
        parts = [whole, *(part for part in _list(whole.get("allOf")))]
        for part in map(self._resolved, parts):
            properties |= _table(part.get("properties"))
            required += _texts(part.get("required"))
        for key in ("anyOf", "oneOf"):
            for part in map(self._resolved, _list(whole.get(key))):
                properties = {**_table(part.get("properties")), **properties}
        merged = {"type": "object", "properties": properties, "required": required}
        plain = self._object(merged, 0)
        if "additionalProperties" in whole:
            plain["additionalProperties"] = whole["additionalProperties"] is not False
        return plain

    def _node(self, node: Any, depth: int) -> dict[str, Any]:
        self._nodes += 1
        if not isinstance(node, dict) or depth > DEEPEST or self._nodes > MOST_NODES:
            # Anything: so a schema means `true`, too.
            return {}
        node = _without_null(self._resolved(node))
        plain: dict[str, Any] = {}
        if kind := _kind(node.get("type")):
            plain["type"] = kind
        if self._with_words and (said := self._said(node.get("description"))):
            plain["description"] = said
        plain |= _values(node)
        if node.get("type") == "object" or "properties" in node:
            plain |= self._object(node, depth)
        if node.get("type") == "array" or "items" in node:
            plain["items"] = self._node(node.get("items"), depth + 1)
        for key in ("anyOf", "oneOf", "allOf"):
            if choices := _list(node.get(key)):
                plain["allOf" if key == "allOf" else "anyOf"] = [
                    self._node(choice, depth + 1) for choice in choices[:_MOST_CHOICES]
                ]
        return plain

    def _object(self, node: Mapping[str, Any], depth: int) -> dict[str, Any]:
        table = _table(node.get("properties"))
        required = [name for name in dict.fromkeys(_texts(node.get("required"))) if name in table]
        if unusable := [name for name in required if not _is_name(name)]:
            raise UnusableError(f"one of its arguments is called {one_line(unusable[0], 40)!r}")
        plain: dict[str, Any] = {
            "type": "object",
            "properties": {name: self._node(inner, depth + 1) for name, inner in table.items() if _is_name(name)},
        }
        if required:
            plain["required"] = required
        if node.get("additionalProperties") is False:
            plain["additionalProperties"] = False
        return plain

    def _said(self, text: Any) -> str:
        if not isinstance(text, str):
            return ""
        if text not in self._cleaned:
            self._cleaned[text] = one_line(text, LONGEST_DESCRIPTION)
        return self._cleaned[text]

    def _resolved(self, node: Any) -> dict[str, Any]:
        """Follow references within the schema, each once, and not along a chain of thousands."""
        seen: set[str] = set()
        found = _table(node)
        while isinstance(pointer := found.get("$ref"), str):
            if pointer in seen or len(seen) == DEEPEST or len(pointer) > _LONGEST_POINTER:
                return {}
            seen.add(pointer)
            found = {**_table(self._at(pointer)), **{key: value for key, value in found.items() if key != "$ref"}}
        return found

    def _at(self, pointer: str) -> Any:
        """Return what a JSON pointer (RFC 6901) of this schema leads to."""
        if not pointer.startswith("#"):
            # Nothing is fetched from elsewhere.
            return {}
        place: Any = self._root
        for part in pointer[1:].split("/")[1:]:
            place = _table(place).get(part.replace("~1", "/").replace("~0", "~"))
        return place


def _without_null(node: dict[str, Any]) -> dict[str, Any]:
    """Say "optional" by not requiring a field instead of allowing null."""
    for key in ("anyOf", "oneOf"):
        choices = [choice for choice in _list(node.get(key)) if choice != {"type": "null"}]
        if len(choices) == 1 and len(choices) < len(_list(node.get(key))) and isinstance(choices[0], dict):
            return {**choices[0], **{name: value for name, value in node.items() if name not in (key, "default")}}
    return node


def _kind(kind: Any) -> str | list[str] | None:
    kinds = [one for one in _texts([kind] if isinstance(kind, str) else kind) if one in _TYPES]
    if len(kinds) > 1:
        kinds = [one for one in kinds if one != "null"]
    return kinds[0] if len(kinds) == 1 else kinds or None


def _values(node: Mapping[str, Any]) -> dict[str, Any]:
    """Return the bounds and choices of a value, as far as they are short and mean what they seem to."""
    plain: dict[str, Any] = {
        key: node[key] for key in _NUMBERS if isinstance(node.get(key), int | float) and not isinstance(node[key], bool)
    }
    plain |= {key: node[key] for key in _COUNTS if isinstance(node.get(key), int) and not isinstance(node[key], bool)}
    for key in ("format", "pattern"):
        if isinstance(node.get(key), str) and _is_plain(node[key]):
            plain[key] = node[key]
    choices = [node["const"]] if "const" in node else _list(node.get("enum"))
    if 0 < len(choices) <= _MOST_CHOICES and all(map(_is_plain, choices)):
        plain["enum"] = choices
    if "default" in node and _is_plain(node["default"]):
        plain["default"] = node["default"]
    return plain


def _is_plain(value: Any) -> bool:
    """Say whether a value is what is seen of it, and short: a large one is not even written down to see how long."""
    if isinstance(value, str):
        return len(value) <= _LONGEST_VALUE and one_line(value, _LONGEST_VALUE) == value
    if isinstance(value, (list, dict)):
        return _is_plain_table(value)
    return len(json.dumps(value)) <= _LONGEST_VALUE


def _is_plain_table(value: list[Any] | dict[str, Any]) -> bool:
    if len(value) > _LONGEST_VALUE:
        return False
    within = [*value, *value.values()] if isinstance(value, dict) else value
    if not all(not isinstance(one, (list, dict)) and _is_plain(one) for one in within):
        return False
    return len(json.dumps(value)) <= _LONGEST_VALUE


def _is_name(name: Any) -> bool:
    return isinstance(name, str) and 0 < len(name) <= _LONGEST_NAME and one_line(name, _LONGEST_NAME) == name


def _table(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _texts(value: Any) -> list[str]:
    return [one for one in _list(value) if isinstance(one, str)]


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
