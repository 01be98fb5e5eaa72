"""What of the tools a model is told, within a budget of bytes: it reads all of it in every turn. No I/O.

What does not fit is given up in this order (docs/tools.md), and nothing else ever is:

1. of the overview of the home as much as is necessary, and then all of it;
2. long descriptions of foreign tools (of a person's own, and of servers), those of the last tool first;
3. foreign tools, the last one first.

What room is left then is the overview's. The tools of the house itself stay, however small the budget is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import msgspec

from device.kit.outsiders import shorter
from device.ports.tools import Told, ToolSpec

LONGEST_OVERVIEW = 550
"""In bytes: so that a house of 150 things in 12 rooms takes 6 kB with all that the device does by itself."""
SHORT_DESCRIPTION = 120
"""In characters: what is left of a foreign tool's description where there is no room."""
SHORT_PARAMETER = 60
"""In characters: of the description of one of its arguments."""
_DEEPEST = 16

# Said to programs that check or draw a form. The house checks the arguments itself, whatever the model was told.
_OF_NO_USE = frozenset({"$schema", "$id", "$comment", "title"})
# Of our own tools, whose descriptions say it in words.
_SAID_IN_WORDS = frozenset(
    {"minLength", "maxLength", "minItems", "maxItems", "pattern", "minimum", "maximum", "exclusiveMinimum"}
)
# Of a tool that must be shortened: what no call depends on.
_DISPENSABLE = _SAID_IN_WORDS | {"exclusiveMaximum", "format", "examples", "default", "deprecated", "readOnly"}
_MAPS = frozenset({"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"})
"""Keywords whose keys are names and no keywords."""
_VALUES = frozenset({"enum", "const", "default", "examples", "required"})


def told(specs: Sequence[ToolSpec], budget: int) -> Told:
    """Return what is told of these tools, each as `plain` returns it."""
    kept = list(specs)
    shortened: list[str] = []
    left_out: list[str] = []
    foreign = [at for at, spec in enumerate(kept) if spec.is_foreign]
    sizes = [size_of(spec) for spec in kept]
    for at in reversed(foreign):
        if size_of_all(sizes) <= budget:
            break
        shorter = _shortened(kept[at])
        if (size := size_of(shorter)) < sizes[at]:
            kept[at], sizes[at] = shorter, size
            shortened.insert(0, shorter.name)
    for at in reversed(foreign):
        if size_of_all(sizes) <= budget:
            break
        left_out.insert(0, kept[at].name)
        del kept[at], sizes[at]
    lacks = _add_overviews(kept, sizes, budget)
    return Told(
        tuple(kept),
        tuple(sizes),
        size_of_all(sizes),
        budget,
        lacks,
        tuple(name for name in shortened if name not in left_out),
        tuple(left_out),
    )


def size_of(spec: ToolSpec) -> int:
    """Return how many bytes of JSON a tool takes in the configuration of a session."""
    return len(msgspec.json.encode(as_sent(spec)))


def size_of_all(sizes: Sequence[int]) -> int:
    """Return how many bytes a list of tools of these sizes takes: with its brackets and commas."""
    return 2 + sum(sizes) + max(0, len(sizes) - 1)


def as_sent(spec: ToolSpec) -> dict[str, Any]:
    """Return a tool as OpenAI's API wants it, on which those of others are modelled."""
    return {"type": "function", "name": spec.name, "description": spec.description, "parameters": spec.parameters}


def _add_overviews(kept: list[ToolSpec], sizes: list[int], budget: int) -> bool:
    """Put as much as there is room for behind the descriptions; say whether there would be more."""
    lacks = False
    for at, spec in enumerate(kept):
        if spec.overview is None or not (whole := spec.overview(LONGEST_OVERVIEW)):
            continue
        room = budget - size_of_all(sizes) - 1
        words = spec.overview(min(room, LONGEST_OVERVIEW)) if room > 0 else ""
        lacks = lacks or words != whole
        if words:
            kept[at] = replace(spec, description=f"{spec.description} {words}")
            sizes[at] = size_of(kept[at])
    return lacks


def plain(spec: ToolSpec) -> ToolSpec:
    """Return it without what tells a model nothing."""
    without = _OF_NO_USE if spec.is_foreign else _OF_NO_USE | _SAID_IN_WORDS
    return replace(spec, parameters=_schema(spec.parameters, without))


def _shortened(spec: ToolSpec) -> ToolSpec:
    return replace(
        spec,
        description=shorter(spec.description, SHORT_DESCRIPTION),
        parameters=_schema(spec.parameters, _OF_NO_USE | _DISPENSABLE, SHORT_PARAMETER),
    )


def _schema(
    node: Mapping[str, Any], without: frozenset[str], longest: int | None = None, depth: int = 0
) -> dict[str, Any]:
    """Return a schema without some keywords, with descriptions of at most `longest` characters."""
    return {
        key: _value(key, value, without, longest, depth)
        for key, value in node.items()
        if key not in without and not _says_nothing(key, value)
    }


def _value(key: str, value: Any, without: frozenset[str], longest: int | None, depth: int) -> Any:
    if depth > _DEEPEST or key in _VALUES:
        return value
    if key == "description" and isinstance(value, str):
        return value if longest is None else shorter(value, longest)
    if isinstance(value, Mapping):
        if key in _MAPS:
            return {
                name: _schema(each, without, longest, depth + 1) if isinstance(each, Mapping) else each
                for name, each in value.items()
            }
        return _schema(value, without, longest, depth + 1)
    if isinstance(value, list):
        return [_schema(each, without, longest, depth + 1) if isinstance(each, Mapping) else each for each in value]
    return value


def _says_nothing(key: str, value: Any) -> bool:
    """Say whether leaving a keyword out changes nothing for a model."""
    if key == "additionalProperties":
        return value is False
    return key in ("default", "required") and (value is None or value is False or value in ("", [], {}))
