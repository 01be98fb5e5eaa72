"""What services do to things, and which they refuse: as Home Assistant 2026.11 with its integration `demo`. No I/O."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from device.sim.home.entities import Entity, RefusedError

Change = tuple[str, dict[str, Any]]
"""A new state, and attributes that are new."""

_BRIGHT = 180
"""How bright a light is that was never dimmed."""
_DARK = ("brightness", "color_mode", "rgb_color", "color_temp_kelvin")
"""What a light has only while it is on: None otherwise."""
_SWITCHED = ("light", "switch", "fan", "input_boolean", "media_player", "siren", "humidifier", "climate", "automation")


def effect_of(domain: str, service: str, data: Mapping[str, Any]) -> Callable[[Entity], Change]:
    """Return what a service does to each thing. Raise RefusedError for one that there is not, and for wrong data."""
    if domain in _SWITCHED and service in _SWITCHING:
        percent = data.get("brightness_pct", 0)
        if not 0 <= percent <= 100:
            raise RefusedError("invalid_format", "expected a percentage between 0 and 100 at 'brightness_pct'")
        if domain == "light":
            return lambda entity: _light(entity, service, data)
        return lambda entity: (_switched(entity, service), {})
    if (domain, service) in _STATES:
        return lambda entity: (_STATES[domain, service], {})
    if (domain, service) in _SET:
        return lambda entity: _SET[domain, service](entity, data)
    raise RefusedError("not_found", f"Service {domain}.{service} not found.")


_SWITCHING = {"turn_on": "on", "turn_off": "off", "toggle": ""}
_STATES = {
    ("cover", "open_cover"): "open",
    ("cover", "close_cover"): "closed",
    ("valve", "open_valve"): "open",
    ("valve", "close_valve"): "closed",
    ("lock", "lock"): "locked",
    ("lock", "unlock"): "unlocked",
    ("scene", "turn_on"): "2026-11-29T21:55:53.402407+00:00",
    ("script", "turn_on"): "off",
    ("script", "turn_off"): "off",
    ("vacuum", "start"): "cleaning",
    ("vacuum", "stop"): "idle",
    ("vacuum", "return_to_base"): "docked",
}


def _switched(entity: Entity, service: str) -> str:
    return _SWITCHING[service] or ("off" if entity.state == "on" else "on")


def _light(entity: Entity, service: str, data: Mapping[str, Any]) -> Change:
    state = _switched(entity, service)
    if state == "off":
        return state, dict.fromkeys(name for name in _DARK if name in entity.attributes)
    new: dict[str, Any] = {}
    if set(entity.attributes.get("supported_color_modes", ("onoff",))) - {"onoff"}:
        percent = data.get("brightness_pct")
        new["brightness"] = round(percent * 2.55) if percent else entity.attributes.get("brightness") or _BRIGHT
    if "rgb_color" in data:
        new |= {"color_mode": "hs", "rgb_color": list(data["rgb_color"]), "color_temp_kelvin": None}
    if "color_temp_kelvin" in data:
        new |= {"color_mode": "color_temp", "color_temp_kelvin": data["color_temp_kelvin"]}
    return state, new


def _position(entity: Entity, data: Mapping[str, Any]) -> Change:
    if "current_position" not in entity.attributes:
        raise RefusedError(
            "service_validation_error",
            f"Validation error: {entity.name} does not support action cover.set_cover_position",
        )
    return ("open" if data["position"] else "closed"), {"current_position": data["position"]}


def _temperature(entity: Entity, data: Mapping[str, Any]) -> Change:
    least, most, wanted = (
        entity.attributes.get("min_temp", 7),
        entity.attributes.get("max_temp", 35),
        data["temperature"],
    )
    if not least <= wanted <= most:
        raise RefusedError(
            "service_validation_error",
            f"Validation error: Provided temperature {wanted:.1f} is not valid. Accepted range is {least} to {most}",
        )
    return entity.state, {"temperature": wanted}


_SET: Mapping[tuple[str, str], Callable[[Entity, Mapping[str, Any]], Change]] = {
    ("cover", "set_cover_position"): _position,
    ("valve", "set_valve_position"): _position,
    ("climate", "set_temperature"): _temperature,
    ("water_heater", "set_temperature"): _temperature,
    ("fan", "set_percentage"): lambda entity, data: (
        "on" if data["percentage"] else "off",
        {"percentage": data["percentage"]},
    ),
    ("media_player", "volume_set"): lambda entity, data: (entity.state, {"volume_level": data["volume_level"]}),
}
