"""How things are called: by name and alias, alone or with their room."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Protocol

from device.settings import Mistake


class Named(Protocol):
    """What a person says about how a thing is called."""

    @property
    def room(self) -> str:
        """Where it is; "" where that does not matter."""

    @property
    def aliases(self) -> tuple[str, ...]:
        """What it is called, too."""


def spoken_name(name: str) -> str:
    """Return a thing's name as people say it."""
    return " ".join(name.replace("_", " ").replace("-", " ").lower().split())


def spoken_forms(things: Mapping[str, Named]) -> dict[str, str]:
    """Return all that people may call the things, and which is meant. What several are called needs the room with it,
    as long as that tells them apart."""
    meant: defaultdict[str, set[str]] = defaultdict(set)
    for name, thing in things.items():
        for form in _forms(name, thing):
            meant[form].add(name)
    return {form: names.pop() for form, names in meant.items() if len(names) == 1}


def _forms(name: str, thing: Named) -> Iterator[str]:
    room = spoken_name(thing.room)
    for called in (spoken_name(name), *map(spoken_name, thing.aliases)):
        yield called
        if room and room not in called:
            yield f"{room} {called}"
            yield f"{called} in the {room}"


def clashes(things: Mapping[str, Named]) -> Iterator[Mistake]:
    """Yield what keeps a thing from being called by what it should be called by."""
    forms = spoken_forms(things)
    for name, thing in things.items():
        for called in (name, *thing.aliases):
            if not any(forms.get(form) == name for form in _forms(called, _Called(thing.room))):
                yield Mistake(name, f': something else is called "{spoken_name(called)}", too; {_way_out(thing)}')


class _Called:
    """A thing under one of its names."""

    def __init__(self, room: str) -> None:
        self.room = room
        self.aliases: tuple[str, ...] = ()


def _way_out(thing: Named) -> str:
    return "give one of them another name" if thing.room else "give both their room, or one another name"


def listed(things: Mapping[str, Named]) -> str:
    """Return the things in words, for a tool's description: "lamp (bedroom; also: night light), fan"."""
    return ", ".join(_listed(name, thing) for name, thing in things.items())


def _listed(name: str, thing: Named) -> str:
    also = f"also: {', '.join(map(spoken_name, thing.aliases))}" if thing.aliases else ""
    more = "; ".join(filter(None, (spoken_name(thing.room), also)))
    return f"{spoken_name(name)} ({more})" if more else spoken_name(name)
