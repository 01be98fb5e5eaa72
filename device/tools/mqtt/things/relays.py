"""What a Tasmota device is, as its discovery tells it: commands written, states read. No I/O.

The fields of `config` (hatasmota's documentation, Tasmota's xdrv_12_discovery): `rl` has a number a relay, 1 for a
switch, 2 for a light, 3 twice for a shutter; `lt_st` is the kind of the light, `fn` its names, `so` its SetOptions.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from msgspec import Struct, field

from device.errors import ToolError
from device.kit.outsiders import one_line
from device.ports.home import Call, Thing
from device.tools.mqtt.things.parts import number, plain_number, simple, values_of, word

_RELAY, _LIGHT, _SHUTTER = 1, 2, 3
_MOST_RELAYS = 32
_DIMMED, _WARM, _COLOURED, _BOTH = (1, 2, 3, 4, 5), (2, 5), (3, 4, 5), (4, 5)
"""`lt_st`: 1 a dimmer, 2 cold to warm, 3 RGB, 4 RGB and white, 5 RGB and cold to warm."""

_MEASURED: Mapping[str, tuple[str, str]] = {
    "Temperature": ("temperature", ""),
    "Humidity": ("humidity", "%"),
    "Pressure": ("pressure", "hPa"),
    "Illuminance": ("illuminance", "lx"),
    "CarbonDioxide": ("carbon_dioxide", "ppm"),
    "Power": ("power", "W"),
    "Today": ("energy_today", "kWh"),
}
"""Of what a device measures: what people ask for, in which words, and its unit; of a temperature it is told."""
_MOST_SENSORS = 16
_UNNAMED = re.compile(r"Tasmota\d*")
"""What devices and relays are called until somebody gives them a name."""


class Config(Struct, frozen=True):
    """What a device says of itself, as far as it is of use here."""

    mac: str
    t: str
    ft: str
    tp: tuple[str, ...]
    rl: tuple[int, ...] = ()
    dn: str = ""
    fn: tuple[str | None, ...] = ()
    ofln: str = "Offline"
    state: tuple[str, ...] = ("OFF", "ON", "TOGGLE", "HOLD")
    so: dict[str, Any] = {}
    fan: int = field(name="if", default=0)
    lt_st: int = 0
    lk: int = 1
    sho: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Part:
    """One thing that a device is."""

    domain: str
    name: str
    number: str = ""
    """What tells it from the others of the device where a person has given it one name; "" for the first."""
    suffix: str = ""

    def read(self, before: Thing, told: Mapping[str, Any]) -> tuple[str, dict[str, Any]] | None:
        """Return the state and the attributes that a message tells; None where it says nothing of this."""
        raise NotImplementedError

    def commands(self, thing: Thing, call: Call) -> tuple[tuple[str, str], ...]:
        """Return the commands that fulfil a call. Raise ToolError where it cannot be done."""
        raise ToolError(f"{thing.name} can only be asked for its state")

    def unchanging(self) -> dict[str, Any]:
        """Return the attributes that it has before it has told anything."""
        return {}


@dataclass(frozen=True, slots=True)
class Relay(Part):
    """What is switched."""

    index: int = 1
    """Of the relay, from 1."""
    words: tuple[str, ...] = ("OFF", "ON")
    """What it calls off and on."""

    def read(self, before: Thing, told: Mapping[str, Any]) -> tuple[str, dict[str, Any]] | None:
        """Return what `POWER` says; with several relays it is numbered."""
        power = told.get(f"POWER{self.index}", told.get("POWER") if self.index == 1 else None)
        if not isinstance(power, str) or power not in self.words[:2]:
            return None
        return ("on" if power == self.words[1] else "off"), dict(before.attributes)

    def commands(self, thing: Thing, call: Call) -> tuple[tuple[str, str], ...]:
        """Return `POWER`, which understands these words whatever it calls them."""
        return ((f"POWER{self.index}", {"turn_on": "ON", "turn_off": "OFF", "toggle": "TOGGLE"}[call.service]),)


@dataclass(frozen=True, slots=True)
class Lamp(Relay):
    """A light that can be dimmed, and perhaps coloured."""

    kind: int = 1
    dimmer: str = "Dimmer"
    """The command, and the key, of its brightness in percent."""

    def unchanging(self) -> dict[str, Any]:
        """Return what it can."""
        modes = ["brightness"] if self.kind in _DIMMED else []
        modes += ["color_temp"] if self.kind in _WARM else []
        modes += ["rgb"] if self.kind in _COLOURED else []
        return {"supported_color_modes": modes or ["onoff"]}

    def read(self, before: Thing, told: Mapping[str, Any]) -> tuple[str, dict[str, Any]] | None:
        """Return what `POWER` and `Dimmer` say."""
        switched = Relay.read(self, before, told)
        bright = number(told.get(self.dimmer))
        if switched is None and bright is None:
            return None
        state, attributes = switched or (before.state, dict(before.attributes))
        if bright is not None:
            attributes["brightness"] = max(0.0, min(255.0, bright * 2.55))
        return state, attributes

    def commands(self, thing: Thing, call: Call) -> tuple[tuple[str, str], ...]:
        """Return what sets colour, then brightness, then power: unless SetOption20 is set each of them lights it."""
        commands = []
        if "rgb_color" in call.data:
            commands.append(("Color2", ",".join(str(part) for part in call.data["rgb_color"])))
        if "color_temp_kelvin" in call.data:
            # In mired, as far as most lamps go.
            commands.append(("CT", str(max(153, min(500, round(1_000_000 / call.data["color_temp_kelvin"]))))))
        if "brightness_pct" in call.data:
            commands.append((self.dimmer, str(call.data["brightness_pct"])))
        return (*commands, *Relay.commands(self, thing, call))


@dataclass(frozen=True, slots=True)
class Fan(Part):
    """A ceiling fan with three speeds (Sonoff iFan)."""

    def read(self, before: Thing, told: Mapping[str, Any]) -> tuple[str, dict[str, Any]] | None:
        """Return what `FanSpeed` says."""
        speed = number(told.get("FanSpeed"))
        if speed is None or not 0 <= speed <= 3:
            return None
        return ("on" if speed else "off"), {"percentage": round(speed * 100 / 3)}

    def commands(self, thing: Thing, call: Call) -> tuple[tuple[str, str], ...]:
        """Return `FanSpeed`: off, low, medium or high."""
        if call.service == "set_percentage":
            wanted = call.data["percentage"]
            return (("FanSpeed", str(0 if wanted == 0 else max(1, round(wanted * 3 / 100)))),)
        turned_on = call.service == "turn_on" or (call.service == "toggle" and thing.state != "on")
        return (("FanSpeed", "2" if turned_on else "0"),)


@dataclass(frozen=True, slots=True)
class Shutter(Part):
    """A blind."""

    index: int = 1
    inverted: bool = False

    def unchanging(self) -> dict[str, Any]:
        """Return that it has a position."""
        return {"current_position": "unknown"}

    def read(self, before: Thing, told: Mapping[str, Any]) -> tuple[str, dict[str, Any]] | None:
        """Return what `Shutter1` and so on say: 100 is open, unless it is turned around."""
        position = number(values_of(told.get(f"Shutter{self.index}")).get("Position"))
        if position is None or not 0 <= position <= 100:
            return None
        share = round(100 - position if self.inverted else position)
        return ("open" if share else "closed"), {"current_position": share}

    def commands(self, thing: Thing, call: Call) -> tuple[tuple[str, str], ...]:
        """Return `ShutterOpen` and the like."""
        if call.service == "set_cover_position":
            wanted = call.data["position"]
            return ((f"ShutterPosition{self.index}", str(100 - wanted if self.inverted else wanted)),)
        toggled = "Open" if thing.state == "closed" else "Close"
        verbs = {"open_cover": "Open", "close_cover": "Close", "stop_cover": "Stop", "toggle": toggled}
        return ((f"Shutter{verbs[call.service]}{self.index}", ""),)


@dataclass(frozen=True, slots=True)
class Meter(Part):
    """What is measured."""

    sensor: str = ""
    quantity: str = ""
    unit: str = ""

    def unchanging(self) -> dict[str, Any]:
        """Return what it measures."""
        return {"device_class": _MEASURED[self.quantity][0], "unit_of_measurement": self.unit}

    def read(self, before: Thing, told: Mapping[str, Any]) -> tuple[str, dict[str, Any]] | None:
        """Return what `SENSOR` says."""
        value = number(values_of(told.get(self.sensor)).get(self.quantity))
        return None if value is None else (word(plain_number(value)), self.unchanging())


def measured(sensors: Mapping[str, Any]) -> dict[str, Any]:
    """Return of what a device measures the part that is of use here: names of sensors and quantities, and the unit."""
    kept: dict[str, Any] = {"TempUnit": simple(sensors.get("TempUnit"))}
    for name, about in sensors.items():
        quantities = [quantity for quantity in _MEASURED if quantity in values_of(about)]
        if quantities and len(kept) < _MOST_SENSORS and len(name) <= 64:
            kept[name] = dict.fromkeys(quantities, 0)
    return kept


def parts_of(config: Config, sensors: Mapping[str, Any]) -> Iterator[Part]:
    """Yield what a device is."""
    yield from _switched(config)
    yield from _shutters(config)
    degrees = f"°{one_line(sensors['TempUnit'], 2)}" if sensors.get("TempUnit") else ""
    named = [name for name in sensors if isinstance(sensors[name], dict)]
    for name in named:
        for quantity in sensors[name]:
            said, unit = _MEASURED[quantity]
            suffix = said.replace("_", " ") if len(named) == 1 else f"{name} {said}".replace("_", " ")
            yield Meter("sensor", _name(config, 0), "", suffix, name, quantity, unit or degrees)


def _switched(config: Config) -> Iterator[Part]:
    relays = config.rl[:_MOST_RELAYS]
    first_light = relays.index(_LIGHT) if _LIGHT in relays else 0
    is_fan = bool(config.fan and _LIGHT in relays[:1])
    words = config.state if len(config.state) >= 2 else ("OFF", "ON")
    if config.fan:
        yield Fan("fan", _name(config, 0))
    for index, kind in enumerate(relays):
        name, numbered = _name(config, index), str(index + 1) if index else ""
        if kind == _RELAY or (is_fan and index == 0):
            domain = "light" if config.so.get("30") == 1 or is_fan else "switch"
            yield Relay(domain, name, numbered, "", index + 1, words)
        elif kind == _LIGHT:
            yield _lamp(config, Relay("light", name, numbered, "", index + 1, words), index - first_light)


def _lamp(config: Config, relay: Relay, place: int) -> Lamp:
    """Return a light: one by itself, or one of several that share the channels; `place` among these, from 0."""
    kind, dimmer = config.lt_st, "Dimmer"
    if config.so.get("68") == 1:
        kind, dimmer = 1, f"Channel{relay.index}"
    elif not config.lk and config.lt_st in _BOTH:
        # Its colours are one light, its white another.
        kind, dimmer = (3 if place == 0 else config.lt_st - 3), f"Dimmer{place + 1}"
    return Lamp("light", relay.name, relay.number, "", relay.index, relay.words, kind, dimmer)


def _shutters(config: Config) -> Iterator[Part]:
    relays = config.rl[:_MOST_RELAYS]
    for index in range(relays.count(_SHUTTER) // 2):
        numbered = str(index + 1) if index else ""
        inverted = bool(config.sho[index] & 1) if index < len(config.sho) else False
        yield Shutter("cover", _name(config, 2 * index), numbered, "", index + 1, inverted)


def _name(config: Config, index: int) -> str:
    """Return what a relay is called: its own name, or that of the device, or else the topic."""
    own = config.fn[index] if index < len(config.fn) else None
    named = (one_line(name) for name in (own, config.dn) if name and not _UNNAMED.fullmatch(name))
    return next((name for name in named if name), config.t)
