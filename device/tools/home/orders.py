"""What a person may want of a thing, as the call of a service. No I/O."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from device.errors import ToolError
from device.kit.outsiders import one_line
from device.ports.home import NOT_THERE, Call, Thing

Action = Literal["on", "off", "toggle", "set", "open", "close", "stop", "lock", "unlock", "start", "run"]

COLOURS: Mapping[str, tuple[int, int, int]] = {
    "white": (255, 255, 255),
    "red": (255, 0, 0),
    "orange": (255, 120, 0),
    "yellow": (255, 220, 0),
    "green": (0, 200, 0),
    "cyan": (0, 200, 200),
    "blue": (0, 0, 255),
    "purple": (140, 0, 220),
    "pink": (255, 90, 160),
}
"""Red, green and blue, 0 to 255, of colours as people name them."""

WARMTH: Mapping[str, int] = {"warm white": 2_700, "neutral white": 4_000, "cold white": 6_000}
"""Kelvin of kinds of white."""

ColourName = Literal[
    "white",
    "red",
    "orange",
    "yellow",
    "green",
    "cyan",
    "blue",
    "purple",
    "pink",
    "warm white",
    "neutral white",
    "cold white",
]

_SWITCHED = ("light", "switch", "fan", "input_boolean", "media_player", "siren", "humidifier", "climate")


class Wish(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What is wanted of a thing."""

    action: Action
    brightness: Annotated[int, Meta(ge=0, le=100, description="of a light, in percent")] | None = None
    colour: Annotated[ColourName, Meta(description="of a light")] | None = None
    temperature: Annotated[float, Meta(ge=-30, le=100, description="of a thermostat, in its unit")] | None = None
    position: Annotated[int, Meta(ge=0, le=100, description="of a blind or a valve: 100 is open")] | None = None
    speed: Annotated[int, Meta(ge=0, le=100, description="of a fan, in percent")] | None = None
    volume: Annotated[int, Meta(ge=0, le=100, description="of a player, in percent")] | None = None


def call_for(thing: Thing, wish: Wish) -> Call:
    """Return what fulfils the wish. Raise ToolError where the thing cannot do it."""
    if thing.state == NOT_THERE[0]:
        raise ToolError(f"{thing.name} cannot be reached by {thing.source} at the moment")
    for wanted, do in _VALUES.items():
        if getattr(wish, wanted) is not None:
            return do(thing, wish)
    services = _SERVICES.get(thing.domain) or (_SWITCHING if thing.domain in _SWITCHED else {})
    service = services.get(wish.action)
    if service is None:
        able = f"it can: {', '.join(services)}" if services else "it can only be asked for its state"
        raise ToolError(f"{thing.name} cannot do that; {able}")
    return Call(thing.domain, service)


_SWITCHING: Mapping[str, str] = {
    "on": "turn_on",
    "off": "turn_off",
    "toggle": "toggle",
    "start": "turn_on",
    "stop": "turn_off",
    "run": "turn_on",
}
_SERVICES: Mapping[str, Mapping[str, str]] = {
    "cover": {"open": "open_cover", "close": "close_cover", "stop": "stop_cover", "toggle": "toggle"},
    "valve": {
        "open": "open_valve",
        "close": "close_valve",
        "stop": "stop_valve",
        "toggle": "toggle",
        "on": "open_valve",
        "off": "close_valve",
        "start": "open_valve",
    },
    "lock": {"lock": "lock", "unlock": "unlock", "open": "unlock", "close": "lock"},
    "scene": {"run": "turn_on", "on": "turn_on", "start": "turn_on"},
    "script": {"run": "turn_on", "on": "turn_on", "start": "turn_on", "stop": "turn_off", "off": "turn_off"},
    "button": {"run": "press", "on": "press", "start": "press"},
    "input_button": {"run": "press", "on": "press", "start": "press"},
    "automation": {"on": "turn_on", "off": "turn_off", "toggle": "toggle", "run": "trigger", "start": "trigger"},
    "vacuum": {"start": "start", "on": "start", "stop": "stop", "off": "return_to_base"},
}
"""For each domain that is not merely switched: what an action is called there."""

