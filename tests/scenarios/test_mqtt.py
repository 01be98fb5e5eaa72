"""A house at a broker, from the spoken word to the message and back, on a sound card."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

from device.core.actions import OpenGate
from device.core.events import AnnouncementSaid
from device.sim.person.understanding import Understanding
from device.sim.realtime import SimulatedRealtime
from tests.scenarios.conftest import Open
from tests.scenarios.test_announcing import understood
from tests.tools.mqtt.brokers import Broker, onlooker
from tests.tools.mqtt.recipes import HomeAssistant
from tests.waiting import LIMIT_S, until

BASE = "hearthside/kitchen"
CONFIG = "homeassistant/device/kitchen/config"


async def test_home_assistant_hears_of_it_has_it_speak_and_mutes_it(
    open_house: Open, server: SimulatedRealtime, understanding: Understanding, tmp_path: Path
) -> None:
    """Wake word and phases as messages; a sentence that is heard; a question and its answer; a mute that holds."""
    with Broker(tmp_path) as broker:
        settings = ("tools.mqtt.host=127.0.0.1", f"tools.mqtt.port={broker.port}", "tools.mqtt.id=kitchen")
        async with onlooker(broker) as other, open_house(*settings) as house:
            await until(lambda: other.last(CONFIG), "the discovery")
            home = HomeAssistant(other, CONFIG)

            await house.converse()
            await other.sees(f"{BASE}/state", "idle")
            assert json.loads(other.on(f"{BASE}/wake_word")[0])["event_type"] == "hey_jarvis"
            states = other.on(f"{BASE}/state")
            assert [state for state in states if state in ("listening", "speaking")][:2] == ["listening", "speaking"]

            since = time.monotonic()
            say = {"target": {"entity_id": "notify.kitchen_say"}, "data": {"message": "turn on the light"}}
            home.act({"action": "notify.send_message", **say})
            await house.timeline.until(AnnouncementSaid, since, LIMIT_S)
            assert await understood(house, understanding, since) == "turn on the light"
            assert not house.timeline.all(OpenGate, since)

            since = time.monotonic()
            ask = {"target": {"entity_id": "text.kitchen_ask"}, "data": {"value": "shall I do something?"}}
            home.act({"action": "text.set_value", **ask})
            await house.timeline.until(AnnouncementSaid, since, LIMIT_S)
            await house.person.say("turn on the light")
            await until(lambda: other.last(f"{BASE}/answer"), "the answer")
            answer = json.loads(other.last(f"{BASE}/answer") or "")
            assert (answer["event_type"], answer["answer"]) == ("answered", "turn on the light")

            mute = {"target": {"entity_id": "switch.kitchen_mute"}}
            home.act({"action": "switch.turn_on", **mute})
            await until(lambda: house.app.microphone.is_closed, "a closed microphone")
            await other.sees(f"{BASE}/mute", "ON")
            home.act({"action": "switch.turn_off", **mute})
            await until(lambda: other.last(f"{BASE}/refused"), "the refusal")
            await asyncio.sleep(0)
            assert house.status.muted
            assert house.app.microphone.is_closed
