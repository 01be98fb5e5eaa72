"""A simulated Zigbee2MQTT with its devices, at a real broker: as its documentation says ("MQTT topics and messages",
"Exposes"), and strict about what it is told."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from device.sim.home.station import Station

_ALL, _SEEN = 7, 1
"""Bits of `access`: told, set and asked for; only told."""


def switched(kind: str = "switch", *more: dict[str, Any]) -> dict[str, Any]:
    """Return the exposes of what is switched: a switch, a light, a fan."""
    state = {
        "type": "binary",
        "name": "state",
        "property": "state",
        "access": _ALL,
        "value_on": "ON",
        "value_off": "OFF",
        "value_toggle": "TOGGLE",
    }
    return {"type": kind, "features": [state, *more]}


def ranged(name: str, low: float, high: float, unit: str = "") -> dict[str, Any]:
    """Return the feature of a number that can be set."""
    more = {"unit": unit} if unit else {}
    about = {"type": "numeric", "name": name, "property": name, "access": _ALL}
    return {**about, "value_min": low, "value_max": high, **more}


def chosen(name: str, *values: str, access: int = _ALL) -> dict[str, Any]:
    """Return the feature of a word among some."""
    return {"type": "enum", "name": name, "property": name, "access": access, "values": list(values)}


def coloured() -> dict[str, Any]:
    """Return the feature of a colour."""
    parts = [{"type": "numeric", "name": name, "property": name, "access": _ALL} for name in ("x", "y")]
    return {"type": "composite", "name": "color_xy", "property": "color", "features": parts}


def cover() -> dict[str, Any]:
    """Return the exposes of a blind."""
    state = chosen("state", "OPEN", "CLOSE", "STOP", access=3)
    return {"type": "cover", "features": [state, ranged("position", 0, 100)]}


def lock() -> dict[str, Any]:
    """Return the exposes of a lock."""
    state = {"type": "binary", "name": "state", "property": "state", "access": _ALL}
    state |= {"value_on": "LOCK", "value_off": "UNLOCK"}
    return {"type": "lock", "features": [state, chosen("lock_state", "locked", "unlocked", access=_SEEN)]}


def climate() -> dict[str, Any]:
    """Return the exposes of a radiator's thermostat."""
    measured = {"type": "numeric", "name": "local_temperature", "property": "local_temperature", "access": 5}
    modes = chosen("system_mode", "off", "auto", "heat")
    return {"type": "climate", "features": [ranged("occupied_heating_setpoint", 5, 30, "°C"), measured, modes]}


def measured(name: str, unit: str) -> dict[str, Any]:
    """Return the expose of what is measured."""
    return {"type": "numeric", "name": name, "property": name, "access": _SEEN, "unit": unit}


def noticed(name: str, on: bool = True) -> dict[str, Any]:
    """Return the expose of what is noticed; a contact is on while it is not closed."""
    about = {"type": "binary", "name": name, "property": name, "access": _SEEN}
    return {**about, "value_on": on, "value_off": not on}


@dataclass
class ZigbeeDevice:
    """A device: what it exposes, and its state."""

    exposes: list[dict[str, Any]]
    state: dict[str, Any] = field(default_factory=dict)
    battery: bool = False
    silent: bool = False
    """It does what it is told, and does not say so."""

    def accepts(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield the properties that can be set, with what describes them."""
        for expose in self.exposes:
            for feature in expose.get("features", [expose]):
                if feature.get("access", 0) & 2 or "features" in feature:
                    yield feature["property"], feature


class SimulatedZigbee2Mqtt(Station):
    """Zigbee2MQTT, and its devices by their friendly names."""

    def __init__(self, port: int, devices: Mapping[str, ZigbeeDevice], base: str = "zigbee2mqtt") -> None:
        super().__init__(port, (f"{base}/bridge/state", json.dumps({"state": "offline"})))
        self.base = base
        self.devices = dict(devices)
        self.refused: list[str] = []
        """Of what it was told, what its devices do not understand."""

    def patterns(self) -> tuple[str, ...]:
        """Listen as Zigbee2MQTT does: to everything below its base topic."""
        return (f"{self.base}/#",)

    def arrive(self) -> None:
        """Tell that it runs, and what there is."""
        self.publish(f"{self.base}/bridge/state", {"state": "online"}, retain=True)
        self.tell_devices()

    def tell_devices(self) -> None:
        """Tell what there is."""
        coordinator = {"ieee_address": "0x00", "type": "Coordinator", "friendly_name": "Coordinator"}
        self.publish(
            f"{self.base}/bridge/devices",
            [coordinator | {"definition": None}, *(self._told(*one) for one in enumerate(self.devices.items(), 1))],
            retain=True,
        )

    def tell_availability(self, name: str, there: bool) -> None:
        """Tell whether a device answers."""
        told = {"state": "online" if there else "offline"}
        self.publish(f"{self.base}/{name}/availability", told, retain=True)

    def change(self, name: str, **state: Any) -> None:
        """Something has changed in the home."""
        self.devices[name].state.update(state)
        self.publish(f"{self.base}/{name}", self.devices[name].state)

    def obey(self, topic: str, payload: str) -> None:
        """Set, or tell, what is asked for."""
        name, _, verb = topic.removeprefix(f"{self.base}/").rpartition("/")
        device = self.devices.get(name)
        if device is None or verb not in ("set", "get"):
            return
        if verb == "set":
            accepted = dict(device.accepts())
            for key, value in json.loads(payload).items():
                if key in accepted and _is_right(accepted[key], value):
                    self._apply(device, key, value)
                else:
                    self.refused.append(f"{name}: {key} = {value!r}")
        if not device.silent:
            self.publish(f"{self.base}/{name}", device.state)

    def _apply(self, device: ZigbeeDevice, key: str, value: Any) -> None:
        device.state[key] = value
        if value in ("OPEN", "CLOSE"):
            device.state["position"] = 100 if value == "OPEN" else 0
        if value in ("LOCK", "UNLOCK"):
            device.state["lock_state"] = f"{value.lower()}ed"
        if key in ("brightness", "color", "color_temp"):
            device.state["state"] = "ON"

    def _told(self, number: int, named: tuple[str, ZigbeeDevice]) -> dict[str, Any]:
        name, device = named
        return {
            "ieee_address": f"0x{number:016x}",
            "type": "EndDevice" if device.battery else "Router",
            "supported": True,
            "disabled": False,
            "friendly_name": name,
            "definition": {"model": "SIM", "vendor": "Simulated", "exposes": device.exposes, "options": []},
            "power_source": "Battery" if device.battery else "Mains (single phase)",
        }


def _is_right(feature: Mapping[str, Any], value: Any) -> bool:
    """Say whether a feature understands a value."""
    match feature["type"]:
        case "binary":
            return value in (feature["value_on"], feature["value_off"], feature.get("value_toggle"))
        case "enum":
            return value in feature["values"]
        case "numeric":
            return isinstance(value, (int, float)) and feature["value_min"] <= value <= feature["value_max"]
        case _:
            return isinstance(value, dict) and set(value) <= {"x", "y", "r", "g", "b", "hue", "saturation"}
