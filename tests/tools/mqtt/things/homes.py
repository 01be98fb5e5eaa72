"""A small house whose things are on a broker."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from device.sim.home.tasmota import SimulatedTasmota
from device.sim.home.zigbee import (
    SimulatedZigbee2Mqtt,
    ZigbeeDevice,
    chosen,
    climate,
    coloured,
    cover,
    lock,
    measured,
    noticed,
    ranged,
    switched,
)
from device.tools.home.tools import home_tools
from device.tools.mqtt.link import Link
from device.tools.mqtt.things.opening import open_things
from device.tools.mqtt.things.source import MqttThings
from device.tools.registry import Registry
from tests.tools.mqtt.brokers import Broker, running, settings_for
from tests.waiting import until

HOME = {"zigbee2mqtt": "zigbee2mqtt", "tasmota": "tasmota/discovery"}
THINGS = {
    "gate": {"kind": "cover", "room": "Garden", "command_topic": "garden/gate/do", "state_topic": "garden/gate/is"},
    "pond pump": {"command_topic": "garden/pump", "aliases": ["fountain"]},
}


def devices() -> dict[str, ZigbeeDevice]:
    """Return the usual ones."""
    bright = ranged("brightness", 0, 254)
    return {
        "kitchen/ceiling": ZigbeeDevice(
            [switched("light", bright, ranged("color_temp", 153, 500))], {"state": "OFF", "brightness": 254}
        ),
        "kitchen/counter": ZigbeeDevice([switched("light", bright)], {"state": "OFF"}),
        "sofa_lamp": ZigbeeDevice([switched("light", bright, coloured())], {"state": "ON", "brightness": 127}),
        "coffee machine": ZigbeeDevice([switched(), measured("power", "W")], {"state": "OFF", "power": 3}),
        "bedroom/blind": ZigbeeDevice([cover()], {"state": "OPEN", "position": 100}),
        "front door": ZigbeeDevice([lock()], {"state": "LOCK", "lock_state": "locked"}),
        "bathroom/heating": ZigbeeDevice(
            [climate()], {"occupied_heating_setpoint": 20, "local_temperature": 19.5, "system_mode": "heat"}
        ),
        "bedroom/fan": ZigbeeDevice(
            [switched("fan", chosen("mode", "off", "low", "medium", "high"))], {"state": "OFF", "mode": "off"}
        ),
        "bedroom/climate": ZigbeeDevice(
            [measured("temperature", "°C"), measured("humidity", "%"), measured("linkquality", "lqi")],
            {"temperature": 18.25, "humidity": 48},
            battery=True,
        ),
        "balcony door": ZigbeeDevice([noticed("contact", on=False)], {"contact": False}, battery=True),
    }


@contextmanager
def zigbee(broker: Broker) -> Iterator[SimulatedZigbee2Mqtt]:
    """Run Zigbee2MQTT with them."""
    with SimulatedZigbee2Mqtt(broker.port, devices()) as bridge:
        yield bridge


@contextmanager
def tasmota(broker: Broker, **more: Any) -> Iterator[SimulatedTasmota]:
    """Run a device with Tasmota."""
    about = {"topic": "tasmota_desk", "names": ("Desk Plug",), **more}
    with SimulatedTasmota(broker.port, **about) as device:
        yield device


class Used:
    """A home as the model uses it."""

    def __init__(self, link: Link, source: MqttThings) -> None:
        self.link = link
        self.source = source
        self._registry = Registry(home_tools([source]), 5)

    async def find(self, **arguments: object) -> str:
        """Call home_find."""
        return await self._registry.call("home_find", json.dumps(arguments))

    async def control(self, what: str, action: str, confirmed: bool = False, **more: object) -> str:
        """Call home_control."""
        arguments = json.dumps({"what": what, "action": action, **more})
        return await self._registry.call("home_control", arguments, confirmed)

    async def repeat(self, arguments: str) -> str:
        """Call home_control as it was confirmed."""
        return await self._registry.call("home_control", arguments, confirmed=True)

    def names(self, thing: str) -> tuple[str, ...]:
        """Return what a thing is called, by its id; () for one that is not there."""
        return next((known.names for known in self.source.things if known.id == thing), ())

    def state(self, thing: str) -> str:
        """Return the state of a thing by its id; "" for one that is not there."""
        return next((known.state for known in self.source.things if known.id == thing), "")


@asynccontextmanager
async def used(broker: Broker, things: dict[str, Any] | None = None, **home: Any) -> AsyncIterator[Used]:
    """Connect to it, as a device with these settings."""
    settings = settings_for(broker, home={**HOME, **home}, things=THINGS if things is None else things)
    link = Link(settings)
    source = open_things(settings, link)
    async with running(link):
        try:
            yield Used(link, source)
        finally:
            source.close()


async def known(home: Used) -> None:
    """Wait until what Zigbee2MQTT has is known, and those of it that hear a question have told their states."""
    asleep = {
        "sensor.bedroom_climate_temperature",
        "sensor.bedroom_climate_humidity",
        "binary_sensor.balcony_door_contact",
    }
    plain = {"cover.gate", "switch.pond_pump"}

    def is_known() -> bool:
        states = {thing.id: thing.state for thing in home.source.things if thing.id not in plain}
        return len(states) >= 12 and not any(states[key] == "unknown" for key in states.keys() - asleep)

    await until(is_known, "the things")
