"""Tables of settings laid over each other, later ones on top: what holds then, and which layer each value is from."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from device.kit.words import shown
from device.settings import Key

_PLAIN_KEY = re.compile(r"[A-Za-z0-9_-]+")


def dotted(key: Sequence[str]) -> str:
    """Return a key as it is written in a file and after --set."""
    return ".".join(name if _PLAIN_KEY.fullmatch(name) else shown(name) for name in key)


@dataclass(frozen=True, slots=True)
class Layer:
    """A table of settings, and the place where a person can change it: a file's path, "--set", a board."""

    place: str
    table: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Layered:
    """What holds when layers lie on each other. Tables merge; any other value takes the place of what was there."""

    table: dict[str, Any] = field(default_factory=dict)
    origins: dict[Key, str] = field(default_factory=dict)
    """The place of each value, and of each table: where it was last added to. What is built in has none."""

    def place(self, key: Key) -> str:
        """Return where a key was set, or else where the nearest table around it was; "" when nobody has set either."""
        return next((self.origins[part] for part in _outwards(key) if part in self.origins), "")

    def has(self, key: Key) -> bool:
        """Tell whether some layer says something of it, even if it is what is built in."""
        return key in self.origins

    def value(self, key: Key) -> Any:
        """Return what is said of it; None where no layer says anything."""
        found: Any = self.table
        for name in key:
            found = found.get(name) if isinstance(found, Mapping) else None
        return found


def _outwards(key: Key) -> Iterator[Key]:
    yield from (key[:length] for length in range(len(key), 0, -1))


def lay(layers: Iterable[Layer]) -> Layered:
    """Lay tables over each other, the first at the bottom; they stay as they are."""
    laid = Layered()
    for layer in layers:
        _add(laid, layer)
    return laid


def _add(laid: Layered, layer: Layer) -> None:
    # Without recursion, for a table may be deep.
    pending: list[tuple[Key, dict[str, Any], Mapping[str, Any]]] = [((), laid.table, layer.table)]
    while pending:
        path, below, above = pending.pop()
        for name, value in above.items():
            key = (*path, name)
            merges = isinstance(value, Mapping) and isinstance(below.get(name), dict)
            if name in below and not merges:
                _forget(laid.origins, key)
            laid.origins[key] = layer.place
            if isinstance(value, Mapping):
                below[name] = below[name] if merges else {}
                pending.append((key, below[name], value))
            else:
                below[name] = value


def _forget(origins: dict[Key, str], key: Key) -> None:
    for other in [other for other in origins if other[: len(key)] == key]:
        del origins[other]
