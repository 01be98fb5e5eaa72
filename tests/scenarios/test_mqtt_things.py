"""Things on a broker, from the spoken words to the thing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from device.sim.realtime import SimulatedRealtime
from device.sim.realtime.script import Call, Reply, Script, tone
from device.tools.mqtt.link import Link
from tests.scenarios.conftest import Open
from tests.scenarios.test_faults import outputs
from tests.tools.mqtt.brokers import Broker
from tests.tools.mqtt.things.homes import zigbee
from tests.waiting import until

pytestmark = pytest.mark.patient


async def test_spoken_words_switch_a_zigbee_light(open_house: Open, server: SimulatedRealtime, tmp_path: Path) -> None:
    """Wake word, the model's call with the person's own words, the messages at the broker, the lights, and the answer
    only when they have said so."""
    calls = Reply(calls=(Call("home_control", '{"what": "kitchen lights", "action": "on"}'),))
    server.script = Script(answer=lambda text: Reply("Done.", audio=tone(200)) if "Done" in text else calls)
    with Broker(tmp_path) as broker, zigbee(broker) as bridge:
        overrides = ("host=127.0.0.1", f"port={broker.port}", "home.zigbee2mqtt=zigbee2mqtt", "discovery=false")
        async with open_house(*(f"tools.mqtt.{one}" for one in overrides)) as house:
            parts = house.app.oversight._parts.home
            await until(lambda: parts.part(Link).health()[0].ok, "the broker")
            source = next(fitted.home for fitted in parts.fitted if fitted.home is not None)
            await until(lambda: "light.kitchen_counter" in [thing.id for thing in source.things], "the lights")
            await house.converse("turn on the kitchen lights")
            assert outputs(server) == ["Done: ceiling (light, kitchen), counter (light, kitchen)"]
            told = [(topic, json.loads(payload)) for topic, payload in bridge.heard if topic.endswith("/set")]
            assert told == [(f"zigbee2mqtt/kitchen/{name}/set", {"state": "ON"}) for name in ("ceiling", "counter")]
            assert bridge.devices["kitchen/counter"].state["state"] == "ON"
