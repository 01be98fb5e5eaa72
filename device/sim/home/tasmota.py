"""A simulated device that runs Tasmota, at a real broker: as its documentation says ("MQTT", "Commands")."""

from __future__ import annotations

import re
from typing import Any

from device.sim.home.station import Station

_LAMP, _SHUTTER = 2, 3


class SimulatedTasmota(Station):
    """One device with relays: 1 a switch, 2 a light, 3 twice a shutter."""

    def __init__(
        self,
        port: int,
        topic: str,
        names: tuple[str, ...],
        relays: tuple[int, ...] = (1,),
        light: int = 0,
        sensors: dict[str, Any] | None = None,
        mac: str = "A1B2C3D4E5F6",
    ) -> None:
        """`light` is the kind of the lights (1 a dimmer ... 5 all colours), `sensors` what `SENSOR` tells."""
        super().__init__(port, (f"tele/{topic}/LWT", "Offline"))
        self.topic = topic
        self.names = names
        self.relays = relays
        self.light = light
        self.sensors = dict(sensors or {})
        self.mac = mac
        self.state: dict[str, Any] = {self._power(index): "OFF" for index in range(1, len(relays) + 1)}
        if light:
            self.state |= {"Dimmer": 100, "CT": 250, "Color": "255,255,255"}
        if _SHUTTER in relays:
            self.state = {"Shutter1": {"Position": 100, "Direction": 0, "Target": 100}}

    def patterns(self) -> tuple[str, ...]:
        """Listen to its commands."""
        return (f"cmnd/{self.topic}/+",)

    def arrive(self) -> None:
        """Say that it is there, and what it is."""
        self.publish(f"tele/{self.topic}/LWT", "Online", retain=True)
        self.publish(f"tasmota/discovery/{self.mac}/config", self.config(), retain=True)
        told = {"sn": {"Time": "2026-11-29T20:00:00", **self.sensors}, "ver": 1}
        self.publish(f"tasmota/discovery/{self.mac}/sensors", told, retain=True)

    def config(self) -> dict[str, Any]:
        """Return what it says of itself."""
        return {
            "ip": "192.168.1.30",
            "dn": self.names[0],
            "fn": [*self.names, *[None] * (8 - len(self.names))],
            "hn": "tasmota-E5F6-1234",
            "mac": self.mac,
            "md": "Simulated",
            "ty": 0,
            "if": 0,
            "ofln": "Offline",
            "onln": "Online",
            "state": ["OFF", "ON", "TOGGLE", "HOLD"],
            "sw": "15.1.0",
            "t": self.topic,
            "ft": "%prefix%/%topic%/",
            "tp": ["cmnd", "stat", "tele"],
            "rl": [*self.relays, *[0] * (32 - len(self.relays))],
            "swc": [-1] * 28,
            "swn": [None] * 28,
            "btn": [0] * 32,
            "so": {"4": 0, "11": 0, "13": 0, "17": 1, "20": 0, "30": 0, "68": 0, "73": 0, "82": 0, "114": 0, "117": 0},
            "lk": 1,
            "lt_st": self.light,
            "bat": 0,
            "dslp": 0,
            "sho": [0] if _SHUTTER in self.relays else [],
            "sht": [],
            "ver": 1,
        }

    def measure(self, **sensors: Any) -> None:
        """Tell what was measured, as it does every few minutes."""
        self.sensors.update(sensors)
        self.publish(f"tele/{self.topic}/SENSOR", {"Time": "2026-11-29T20:00:00", **self.sensors})

    def obey(self, topic: str, payload: str) -> None:
        """Do what a command says, and tell the result."""
        command = topic.rpartition("/")[2]
        name, number = re.fullmatch(r"([A-Za-z]+)(\d*)", command).groups()  # type: ignore[union-attr]
        if name == "STATE":
            self._result(self.state)
        elif name == "STATUS":
            told = {"Time": "2026-11-29T20:00:00", **self.sensors, **self._shutters()}
            self.publish(f"stat/{self.topic}/STATUS10", {"StatusSNS": told})
        elif name == "POWER":
            self._switch(self._power(int(number or 1)), payload)
        elif name.startswith("Shutter"):
            self._move(name.removeprefix("Shutter"), payload)
        elif name in ("Dimmer", "CT", "Color") and self.light:
            self._colour(name, payload)
        else:
            self._result({"Command": "Unknown", "Input": command})

    def _switch(self, key: str, payload: str) -> None:
        if key not in self.state or payload not in ("ON", "OFF", "TOGGLE"):
            self._result({"Command": "Error"})
            return
        self.state[key] = {"ON": "OFF", "OFF": "ON"}[self.state[key]] if payload == "TOGGLE" else payload
        self._result({key: self.state[key]})
        self.publish(f"stat/{self.topic}/{key}", self.state[key])

    def _colour(self, name: str, payload: str) -> None:
        self.state[name] = payload if name == "Color" else int(payload)
        self.state[self._power(len(self.relays))] = "ON"
        self._result(self.state)

    def _move(self, verb: str, payload: str) -> None:
        wanted = {"Open": 100, "Close": 0, "Position": int(payload) if payload else 0}
        self.state["Shutter1"]["Position"] = wanted.get(verb, self.state["Shutter1"]["Position"])
        self._result(self._shutters())

    def _shutters(self) -> dict[str, Any]:
        return {key: value for key, value in self.state.items() if key.startswith("Shutter")}

    def _result(self, told: dict[str, Any]) -> None:
        self.publish(f"stat/{self.topic}/RESULT", told)

    def _power(self, index: int) -> str:
        return "POWER" if len(self.relays) == 1 else f"POWER{index}"
