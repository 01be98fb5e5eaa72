"""Things on a broker in a whole house, without sound cards."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest

from device.errors import ConfigError
from device.foreign.gpio import MockBoard
from device.house.configuration import parse
from device.ports.tools import UnconfirmedError
from device.tools.mqtt.things import source as module
from tests.house.cardless import CardlessHouse, open_cardless
from tests.tools.home.sources import FakeSource
from tests.tools.mqtt.brokers import Broker
from tests.tools.mqtt.things.homes import zigbee
from tests.waiting import until


def mqtt(broker: Broker, **home: Any) -> dict[str, Any]:
    """Return the settings of a device at it."""
    about = {"host": "127.0.0.1", "port": broker.port, "discovery": False}
    return {"mqtt": {**about, "home": {"zigbee2mqtt": "zigbee2mqtt", **home}}}


async def call(house: CardlessHouse, tool: str, confirmed: bool = False, **arguments: Any) -> str:
    """Call a tool as the model does."""
    return await house.app.registry.call(tool, json.dumps(arguments), confirmed)


async def test_the_model_finds_and_switches_what_the_broker_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As configured, from the tool to the thing."""
    monkeypatch.setattr(module, "SETTLE_S", 0.01)
    with Broker(tmp_path) as broker, zigbee(broker) as bridge:
        async with open_cardless(tmp_path, monkeypatch, tools=mqtt(broker)) as house:
            tools = [spec.name for spec in house.app.registry.specs]
            assert [name for name in tools if name.startswith("home")] == ["home_find", "home_control"]
            source = next(one.home for one in house.app.oversight._parts.home.fitted if one.home is not None)
            assert not isinstance(source, FakeSource)
            await until(lambda: len(list(source.things)) >= 12, "the things")
            await until(lambda: source.is_connected, "the broker")
            assert await call(house, "home_control", what="coffee machine", action="on") == (
                "Done: coffee machine (switch)"
            )
            assert bridge.devices["coffee machine"].state["state"] == "ON"


async def test_without_things_there_are_no_tools_for_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A broker alone brings none."""
    with Broker(tmp_path) as broker:
        async with open_cardless(tmp_path, monkeypatch, tools=mqtt(broker, zigbee2mqtt="")) as house:
            assert not [spec.name for spec in house.app.registry.specs if spec.name.startswith("home")]


async def test_a_yes_that_nobody_could_give_is_refused_at_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a button no press."""
    with Broker(tmp_path) as broker:
        with pytest.raises(ConfigError, match=r'tools\.mqtt\.home\.confirm = "press"'):
            async with open_cardless(tmp_path, monkeypatch, tools=mqtt(broker, confirm="press")):
                pass
        button = {"button": {"pin": 23}}
        with zigbee(broker), contextlib.closing(MockBoard()):
            async with open_cardless(
                tmp_path, monkeypatch, tools=mqtt(broker, confirm="press"), hardware=button
            ) as house:
                source = next(one.home for one in house.app.oversight._parts.home.fitted if one.home is not None)
                await until(lambda: len(list(source.things)) >= 12 and source.is_connected, "the things")
                with pytest.raises(UnconfirmedError):
                    await call(house, "home_control", what="front door", action="unlock")


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"home": {"zigbee2mqtt": "zigbee2mqtt/#"}}, "tools.mqtt.home.zigbee2mqtt must be a topic"),
        ({"things": {"gate": {"kind": "cover"}}}, "tools.mqtt.things.gate.command_topic is missing"),
        ({"things": {"gate": {"kind": "gate"}}}, "tools.mqtt.things.gate.kind"),
        ({"things": {"gate": {"device": "a", "state_topic": "b"}}}, "tools.mqtt.things.gate.device names"),
    ],
)
def test_a_mistake_is_told_with_its_key(table: dict[str, Any], words: str) -> None:
    """In one sentence."""
    with pytest.raises(ConfigError, match=words.replace(".", r"\.")):
        parse({"tools": {"mqtt": {"host": "127.0.0.1", **table}}})
