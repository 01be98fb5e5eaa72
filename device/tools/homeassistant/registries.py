"""What Home Assistant has, as far as this device may use it: kept current by what it tells. No I/O."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from msgspec import UNSET

from device.kit.outsiders import LONGEST_NAME, one_line
from device.ports.home import MAKER, Place, Thing
from device.tools.home.listing import names_of
from device.tools.homeassistant.messages import Area, Attributes, Change, Device, Event, Floor, Registered, Whole

NAME = "Home Assistant"

_KEPT = tuple(name for name in Attributes.__struct_fields__ if name != "friendly_name")


@dataclass(frozen=True, slots=True)
class Entry:
    """What the registries know of an entity."""

    names: tuple[str, ...] = ()
    place: Place | None = None


def places_of(areas: Iterable[Area], floors: Iterable[Floor]) -> dict[str, Place]:
    """Return the rooms by their ids."""
    on = {floor.floor_id: names_of(floor.name, floor.aliases) for floor in floors}
    return {
        area.area_id: Place(
            area.area_id,
            names_of(area.name, area.aliases) or (one_line(area.area_id),),
            on.get(area.floor_id or "", ()),
        )
        for area in areas
    }


def entries_of(
    entities: Mapping[str, Registered | None], devices: Iterable[Device], places: Mapping[str, Place]
) -> dict[str, Entry]:
    """Return what the registries know of entities. One is where it is said to be, or else where its device is."""
    rooms = {device.id: device.area_id for device in devices}
    found = {}
    for entity, about in entities.items():
        if about is not None:
            room = about.area_id or rooms.get(about.device_id or "")
            found[entity] = Entry(names_of(about.name, about.aliases), places.get(room or ""))
    return found


def of_speakers(entities: Mapping[str, Registered | None], devices: Iterable[Device]) -> frozenset[str]:
    """Return those entities that belong to a speaker like this one: a mute is nothing that a model may switch."""
    speakers = {device.id for device in devices if device.manufacturer == MAKER}
    return frozenset(entity for entity, about in entities.items() if about is not None and about.device_id in speakers)


class Things:
    """All that may be used, by entity id."""

    def __init__(self, entries: Mapping[str, Entry] | None = None) -> None:
        self._entries = dict(entries or {})
        self._things: dict[str, Thing] = {}

    def __iter__(self) -> Iterator[Thing]:
        return iter(self._things.values())

    def __len__(self) -> int:
        return len(self._things)

    def get(self, entity: str) -> Thing | None:
        """Return it; None for one that is not there."""
        return self._things.get(entity)

    def apply(self, event: Event) -> None:
        """Take in what has happened to entities."""
        for entity, whole in event.a.items():
            self._things[entity] = self._made(entity, whole)
        for entity, change in event.c.items():
            if (thing := self._things.get(entity)) is not None:
                self._things[entity] = self._changed(thing, change)
        for entity in event.r:
            self._things.pop(entity, None)

    def _made(self, entity: str, whole: Whole) -> Thing:
        entry = self._entries.get(entity, _UNREGISTERED)
        state = _state("unknown" if whole.s is UNSET else whole.s)
        return Thing(entity, _called(entity, entry, whole.a), entry.place, state, _of_use({}, whole.a), NAME)

    def _changed(self, thing: Thing, change: Change) -> Thing:
        """Return the thing with what is new, and without the attributes that are gone."""
        attributes = _of_use(thing.attributes, change.new.a)
        for name in change.gone.a:
            attributes.pop(name, None)
        state = thing.state if change.new.s is UNSET else _state(change.new.s)
        if change.new.a.friendly_name is UNSET:
            return replace(thing, state=state, attributes=attributes)
        names = _called(thing.id, self._entries.get(thing.id, _UNREGISTERED), change.new.a)
        return replace(thing, names=names, state=state, attributes=attributes)


_UNREGISTERED = Entry()


def _called(entity: str, entry: Entry, attributes: Attributes) -> tuple[str, ...]:
    """Return the names of an entity: what is shown of it, what the registries call it, or else its id."""
    shown = names_of(attributes.friendly_name, ())
    return tuple(dict.fromkeys((*shown, *entry.names))) or (one_line(entity.partition(".")[2].replace("_", " ")),)


def _state(state: object) -> str:
    """Return a state, most of which many things have."""
    return sys.intern(one_line(state))


def _of_use(before: Mapping[str, Any], new: Attributes) -> dict[str, Any]:
    """Return attributes with those that are new; one that is null is not there."""
    attributes = dict(before)
    for name in _KEPT:
        if (value := getattr(new, name)) is None:
            attributes.pop(name, None)
        elif value is not UNSET:
            # Many things have the same unit or class.
            attributes[name] = sys.intern(value) if isinstance(value, str) and len(value) <= LONGEST_NAME else value
    return attributes
