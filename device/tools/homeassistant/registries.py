"""What Home Assistant has, as far as this device may use it: kept current by what it tells. No I/O.

The shapes are those of Home Assistant's WebSocket API: `config/*_registry/*` and `subscribe_entities`, whose events
hold only what has changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from device.kit.outsiders import one_line
from device.ports.home import Place, Thing
from device.tools.home.listing import names_of

NAME = "Home Assistant"

_KEPT = (
    "friendly_name",
    "brightness",
    "rgb_color",
    "color_temp_kelvin",
    "supported_color_modes",
    "current_position",
    "percentage",
    "temperature",
    "current_temperature",
    "unit_of_measurement",
    "device_class",
    "hvac_action",
    "media_title",
    "volume_level",
)
"""The attributes that are of use here. A house of 2,000 things is held in memory."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What the registries know of an entity."""

    names: tuple[str, ...] = ()
    place: Place | None = None


def places_of(areas: Iterable[Mapping[str, Any]], floors: Iterable[Mapping[str, Any]]) -> dict[str, Place]:
    """Return the rooms by their ids, from `config/area_registry/list` and `config/floor_registry/list`."""
    on = {floor["floor_id"]: names_of(floor.get("name"), floor.get("aliases")) for floor in floors}
    return {
        area["area_id"]: Place(
            area["area_id"],
            names_of(area.get("name"), area.get("aliases")) or (one_line(area["area_id"]),),
            on.get(area.get("floor_id"), ()),
        )
        for area in areas
    }


def entries_of(
    entities: Mapping[str, Mapping[str, Any] | None],
    devices: Iterable[Mapping[str, Any]],
    places: Mapping[str, Place],
) -> dict[str, Entry]:
    """Return what is known of entities, from `config/entity_registry/get_entries` and `config/device_registry/list`.

    An entity is where it is said to be, or else where its device is.
    """
    rooms = {device["id"]: device.get("area_id") for device in devices}
    found = {}
    for entity, about in entities.items():
        if about is None:
            continue
        room = about.get("area_id") or rooms.get(about.get("device_id"))
        found[entity] = Entry(names_of(about.get("name"), about.get("aliases")), places.get(room or ""))
    return found


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

    def apply(self, event: Mapping[str, Any]) -> None:
        """Take in an event of `subscribe_entities`: "a" was added, "c" has changed, "r" was removed."""
        for entity, whole in (event.get("a") or {}).items():
            self._things[entity] = self._made(entity, whole)
        for entity, change in (event.get("c") or {}).items():
            if (thing := self._things.get(entity)) is not None:
                self._things[entity] = _changed(thing, change)
        for entity in event.get("r") or ():
            self._things.pop(entity, None)

    def _made(self, entity: str, whole: Mapping[str, Any]) -> Thing:
        entry = self._entries.get(entity, Entry())
        attributes = _of_use(whole.get("a") or {})
        shown = names_of(attributes.get("friendly_name"), ())
        named = tuple(dict.fromkeys((*shown, *entry.names))) or (one_line(entity.partition(".")[2].replace("_", " ")),)
        return Thing(entity, named, entry.place, one_line(whole.get("s", "unknown")), attributes, NAME)


def _changed(thing: Thing, change: Mapping[str, Any]) -> Thing:
    """Return the thing with what is new ("+"), and without the attributes that are gone ("-")."""
    new, gone = change.get("+") or {}, (change.get("-") or {}).get("a") or ()
    attributes = {**thing.attributes, **_of_use(new.get("a") or {})}
    for name in gone:
        attributes.pop(name, None)
    state = one_line(new["s"]) if "s" in new else thing.state
    return replace(thing, state=state, attributes=attributes)


def _of_use(attributes: Mapping[str, Any]) -> dict[str, Any]:
    return {name: attributes[name] for name in _KEPT if name in attributes}
