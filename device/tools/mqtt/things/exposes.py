"""What a Zigbee device can do, as Zigbee2MQTT tells it, in terms of things: states read, commands written. No I/O.

The shapes are those of its documentation, "Exposes": a specific one (light, switch, ...) has features; a generic one
(numeric, binary) stands for itself. `property` is the key in the JSON of states and of `set`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from msgspec import Struct

from device.errors import ToolError
from device.kit.outsiders import one_line
from device.ports.home import Call, Thing
from device.tools.mqtt.things.parts import number, plain_number, word

Value = bool | float | str | None

_PUBLISHED, _SETTABLE, _ASKABLE = 1, 2, 4
"""Bits of `access`."""

_MOST_EXPOSES = 256
"""So many exposes of a device are looked at: one that heats 15 rooms has 231."""
_MOST = 64
"""So many features of an expose and values of a feature are, and so many characters of a word."""

SENSORS: Mapping[str, str] = {
    "temperature": "temperature",
    "humidity": "humidity",
    "pressure": "pressure",
    "illuminance": "illuminance",
    "co2": "carbon_dioxide",
    "pm25": "dust",
    "soil_moisture": "moisture",
    "power": "power",
    "energy": "energy",
    "occupancy": "motion",
    "presence": "presence",
    "contact": "contact",
    "water_leak": "leak",
    "smoke": "smoke",
    "gas": "gas",
    "carbon_monoxide": "carbon_monoxide",
    "vibration": "vibration",
}
"""Of what a device measures: what people ask for, and in which words."""

_OF_USE = frozenset(
    {
        "state",
        "brightness",
        "color_temp",
        "color_hs",
        "color_xy",
        "position",
        "lock_state",
        "mode",
        "speed",
        "system_mode",
        "local_temperature",
        "running_state",
        "occupied_heating_setpoint",
        "current_heating_setpoint",
    }
)
"""The features that are known here."""
_SETPOINTS = ("occupied_heating_setpoint", "current_heating_setpoint")
_BRIGHTEST = 254
"""What `brightness` goes up to where nothing else is said."""


class Expose(Struct, frozen=True):
    """One of a device's capabilities, as far as it is of use here."""

    type: str = ""
    name: str = ""
    property: str = ""
    access: int = 0
    endpoint: str | None = None
    category: str | None = None
    unit: str | None = None
    value_on: Value = None
    value_off: Value = None
    value_min: float | None = None
    value_max: float | None = None
    values: tuple[Value, ...] = ()
    features: tuple[Expose, ...] = ()


