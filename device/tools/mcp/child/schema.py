"""Puts the JSON schema of somebody else's tool into a form that a provider takes and a model can read. No I/O.

A schema from outside may be anything: endless by its references, as large as a book, full of sentences for the model.
What comes out is one plain object, bounded. It may allow more than the server does: the server checks the arguments.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sized
from typing import Any, TypeVar

import msgspec

from device.kit.outsiders import one_line
from device.tools.mcp.wire import LARGEST_SCHEMA

DEEPEST = 8
_SHALLOW = 3
"""What is deeper may be anything, where there is no room: trees whose branches are trees."""
MOST_NODES = 300
MOST_ENTRIES = 4_000
"""Looked at, of lists and objects in a schema: that of a reference counts each time. So many, told to a model, would be
longer than may be; and 300 arguments that refer to one long list would take seconds."""
LONGEST_DESCRIPTION = 200
_LONGEST_NAME = 64
_LONGEST_VALUE = 200
_MOST_CHOICES = 100
_LONGEST_POINTER = 200

_NUMBERS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
_COUNTS = ("minLength", "maxLength", "minItems", "maxItems")
_ALTERNATIVES = ("anyOf", "oneOf", "allOf")
_KEYS = (
    *("$ref", "type", "description", "properties", "required", "additionalProperties", "items"),
    *(*_ALTERNATIVES, *_NUMBERS, *_COUNTS, "format", "pattern", "const", "enum", "default"),
)
"""All that is understood of a schema."""
_TYPES = frozenset(("object", "array", "string", "number", "integer", "boolean", "null"))


_Entries = TypeVar("_Entries", bound=Sized)


class UnusableError(ValueError):
    """The tool cannot be told to a model; the message says why."""


def translate(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema for the provider. Raise UnusableError."""
    kind = schema.get("type", "object")
    if kind != "object":
        raise UnusableError("its arguments are no object")
    for with_words, deepest in ((True, DEEPEST), (False, DEEPEST), (False, _SHALLOW)):
        plain = _Translation(schema, with_words, deepest).root()
        if len(msgspec.json.encode(plain)) <= LARGEST_SCHEMA:
            return plain
    raise _too_large()


def _too_large() -> UnusableError:
    return UnusableError(f"its arguments take more than {LARGEST_SCHEMA} bytes to describe")