HARMLESS = frozenset({"lock", "close_cover", "stop_cover", "close_valve", "stop_valve"})
"""Services that nobody need say yes to: they leave a house closed, or a thing where it is."""


def _brightness(thing: Thing, wish: Wish) -> Call:
    if thing.domain != "light" or not set(thing.attributes.get("supported_color_modes") or ()) - {"onoff", "unknown"}:
        raise ToolError(f"{thing.name} cannot be dimmed")
    if wish.brightness == 0 or wish.action == "off":
        return Call("light", "turn_off")
    return Call("light", "turn_on", {"brightness_pct": wish.brightness, **_colour_data(thing, wish)})


def _colour(thing: Thing, wish: Wish) -> Call:
    if thing.domain != "light":
        raise ToolError(f"{thing.name} is no light, and has no colour")
    return Call("light", "turn_on", _colour_data(thing, wish))


def _colour_data(thing: Thing, wish: Wish) -> dict[str, Any]:
    if wish.colour is None:
        return {}
    modes = set(thing.attributes.get("supported_color_modes") or ())
    if wish.colour in WARMTH and "color_temp" in modes:
        return {"color_temp_kelvin": WARMTH[wish.colour]}
    if not modes & {"hs", "rgb", "rgbw", "rgbww", "xy"}:
        raise ToolError(f"{thing.name} cannot change its colour")
    return {"rgb_color": list(COLOURS.get(wish.colour, COLOURS["white"]))}


def _temperature(thing: Thing, wish: Wish) -> Call:
    if thing.domain not in ("climate", "water_heater"):
        raise ToolError(f"{thing.name} has no temperature that can be set")
    return Call(thing.domain, "set_temperature", {"temperature": wish.temperature})


def _position(thing: Thing, wish: Wish) -> Call:
    if thing.domain not in ("cover", "valve") or "current_position" not in thing.attributes:
        raise ToolError(
            f"{thing.name} can only be opened and closed"
            if thing.domain == "cover"
            else f"{thing.name} has no position"
        )
    return Call(thing.domain, f"set_{thing.domain}_position", {"position": wish.position})


def _speed(thing: Thing, wish: Wish) -> Call:
    if thing.domain != "fan":
        raise ToolError(f"{thing.name} has no speed")
    return Call("fan", "set_percentage", {"percentage": wish.speed})


def _volume(thing: Thing, wish: Wish) -> Call:
    if thing.domain != "media_player":
        raise ToolError(f"{thing.name} has no volume")
    return Call("media_player", "volume_set", {"volume_level": (wish.volume or 0) / 100})


_VALUES: Mapping[str, Callable[[Thing, Wish], Call]] = {
    "brightness": _brightness,
    "colour": _colour,
    "temperature": _temperature,
    "position": _position,
    "speed": _speed,
    "volume": _volume,
}
"""The values that a wish may hold, and who makes a call of them."""


def told(thing: Thing) -> str:
    """Return the state of a thing in words: "on, brightness 40 percent"."""
    attributes = thing.attributes
    unit = attributes.get("unit_of_measurement")
    parts = [f"{thing.state} {one_line(unit, 20)}" if unit else _STATES.get((thing.domain, thing.state), thing.state)]
    if isinstance(bright := attributes.get("brightness"), (int, float)):
        parts.append(f"brightness {round(bright / 2.55)} percent")
    for name, form in _TOLD.items():
        if isinstance(value := attributes.get(name), (int, float, str)) and value != "":
            parts.append(form.format(one_line(value)))
    return ", ".join(parts)


_STATES = {("binary_sensor", "on"): "on (detected or open)", ("binary_sensor", "off"): "off (clear or closed)"}
_TOLD = {
    "current_position": "{} percent open",
    "percentage": "speed {} percent",
    "current_temperature": "it is {} degrees there",
    "temperature": "set to {} degrees",
    "hvac_action": "{}",
    "media_title": "playing {}",
}
"""The attributes that are told beside the state, in this order."""