@dataclass(frozen=True, slots=True)
class Skill:
    """One thing that a device is: its light, its second socket, its thermometer."""

    domain: str
    suffix: str
    """What tells it from the others of the device; "" for its only one."""
    features: Mapping[str, Expose]
    """By name."""

    @property
    def question(self) -> str:
        """The property to ask for when the state is not known; "" where it cannot be asked for."""
        asked = (one for one in self.features.values() if one.access & _ASKABLE and not one.features)
        return next((one.property for one in asked), "")

    @property
    def properties(self) -> frozenset[str]:
        """The keys that say something about it."""
        return frozenset(one.property for one in self.features.values())

    def read(self, values: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        """Return the state and the attributes that the device's values mean; "unknown" where they say nothing."""
        return _READ[self.domain](self, values)

    def written(self, thing: Thing, call: Call) -> dict[str, Any]:
        """Return what to `set`. Raise ToolError where it cannot be done."""
        write = _WRITE.get(self.domain)
        if write is None:
            raise ToolError(f"{thing.name} can only be asked for its state")
        return write(self, thing, call)

    def settable(self, thing: Thing, name: str) -> Expose:
        """Return a feature that can be set. Raise ToolError where there is none."""
        feature = self.features.get(name)
        if feature is None or not (feature.access & _SETTABLE or feature.features):
            raise ToolError(f"{thing.name} cannot do that")
        return feature


def skills_of(exposes: Iterable[Expose]) -> Iterator[Skill]:
    """Yield what a device is, by its exposes; what is of no use here is left out."""
    for expose in tuple(exposes)[:_MOST_EXPOSES]:
        if expose.type in _WRITE:
            features = {one.name: one for one in expose.features[:_MOST] if one.name in _OF_USE and _is_sane(one)}
            if features:
                yield Skill(expose.type, _suffix(expose, features.get("state")), features)
        elif _is_sane(expose) and not expose.category:
            yield from _generic(expose)


def _generic(expose: Expose) -> Iterator[Skill]:
    """Yield what is measured or noticed, and what is switched without being called a switch."""
    suffix = one_line(expose.endpoint or "")
    if expose.name in SENSORS and expose.access & _PUBLISHED:
        domain = {"numeric": "sensor", "binary": "binary_sensor"}.get(expose.type)
        if domain is not None:
            yield Skill(domain, f"{SENSORS[expose.name].replace('_', ' ')} {suffix}".strip(), {"state": expose})
    elif expose.name == "state" and expose.type == "binary" and expose.access & _SETTABLE:
        yield Skill("switch", suffix, {"state": expose})


def _suffix(expose: Expose, state: Expose | None) -> str:
    """Return what tells a thing from others of its device: a thermostat may have a switch for its child lock, too."""
    told = expose.endpoint
    if not told and expose.type == "switch" and state is not None and state.property != state.name:
        told = state.property.replace("_", " ")
    return one_line(told or "")


def _is_sane(feature: Expose) -> bool:
    """Say whether a feature is small enough to be kept, and to be published."""
    texts = (feature.property, feature.value_on, feature.value_off, *feature.values[: _MOST + 1])
    short = all(len(text) <= _MOST and text.isprintable() for text in texts if isinstance(text, str))
    return bool(feature.property) and short and len(feature.values) <= _MOST


# -- what a state means


def _switched(skill: Skill, values: Mapping[str, Any]) -> str:
    """Return the state that a binary feature has; "unknown" for a value that is neither of its two."""
    feature = skill.features.get("state")
    if feature is None or (value := values.get(feature.property)) is None:
        return "unknown"
    return "on" if value == feature.value_on else "off" if value == feature.value_off else "unknown"


def _read_switch(skill: Skill, values: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    return _switched(skill, values), {}


def _read_light(skill: Skill, values: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    names = {"brightness": "brightness", "color_temp": "color_temp", "color_hs": "hs", "color_xy": "xy"}
    attributes: dict[str, Any] = {
        "supported_color_modes": [names[name] for name in names if name in skill.features] or ["onoff"]
    }
    feature = skill.features.get("brightness")
    if feature is not None and (bright := number(values.get(feature.property))) is not None:
        attributes["brightness"] = 255 * _share(bright, _top(feature, _BRIGHTEST))
    return _switched(skill, values), attributes


def _read_cover(skill: Skill, values: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    feature = skill.features.get("position")
    if feature is not None:
        position = number(values.get(feature.property))
        if position is None:
            return "unknown", {"current_position": "unknown"}
        share = round(100 * _share(position, _top(feature, 100)))
        return ("closed" if share == 0 else "open"), {"current_position": share}
    state = skill.features.get("state")
    told = {"OPEN": "open", "CLOSE": "closed", "STOP": "stopped"}
    return told.get(word(values.get(state.property)) if state else "", "unknown"), {}


def _read_lock(skill: Skill, values: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    detailed = skill.features.get("lock_state")
    if detailed is not None and (told := word(values.get(detailed.property))):
        return told.replace("_", " "), {}
    state = skill.features.get("state")
    told = word(values.get(state.property)) if state else ""
    return {"LOCK": "locked", "UNLOCK": "unlocked"}.get(told, "unknown"), {}


def _read_fan(skill: Skill, values: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    mode, speed = skill.features.get("mode"), skill.features.get("speed")
    told = word(values.get(mode.property)) if mode else ""
    state = _switched(skill, values)
    if state == "unknown" and told:
        state = "off" if told == "off" else "on"
    if speed is not None and (turns := number(values.get(speed.property))) is not None:
        return state, {"percentage": round(100 * _share(turns, _top(speed, _BRIGHTEST)))}
    shares = _shares(mode)
    return state, {"percentage": shares[told]} if told in shares else {}


def _read_climate(skill: Skill, values: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    told = {name: values.get(one.property) for name, one in skill.features.items()}
    attributes = {
        "current_temperature": number(told.get("local_temperature")),
        "temperature": next((found for name in _SETPOINTS if (found := number(told.get(name))) is not None), None),
        "hvac_action": word(told.get("running_state")) or None,
    }
    known = {name: value for name, value in attributes.items() if value is not None}
    state = word(told.get("system_mode")) or ("on" if "temperature" in known else "unknown")
    return state, {name: plain_number(value) if isinstance(value, float) else value for name, value in known.items()}


def _read_sensor(skill: Skill, values: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    feature = skill.features["state"]
    about = {"device_class": SENSORS[feature.name], "unit_of_measurement": one_line(feature.unit or "", 20)}
    return word(values.get(feature.property)) or "unknown", about


def _read_binary(skill: Skill, values: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    return _switched(skill, values), {"device_class": SENSORS[skill.features["state"].name]}


_READ: Mapping[str, Callable[[Skill, Mapping[str, Any]], tuple[str, dict[str, Any]]]] = {
    "light": _read_light,
    "switch": _read_switch,
    "cover": _read_cover,
    "lock": _read_lock,
    "fan": _read_fan,
    "climate": _read_climate,
    "sensor": _read_sensor,
    "binary_sensor": _read_binary,
}


# -- what a call becomes


def _switching(skill: Skill, thing: Thing, call: Call) -> dict[str, Any]:
    """Return the value for it. What opens a lock is only ever written to what is known as one."""
    state = skill.settable(thing, "state")
    turned_off = call.service == "turn_off" or (call.service == "toggle" and thing.state == "on")
    value = state.value_off if turned_off else state.value_on
    if not (isinstance(value, bool) or value in ("ON", "OFF", "on", "off")):
        raise ToolError(f"{thing.name} cannot do that")
    return {state.property: value}


def _write_light(skill: Skill, thing: Thing, call: Call) -> dict[str, Any]:
    wanted = _switching(skill, thing, call)
    if "brightness_pct" in call.data:
        bright = skill.settable(thing, "brightness")
        wanted[bright.property] = round(call.data["brightness_pct"] * _top(bright, _BRIGHTEST) / 100)
    if "color_temp_kelvin" in call.data:
        warmth = skill.settable(thing, "color_temp")
        # In mired.
        wanted[warmth.property] = round(_within(warmth, 1_000_000 / call.data["color_temp_kelvin"]))
    if "rgb_color" in call.data:
        colour = skill.settable(thing, "color_hs" if "color_hs" in skill.features else "color_xy")
        wanted[colour.property] = dict(zip("rgb", call.data["rgb_color"], strict=True))
    return wanted


def _write_cover(skill: Skill, thing: Thing, call: Call) -> dict[str, Any]:
    if call.service == "set_cover_position":
        position = skill.settable(thing, "position")
        return {position.property: round(call.data["position"] * _top(position, 100) / 100)}
    state = skill.settable(thing, "state")
    toggled = "OPEN" if thing.state == "closed" else "CLOSE"
    words = {"open_cover": "OPEN", "close_cover": "CLOSE", "stop_cover": "STOP", "toggle": toggled}
    return {state.property: words[call.service]}


def _write_lock(skill: Skill, thing: Thing, call: Call) -> dict[str, Any]:
    state = skill.settable(thing, "state")
    return {state.property: {"lock": "LOCK", "unlock": "UNLOCK"}[call.service]}


def _write_fan(skill: Skill, thing: Thing, call: Call) -> dict[str, Any]:
    if call.service != "set_percentage":
        return _switching(skill, thing, call)
    wanted = call.data["percentage"]
    if wanted == 0 and "state" in skill.features:
        return _switching(skill, thing, Call("fan", "turn_off"))
    if "speed" in skill.features:
        speed = skill.settable(thing, "speed")
        top = _top(speed, _BRIGHTEST)
        return {speed.property: round(max(_within(speed, 1), wanted * top / 100))}
    mode = skill.settable(thing, "mode")
    shares = _shares(mode)
    if not shares:
        raise ToolError(f"{thing.name} has no speeds")
    return {mode.property: min(shares, key=lambda name: abs(shares[name] - wanted))}


def _write_climate(skill: Skill, thing: Thing, call: Call) -> dict[str, Any]:
    if call.service == "set_temperature":
        name = next((name for name in _SETPOINTS if name in skill.features), _SETPOINTS[0])
        setpoint, wanted = skill.settable(thing, name), call.data["temperature"]
        if _within(setpoint, wanted) != wanted:
            raise ToolError(f"{thing.name} cannot be set beyond {_within(setpoint, wanted):g} degrees")
        return {setpoint.property: wanted}
    mode = skill.settable(thing, "system_mode")
    is_off = call.service == "turn_off" or (call.service == "toggle" and thing.state != "off")
    word_for_it = next((one for one in (("off",) if is_off else ("heat", "auto")) if one in mode.values), None)
    if word_for_it is None:
        raise ToolError(f"{thing.name} cannot do that")
    return {mode.property: word_for_it}


_WRITE: Mapping[str, Callable[[Skill, Thing, Call], dict[str, Any]]] = {
    "light": _write_light,
    "switch": _switching,
    "cover": _write_cover,
    "lock": _write_lock,
    "fan": _write_fan,
    "climate": _write_climate,
}


def _within(feature: Expose, value: float) -> float:
    """Return what comes closest to a value within a feature's bounds."""
    low, high = number(feature.value_min), number(feature.value_max)
    raised = value if low is None else max(value, low)
    return raised if high is None else min(raised, high)


def _top(feature: Expose, usual: float) -> float:
    """Return what a feature goes up to."""
    top = number(feature.value_max)
    return top if top is not None and top >= 1 else usual


def _share(value: float, top: float) -> float:
    """Return how much of it that is, from 0 to 1."""
    return max(0.0, min(1.0, value / top))


def _shares(mode: Expose | None) -> dict[str, int]:
    """Return the speeds that a fan has by name, in percent."""
    if mode is None:
        return {}
    steps = {"off": 0, "low": 33, "medium": 66, "high": 100}
    return {name: steps[name] for name in steps if name in mode.values}
