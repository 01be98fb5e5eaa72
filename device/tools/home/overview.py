"""A short overview of a home for the model: which rooms there are, and which words for what is in them. No I/O.

It need not be complete, since whatever people say is looked up on the device. With it the model knows that "movie
night" is something here, and takes a misheard word for one that there is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from device.kit.outsiders import within_marks
from device.ports.home import Thing
from device.tools.home.naming import telling_words

_MOST_MISSES = 12
"""So many names that are too long are passed over for a shorter one, in a house of any size."""
_EVERYWHERE = ""
"""Where things are that are in no room: scenes, scripts."""
_BY_NAME_ALONE = ("scene", "script")
_MEASURING = ("sensor", "binary_sensor")


def overview(things: Iterable[Thing], longest: int) -> str:
    """Return it in at most `longest` bytes of JSON; "" where there is nothing, or no room for the names of all rooms.

    Every room is named; then one thing of each room after the other is, while there is room.
    """
    groups = _groups(things)
    told: dict[str, list[str]] = {room: [] for room in groups}
    left = longest - _size(_said(told))
    if not groups or left < 0:
        return ""
    misses = 0
    for room, name in _in_turn(groups):
        # With what stands before it: ", " or ": " or "; ".
        if (size := _size(name) + 2) <= left:
            told[room].append(name)
            left -= size
        elif (misses := misses + 1) > _MOST_MISSES:
            break
    return _said(told) if any(told) or any(told.values()) else ""


def _groups(things: Iterable[Thing]) -> dict[str, list[Thing]]:
    """Return the things by the names of their rooms, those of no room first, what is most worth telling first."""
    found: dict[str, list[Thing]] = {}
    for thing in things:
        found.setdefault(thing.place.name if thing.place else _EVERYWHERE, []).append(thing)
    return {room: sorted(found[room], key=_rank) for room in sorted(found, key=lambda room: (room.casefold(), room))}


def _rank(thing: Thing) -> tuple[int, str, str]:
    kind = 0 if thing.domain in _BY_NAME_ALONE else 2 if thing.domain in _MEASURING else 1
    return kind, thing.name.casefold(), thing.id


def _in_turn(groups: Mapping[str, Sequence[Thing]]) -> Iterator[tuple[str, str]]:
    """Yield rooms with what something in them is called: of each room one thing, then of each another one."""
    waiting = {room: _names(things) for room, things in groups.items()}
    while waiting:
        for room, names in list(waiting.items()):
            if (name := next(names, None)) is None:
                del waiting[room]
            else:
                yield room, name


def _names(things: Sequence[Thing]) -> Iterator[str]:
    """Yield what things are called beside their kind and room: what only somebody knows who lives there."""
    told: set[str] = set()
    for thing in things:
        name = thing.name if thing.domain in _BY_NAME_ALONE else " ".join(telling_words(thing))
        if name and name not in told:
            told.add(name)
            yield name


def _said(told: Mapping[str, Sequence[str]]) -> str:
    parts = [f"{room}: {', '.join(names)}" if names else room for room, names in told.items() if room != _EVERYWHERE]
    if everywhere := told.get(_EVERYWHERE):
        parts.append(", ".join(everywhere))
    return f"Here, among others: {within_marks('; '.join(parts))}"


def _size(text: str) -> int:
    return len(msgspec.json.encode(text)) - 2
