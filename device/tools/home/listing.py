"""What of a home may be used, and how much of it is told: texts from outside are bounded. No I/O."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from device.kit.outsiders import are_data, one_line
from device.ports.home import Place, Thing

AS_DATA = are_data("Names and states", "the home")
"""What a tool that tells them says of them."""


def names_of(name: object, others: object) -> tuple[str, ...]:
    """Return the names that are some, each once. Aliases may hold null, for the name itself."""
    texts = [name, *(others if isinstance(others, (list, tuple)) else ())]
    return tuple(dict.fromkeys(short for text in texts if isinstance(text, str) and (short := one_line(text))))


def chosen(entities: Sequence[str], allow: Sequence[str], deny: Sequence[str], rooms: Mapping[str, str]) -> list[str]:
    """Return those of the entities that are allowed (an empty list allows all) and not denied.

    Both lists hold entities ("light.kitchen"), domains ("light") and rooms by id ("kitchen"); `rooms` says for an
    entity in which it is. What is denied stays so, whatever allows it.
    """

    def is_in(entity: str, among: Sequence[str]) -> bool:
        return is_listed(entity, rooms.get(entity, ""), among)

    return [entity for entity in entities if (not allow or is_in(entity, allow)) and not is_in(entity, deny)]


def is_listed(entity: str, room: str, among: Sequence[str]) -> bool:
    """Say whether a list of the configuration names an entity, its domain or the id of its room ("" for none)."""
    return bool({entity, entity.partition(".")[0], room} & set(among) - {""})


@lru_cache(maxsize=4_096)
def slug(text: str) -> str:
    """Return a text as it stands in an id: "Kitchen/Ceiling Lamp" is "kitchen_ceiling_lamp"."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return "_".join(re.findall(r"[^\W_]+", "".join(letter for letter in plain if not unicodedata.combining(letter))))


def is_guarded(thing: Thing, among: Sequence[str]) -> bool:
    """Say whether a list of what is forbidden, or needs a yes, names a thing: as in `is_listed`, or by any name that
    it, its room or its device has. So nothing gets around such a list by its spelling."""
    if not among:
        return False
    room = (thing.place.id, *thing.place.names) if thing.place else ()
    names = (thing.id, thing.domain, thing.device, *thing.names, *room)
    return bool({slug(name) for name in names} & {slug(name) for name in among} - {""})


def united(sources: Iterable[Iterable[Thing]]) -> list[Thing]:
    """Return the things of all sources. What two of them have, under one name in one room, is that of the first.

    So a lamp that Home Assistant has from the same broker is there once; a room that one of them does not know does
    not tell them apart.
    """
    found: list[Thing] = []
    taken: dict[tuple[str, str], list[Place | None]] = {}
    for things in sources:
        new = [thing for thing in things if not _is_taken(thing, taken)]
        for thing in new:
            taken.setdefault(_shown(thing), []).append(thing.place)
        found.extend(new)
    return found


def _is_taken(thing: Thing, taken: Mapping[tuple[str, str], Sequence[Place | None]]) -> bool:
    return any(_may_be_same(thing.place, place) for place in taken.get(_shown(thing), ()))


def _may_be_same(one: Place | None, other: Place | None) -> bool:
    if one is None or other is None:
        return True
    return bool({name.casefold() for name in one.names} & {name.casefold() for name in other.names})


def _shown(thing: Thing) -> tuple[str, str]:
    return thing.domain, thing.name.casefold()