class _Translation:
    def __init__(self, root: Mapping[str, Any], with_words: bool, deepest: int) -> None:
        self._root = root
        self._with_words = with_words
        self._deepest = deepest
        self._nodes = 0
        self._entries = 0
        self._cleaned: dict[str, str] = {}
        """Descriptions: hundreds of arguments may refer to one that takes long to clean."""

    def root(self) -> dict[str, Any]:
        """Return the outermost object, which may have no alternatives itself: theirs become its own."""
        properties: dict[str, Any] = {}
        required: list[str] = []
        whole = self._resolved(self._root)
        parts = [whole, *_choices(whole, "allOf")]
        for part in map(self._resolved, parts):
            properties |= self._counted(_table(part.get("properties")))
            required += _texts(self._counted(_list(part.get("required"))))
        for key in ("anyOf", "oneOf"):
            for part in map(self._resolved, _choices(whole, key)):
                properties = {**self._counted(_table(part.get("properties"))), **properties}
        merged = {"type": "object", "properties": properties, "required": required}
        plain = self._object(merged, 0)
        if "additionalProperties" in whole:
            plain["additionalProperties"] = whole["additionalProperties"] is not False
        return plain

    def _node(self, node: Any, depth: int) -> dict[str, Any]:
        self._nodes += 1
        if not isinstance(node, dict) or depth > self._deepest or self._nodes > MOST_NODES:
            # Anything: so a schema means `true`, too.
            return {}
        # Twice: what may be null is often a reference itself.
        node = self._resolved(_without_null(self._resolved(node)))
        plain: dict[str, Any] = {}
        if kind := _kind(node.get("type")):
            plain["type"] = kind
        if self._with_words and (said := self._said(node.get("description"))):
            plain["description"] = said
        plain |= self._values(node)
        if node.get("type") == "object" or "properties" in node:
            plain |= self._object(node, depth)
        if node.get("type") == "array" or "items" in node:
            plain["items"] = self._node(node.get("items"), depth + 1)
        for key in _ALTERNATIVES:
            if choices := self._counted(_choices(node, key)):
                plain["allOf" if key == "allOf" else "anyOf"] = [self._node(choice, depth + 1) for choice in choices]
        return plain

    def _object(self, node: Mapping[str, Any], depth: int) -> dict[str, Any]:
        table = self._counted(_table(node.get("properties")))
        named = dict.fromkeys(_texts(self._counted(_list(node.get("required")))))
        required = [name for name in named if name in table]
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

    def _values(self, node: Mapping[str, Any]) -> dict[str, Any]:
        """Return the bounds and choices of a value, as far as they are short and mean what they seem to."""
        plain: dict[str, Any] = {key: node[key] for key in _NUMBERS if _is_number(node.get(key))}
        plain |= {key: node[key] for key in _COUNTS if _is_number(node.get(key)) and isinstance(node[key], int)}
        for key in ("format", "pattern"):
            if isinstance(node.get(key), str) and _is_plain(node[key]):
                plain[key] = node[key]
        choices = [node["const"]] if "const" in node else _list(node.get("enum"))
        if 0 < len(choices) <= _MOST_CHOICES and all(map(self._is_plain, self._counted(choices))):
            plain["enum"] = choices
        if "default" in node and self._is_plain(node["default"]):
            plain["default"] = node["default"]
        return plain

    def _is_plain(self, value: Any) -> bool:
        if isinstance(value, (list, dict)):
            return len(value) <= _LONGEST_VALUE and _is_plain_table(self._counted(value))
        return _is_plain(value)

    def _said(self, text: Any) -> str:
        if not isinstance(text, str):
            return ""
        if text not in self._cleaned:
            self._cleaned[text] = one_line(text, LONGEST_DESCRIPTION)
        return self._cleaned[text]

    def _counted(self, entries: _Entries) -> _Entries:
        """Return what is about to be looked at, one entry after the other. Raise UnusableError where it is too much."""
        self._entries += len(entries)
        if self._entries > MOST_ENTRIES:
            raise _too_large()
        return entries

    def _resolved(self, node: Any) -> dict[str, Any]:
        """Follow references within the schema, each once, and not along a chain of thousands."""
        seen: set[str] = set()
        found = _known(_table(node))
        while isinstance(pointer := found.pop("$ref", None), str):
            if pointer in seen or len(seen) == DEEPEST or len(pointer) > _LONGEST_POINTER:
                return {}
            seen.add(pointer)
            found = {**_known(_table(self._at(pointer))), **found}
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


def _known(node: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is understood of it: hundreds of arguments may refer to one that has thousands of other keys."""
    return {key: node[key] for key in _KEYS if key in node}


def _choices(node: Mapping[str, Any], key: str) -> list[Any]:
    return _list(node.get(key))[:_MOST_CHOICES]


def _without_null(node: dict[str, Any]) -> dict[str, Any]:
    """Say "optional" by not requiring a field instead of allowing null."""
    for key in ("anyOf", "oneOf"):
        all_choices = _choices(node, key)
        choices = [choice for choice in all_choices if choice != {"type": "null"}]
        if len(choices) == 1 and len(choices) < len(all_choices) and isinstance(choices[0], dict):
            return _known(choices[0]) | {name: value for name, value in node.items() if name not in (key, "default")}
    return node


def _kind(kind: Any) -> str | list[str] | None:
    kinds = [one for one in _texts([kind] if isinstance(kind, str) else kind)[:_MOST_CHOICES] if one in _TYPES]
    if len(kinds) > 1:
        kinds = [one for one in kinds if one != "null"]
    return kinds[0] if len(kinds) == 1 else kinds or None


def _is_number(value: Any) -> bool:
    """JSON has no infinity, but parsers read it; and a bool is no number."""
    return type(value) is int or (type(value) is float and math.isfinite(value))


def _is_plain(value: Any) -> bool:
    """Say whether a value is what is seen of it, and short: a large one is not even written down to see how long."""
    if isinstance(value, str):
        return len(value) <= _LONGEST_VALUE and one_line(value, _LONGEST_VALUE) == value
    return len(json.dumps(value)) <= _LONGEST_VALUE


def _is_plain_table(value: list[Any] | dict[str, Any]) -> bool:
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
