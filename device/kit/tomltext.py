"""Writes TOML: keys, values and tables, so that they read the same again."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_PLAIN_KEY = re.compile(r"[A-Za-z0-9_-]+")


def toml_key(path: Sequence[str]) -> str:
    """Return a key, or the name of a table, with dots."""
    return ".".join(name if _PLAIN_KEY.fullmatch(name) else _text(name) for name in path)


def toml_value(value: Any) -> str:
    """Return a value that is no table."""
    match value:
        case bool():
            return str(value).lower()
        case str():
            return _text(value)
        case tuple() | list():
            return f"[{', '.join(map(toml_value, value))}]"
        case Mapping():
            inner = ", ".join(f"{toml_key([name])} = {toml_value(one)}" for name, one in value.items())
            return f"{{ {inner} }}" if inner else "{}"
    return str(value)


def tables(table: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
    """Yield every table with the values that stand right in it, from the outside to the inside; none that is empty."""
    values = {name: value for name, value in table.items() if not isinstance(value, Mapping)}
    if values or not table:
        yield path, values
    for name, value in table.items():
        if isinstance(value, Mapping):
            yield from tables(value, (*path, name))


def _text(text: str) -> str:
    # JSON's escapes are TOML's but for DEL, which TOML wants escaped as well.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
