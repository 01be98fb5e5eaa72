"""The commands of Home Assistant's WebSocket API that read and write what a home has, as 2026.11 answers them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from device.sim.home.entities import Area, Entity, Floor, RefusedError

if TYPE_CHECKING:
    from device.sim.home.homeassistant import SimulatedHome

Given = Mapping[str, Any]
Answer = Callable[["SimulatedHome", Given], Any]

FOR_ADMINISTRATORS = frozenset(
    {
        "config/area_registry/create",
        "config/area_registry/update",
        "config/floor_registry/create",
        "config/device_registry/update",
        "config/entity_registry/update",
        "homeassistant/expose_entity",
        "homeassistant/expose_entity/list",
        "input_boolean/create",
    }
)


def answer(home: SimulatedHome, kind: str, given: Given) -> Any:
    """Return the result of a command. Raise RefusedError."""
    if (command := _COMMANDS.get(kind)) is None:
        raise RefusedError("unknown_command", "Unknown command.")
    return command(home, given)


def whole(entity: Entity) -> dict[str, Any]:
    """Return an entity as an event of `subscribe_entities` first tells of it."""
    return {"s": entity.state, "a": {"friendly_name": entity.friendly_name, **entity.attributes}, "c": "x", "lc": 0.0}


# -- reading


def _areas(home: SimulatedHome, given: Given) -> Any:
    return [_area(key, area) for key, area in home.areas.items()]


def _floors(home: SimulatedHome, given: Given) -> Any:
    return [_floor(key, floor) for key, floor in home.floors.items()]


def _area(key: str, area: Area) -> dict[str, Any]:
    return {"area_id": key, "name": area.name, "aliases": list(area.aliases), "floor_id": area.floor}


def _floor(key: str, floor: Floor) -> dict[str, Any]:
    return {"floor_id": key, "name": floor.name, "aliases": list(floor.aliases), "level": None}


def _devices(home: SimulatedHome, given: Given) -> Any:
    return [
        {
            "id": _device_of(key),
            "area_id": entity.area,
            "name": entity.name,
            "name_by_user": entity.renamed,
            "manufacturer": entity.maker,
        }
        for key, entity in home.entities.items()
        if entity.registered
    ]


def _device_of(entity: str) -> str:
    return f"device of {entity}"


def _entries(home: SimulatedHome, given: Given) -> Any:
    return {key: _entry(home, key) for key in given["entity_ids"]}


def _entry(home: SimulatedHome, key: str) -> dict[str, Any] | None:
    entity = home.entities.get(key)
    if entity is None or not entity.registered:
        return None
    return {
        "entity_id": key,
        "name": entity.own_name,
        # Null stands for the name itself.
        "aliases": [None, *entity.aliases],
        "area_id": None,
        "device_id": _device_of(key),
    }


def _exposed(home: SimulatedHome, given: Given) -> Any:
    return {"exposed_entities": {key: {"conversation": True} for key, one in home.entities.items() if one.exposed}}


def _states(home: SimulatedHome, given: Given) -> Any:
    return [
        {"entity_id": key, "state": entity.state, "attributes": whole(entity)["a"]}
        for key, entity in home.entities.items()
    ]


def _config(home: SimulatedHome, given: Given) -> Any:
    return {"state": home.state, "version": home.version}


# -- writing


def _create_area(home: SimulatedHome, given: Given) -> Any:
    key = _new_key(given["name"], home.areas)
    home.areas[key] = Area(given["name"], given.get("floor_id"), tuple(given.get("aliases", ())))
    home.change_registry("area")
    return _area(key, home.areas[key])


def _update_area(home: SimulatedHome, given: Given) -> Any:
    area = home.areas[given["area_id"]]
    area.name = given.get("name", area.name)
    area.floor = given.get("floor_id", area.floor)
    area.aliases = tuple(given.get("aliases", area.aliases))
    home.change_registry("area")
    return _area(given["area_id"], area)


def _create_floor(home: SimulatedHome, given: Given) -> Any:
    key = _new_key(given["name"], home.floors)
    home.floors[key] = Floor(given["name"], tuple(given.get("aliases", ())))
    home.change_registry("floor")
    return _floor(key, home.floors[key])


def _new_key(name: str, keys: Mapping[str, object]) -> str:
    key = _slug(name)
    if key in keys:
        raise RefusedError("invalid_info", f"The name {name} ({key}) is already in use")
    return key


def _slug(name: str) -> str:
    return re.sub(r"\W+", "_", name.casefold())


def _update_device(home: SimulatedHome, given: Given) -> Any:
    key = given["device_id"].removeprefix(_device_of(""))
    entity = home.entities[key]
    entity.area = given.get("area_id", entity.area)
    entity.renamed = given.get("name_by_user", entity.renamed)
    home.change_registry("device")
    home.change(key, entity.state, friendly_name=entity.friendly_name)
    return {"id": given["device_id"], "area_id": entity.area}


def _update_entity(home: SimulatedHome, given: Given) -> Any:
    key = given["entity_id"]
    if _entry(home, key) is None:
        raise RefusedError("not_found", "Entity not found")
    entity = home.entities[key]
    if given.get("area_id") and not entity.own_name:
        why = "An entity without a name of its own cannot have an area of its own, set the area on its device instead"
        raise RefusedError("invalid_info", why)
    entity.own_name = given.get("name", entity.own_name)
    entity.aliases = tuple(alias for alias in given.get("aliases", entity.aliases) if alias)
    home.change_registry("entity")
    home.change(key, entity.state, friendly_name=entity.friendly_name)
    return {"entity_entry": _entry(home, key)}


def _expose(home: SimulatedHome, given: Given) -> Any:
    known = {key: home.entities[key] for key in given["entity_ids"] if key in home.entities}
    changed = {key: entity for key, entity in known.items() if entity.exposed != given["should_expose"]}
    for entity in changed.values():
        entity.exposed = given["should_expose"]
    if any(entity.registered for entity in changed.values()):
        # Of others nothing is told.
        home.change_registry("entity")
    return {"changed_entity_ids": list(changed)}


def _create_input_boolean(home: SimulatedHome, given: Given) -> Any:
    key = _new_key(given["name"], {name.partition(".")[2]: one for name, one in home.entities.items()})
    home.add(f"input_boolean.{key}", Entity(given["name"], exposed=False))
    return {"id": key, "name": given["name"]}


_COMMANDS: Mapping[str, Answer] = {
    "config/area_registry/list": _areas,
    "config/area_registry/create": _create_area,
    "config/area_registry/update": _update_area,
    "config/floor_registry/list": _floors,
    "config/floor_registry/create": _create_floor,
    "config/device_registry/list": _devices,
    "config/device_registry/update": _update_device,
    "config/entity_registry/get_entries": _entries,
    "config/entity_registry/update": _update_entity,
    "homeassistant/expose_entity/list": _exposed,
    "homeassistant/expose_entity": _expose,
    "input_boolean/create": _create_input_boolean,
    "get_states": _states,
    "get_config": _config,
}
