"""The recipes of docs/mqtt-things.md, taken from the page and used at a real broker."""

from __future__ import annotations

import asyncio
import re
import tomllib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from msgspec import convert

from device.errors import ToolError
from device.ports.tools import UnconfirmedError
from device.tools.mqtt.link import Link
from device.tools.mqtt.settings import Mqtt
from device.tools.mqtt.things import source as module
from device.tools.mqtt.things.opening import open_things
from tests.tools.mqtt.brokers import Broker, onlooker, running
from tests.tools.mqtt.things.homes import Used, tasmota, zigbee
from tests.waiting import until

PAGE = Path(__file__).parents[4] / "docs" / "mqtt-things.md"
RECIPES = dict(
    re.findall(r"^## (.+?)\n.*?```toml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
)


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    """Return a broker that runs."""
    with Broker(tmp_path) as running_broker:
        yield running_broker


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask at once."""
    monkeypatch.setattr(module, "SETTLE_S", 0.01)


@asynccontextmanager
async def following(recipe: str, broker: Broker, but: str = "") -> AsyncIterator[Used]:
    """Do what a recipe says, but at this broker; `but`: without this key of [tools.mqtt.home]."""
    table = tomllib.loads(RECIPES[recipe])["tools"]["mqtt"]
    if but:
        del table["home"][but]
    settings = convert({**table, "host": "127.0.0.1", "port": broker.port, "id": "it"}, Mqtt)
    assert not [*settings.home.mistakes(), *(wrong for one in settings.things.values() for wrong in one.mistakes())]
    link = Link(settings)
    source = open_things(settings, link)
    async with running(link):
        yield Used(link, source)
        source.close()


def test_every_recipe_is_followed_here() -> None:
    """A new one on the page needs a test."""
    assert len(RECIPES) == 5


async def test_zigbee2mqtt(broker: Broker) -> None:
    """A light of the kitchen, where the speaker stands."""
    with zigbee(broker) as bridge:
        async with following("Zigbee2MQTT", broker) as home:
            await until(lambda: home.state("light.kitchen_ceiling") == "off", "the light")
            await home.control("ceiling light", "on")
            assert bridge.devices["kitchen/ceiling"].state["state"] == "ON"


async def test_tasmota(broker: Broker) -> None:
    """A plug."""
    with tasmota(broker) as plug:
        async with following("Tasmota", broker) as home:
            await until(lambda: home.state("switch.desk_plug") == "off", "the plug")
            await home.control("desk plug", "on")
            assert plug.state["POWER"] == "ON"


async def test_plain_topics(broker: Broker) -> None:
    """A gate that answers, and a tank that is measured."""
    async with onlooker(broker) as other, following("Plain topics", broker) as home:
        other.publish("garden/tank", '{"level": {"percent": 80}}', retain=True)
        other.publish("garden/gate/is", "open", retain=True)
        await until(lambda: "unknown" not in [thing.state for thing in home.source.things], "the states")
        assert await home.find(what="water tank") == "water tank (sensor): 80 %"
        assert await home.find(what="gate") == "gate (cover, Garden): open"
        closing = asyncio.create_task(home.control("gate", "close"))
        await other.sees("garden/gate/do", "CLOSE")
        other.publish("garden/gate/is", "closed")
        assert await closing == "Done: gate (cover, Garden)"


async def test_a_name_and_a_room(broker: Broker) -> None:
    """For one that announces itself."""
    with zigbee(broker):
        async with following("A name and a room for what announces itself", broker) as home:
            await until(lambda: home.state("light.reading_light") == "on", "the light")
            told = await home.find(what="corner light", room="living room")
            assert told.startswith("reading light (light, Living Room): on")


async def test_what_it_may_do(broker: Broker) -> None:
    """What is not allowed is not there, and what is named needs a yes."""
    with zigbee(broker):
        async with following("What it may do", broker) as home:
            await until(lambda: len(list(home.source.things)) == 3, "what is allowed")
            with pytest.raises(ToolError, match="nothing is called"):
                await home.control("front door", "unlock")
        async with following("What it may do", broker, but="allow") as home:
            await until(lambda: home.state("lock.front_door") == "locked", "the lock")
            for what, action in (("front door", "unlock"), ("coffee machine", "on")):
                with pytest.raises(UnconfirmedError):
                    await home.control(what, action)
