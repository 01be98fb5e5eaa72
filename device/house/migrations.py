"""Keys that have other names than in an earlier release: read under the old one, and renamed in people's files.

A file is rewritten as text, so that its comments and its order stay; what comes of it is checked by reading it again.
"""

from __future__ import annotations

import copy
import json
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from device.errors import ConfigError
from device.house.layers import dotted
from device.settings import Key


def _as_it_was(value: Any) -> Any:
    return value


@dataclass(frozen=True, slots=True)
class Move:
    """A key that has another name, or whose values are given otherwise, than in an earlier release."""

    old: Key
    new: Key
    value: Callable[[Any], Any] = _as_it_was
    """What the new key is set to where the old one had this; a number, a text, or true or false."""

    def __str__(self) -> str:
        return f"{dotted(self.old)} is called {dotted(self.new)} now"


MOVES: tuple[Move, ...] = ()
"""All there ever were, the oldest first. No key has been renamed so far."""


def moved(table: dict[str, Any], moves: Iterable[Move]) -> tuple[dict[str, Any], list[Move]]:
    """Return what a file's table means today, and which moves it took. The table given stays as it is.

    An old key beside its new one stays where it is, and is refused like any that is not known.
    """
    done = [move for move in moves if _has(table, move.old)]
    if not done:
        return table, []
    result, done = copy.deepcopy(table), []
    for move in moves:
        if _has(result, move.old) and not _has(result, move.new):
            value = _table(result, move.old).pop(move.old[-1])
            _table(result, move.new)[move.new[-1]] = move.value(value)
            done.append(move)
    return result, done


def _has(table: Any, key: Key) -> bool:
    for name in key:
        if not isinstance(table, dict) or name not in table:
            return False
        table = table[name]
    return True


def _table(table: dict[str, Any], key: Key) -> dict[str, Any]:
    """Return the table that a key is in; made where it is not there."""
    for name in key[:-1]:
        table = table.setdefault(name, {})
    return table


def rewritten(text: str, moves: Sequence[Move]) -> tuple[str, list[Move]]:
    """Return a file's text with today's keys, and which moves that took.

    Raise ConfigError when it is written in a way that only a person can change.
    """
    wanted, done = moved(tomllib.loads(text), moves)
    for move in done:
        text = _with(text, move)
    if not done or _reads_as(text, wanted):
        return text, done
    told = "; ".join(map(str, done))
    raise ConfigError(f"{told}: it is written in a way that cannot be changed for you; change it by hand")


def _reads_as(text: str, wanted: dict[str, Any]) -> bool:
    try:
        return tomllib.loads(text) == wanted
    except tomllib.TOMLDecodeError:
        return False


_HEADER = re.compile(r"\s*\[([^\[\]]+)\]\s*(#.*)?")
_ENTRY = re.compile(r"""(\s*)([A-Za-z0-9_-]+)(\s*=\s*)("[^"\\]*"|'[^']*'|[^\s"'\[{#]+)(\s*(?:#.*)?)""")
"""A key and its value on one line: indentation, name, equals sign, value, comment."""


def _with(text: str, move: Move) -> str:
    """Return the text with one key moved, where its line can be found; else as it is."""
    lines = text.split("\n")
    for number, table in _tables(lines):
        entry = _ENTRY.fullmatch(lines[number])
        if entry and (*table, entry[2]) == move.old:
            line = _renamed(entry, move)
            if move.old[:-1] == move.new[:-1]:
                lines[number] = line
            else:
                del lines[number]
                _add(lines, move.new[:-1], line)
            break
    return "\n".join(lines)


def _renamed(entry: re.Match[str], move: Move) -> str:
    indent, name, equals, value, comment = entry.groups()
    before = tomllib.loads(f"{name} = {value}")[name]
    after = move.value(before)
    return f"{indent}{move.new[-1]}{equals}{value if after == before else _toml(after)}{comment}"


def _toml(value: object) -> str:
    return str(value) if isinstance(value, float) else json.dumps(value, ensure_ascii=False)


def _tables(lines: Iterable[str]) -> Iterator[tuple[int, Key]]:
    """Yield each line's number, and the table that it is in."""
    table: Key = ()
    for number, line in enumerate(lines):
        if header := _HEADER.fullmatch(line):
            table = tuple(name.strip() for name in header[1].split("."))
        yield number, table


def _add(lines: list[str], table: Key, line: str) -> None:
    """Put a line at the end of a table, which is put at the end of the file where it is not there."""
    inside = [number for number, other in _tables(lines) if other == table and lines[number].strip()]
    if inside:
        lines.insert(inside[-1] + 1, line)
    else:
        while lines and not lines[-1].strip():
            lines.pop()
        lines += ["", f"[{dotted(table)}]", line, ""]
