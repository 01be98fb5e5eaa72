"""What every source of things does: Home Assistant's, and those of a broker (Zigbee2MQTT, Tasmota, plain topics).

Each has a switch called "Coffee Machine" that is off, at a simulated server or device, over a real connection.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from device.errors import ToolError
from device.ports.home import Call, Source, Thing
from device.sim.home.homeassistant import Entity, SimulatedHome
from device.sim.home.zigbee import SimulatedZigbee2Mqtt, ZigbeeDevice, switched
from device.tools.home.tools import home_tools
from device.tools.mqtt.things import source as module
from device.tools.registry import Registry
from tests.tools.homeassistant.homes import linked
from tests.tools.mqtt.brokers import Broker, onlooker
from tests.tools.mqtt.things.homes import tasmota, used
from tests.waiting import until

NAME = "Coffee Machine"


@dataclass
class Situation:
    """A source, and what is behind it."""

    source: Source
    is_on: Callable[[], bool]
    """Whether the thing itself is on."""
    leave: Callable[[], Any]
    """Have the server or the broker go away."""

    @property
    def things(self) -> list[Thing]:
        """What there is."""
        return list(self.source.things)

    async def do(self, tool: str, **arguments: object) -> str:
        """Call a tool as the model does."""
        return await Registry(home_tools([self.source]), 10).call(tool, json.dumps(arguments))


@asynccontextmanager
async def in_home_assistant(folder: Path) -> AsyncIterator[Situation]:
    """As an entity."""
    async with SimulatedHome({"switch.coffee": Entity(NAME)}, {}) as home, linked(home) as link:
        yield Situation(link, lambda: home.entities["switch.coffee"].state == "on", home.stop)


@asynccontextmanager
async def in_zigbee2mqtt(folder: Path) -> AsyncIterator[Situation]:
    """As a plug."""
    plug = ZigbeeDevice([switched()], {"state": "OFF"})
    with Broker(folder) as broker, SimulatedZigbee2Mqtt(broker.port, {NAME: plug}):
        async with used(broker, things={}) as home:
            yield Situation(home.source, lambda: plug.state["state"] == "ON", broker.stop)


@asynccontextmanager
async def in_tasmota(folder: Path) -> AsyncIterator[Situation]:
    """As a relay."""
    with Broker(folder) as broker, tasmota(broker, names=(NAME,)) as plug:
        async with used(broker, things={}) as home:
            yield Situation(home.source, lambda: plug.state["POWER"] == "ON", broker.stop)


@asynccontextmanager
async def on_topics(folder: Path) -> AsyncIterator[Situation]:
    """As something that says on one topic what it was told on another."""
    with Broker(folder) as broker:
        async with onlooker(broker) as other:
            told: list[str] = []

            def obey(payload: str) -> None:
                told.append(payload)
                other.publish("coffee/is", payload, retain=True)

            other._link.subscribe("coffee/do", lambda message: obey(message.payload.decode()))
            obey("OFF")
            things = {NAME: {"command_topic": "coffee/do", "state_topic": "coffee/is"}}
            async with used(broker, things=things) as home:
                yield Situation(home.source, lambda: told[-1] == "ON", broker.stop)


@pytest.fixture(params=[in_home_assistant, in_zigbee2mqtt, in_tasmota, on_topics], ids=lambda made: made.__name__)
async def situation(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Situation]:
    """One after the other."""
    monkeypatch.setattr(module, "SETTLE_S", 0.01)
    async with request.param(tmp_path) as made:
        await until(lambda: [thing.state for thing in made.things] == ["off"], "the thing, with its state")
        yield made


async def test_a_thing_is_switched_and_its_new_state_is_found(situation: Situation) -> None:
    """From the model's words to the thing, and back."""
    assert await situation.do("home_control", what="coffee machine", action="on") == "Done: Coffee Machine (switch)"
    assert situation.is_on()
    await until(lambda: [thing.state for thing in situation.things] == ["on"], "the new state")
    assert await situation.do("home_find", what="the coffee machine") == "Coffee Machine (switch): on"


async def test_what_it_has_is_called_alike(situation: Situation) -> None:
    """By kind and id, and with the name of its source."""
    (thing,) = situation.things
    assert (thing.domain, thing.name, thing.source) == ("switch", NAME, situation.source.name)
    assert thing.id.startswith("switch.coffee")


async def test_what_is_not_there_any_more_switches_nothing_else(situation: Situation) -> None:
    """Between the words and the call it may have gone. Home Assistant does not say so; the others do."""
    with contextlib.suppress(ToolError):
        await situation.source.call((Thing("switch.gone", ("Gone",)),), Call("switch", "turn_on"))
    assert not situation.is_on()


async def test_one_that_cannot_be_reached_says_so_at_once(situation: Situation) -> None:
    """And nothing is kept for later."""
    left = situation.leave()
    if asyncio.iscoroutine(left):
        await left
    await until(lambda: not situation.source.is_connected, "the loss")
    for tool, more in (("home_control", {"action": "on"}), ("home_find", {})):
        with pytest.raises(ToolError, match="cannot be reached"):
            await situation.do(tool, what="coffee machine", **more)
    assert not situation.is_on()
