"""The whole house, without sound cards, at a real broker."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from device.core import events as ev
from device.core.events import AlarmKind, AnnouncementRequested
from device.kit import backoff
from device.tools.mqtt.link import Link
from device.units import Samples
from tests.house.cardless import CardlessHouse, open_cardless
from tests.tools.mqtt.brokers import Broker, Onlooker, onlooker
from tests.waiting import until

BASE = "hearthside/kitchen"
CONFIG = "homeassistant/device/kitchen/config"


@asynccontextmanager
async def at_a_broker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, **more: Any
) -> AsyncIterator[tuple[CardlessHouse, Onlooker, Broker]]:
    """Open a house that is connected, and look at what it publishes."""
    monkeypatch.setattr(backoff, "LONGEST_PAUSE_S", 0.05)
    with Broker(tmp_path) as broker:
        mqtt = {"host": "127.0.0.1", "port": broker.port, "id": "kitchen", **more}
        async with onlooker(broker) as other, open_cardless(tmp_path, monkeypatch, tools={"mqtt": mqtt}) as house:
            await until(lambda: other.last(f"{BASE}/timers"), "all that is told")
            yield house, other, broker


async def test_the_house_is_told_of_and_muted_from_afar(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The microphone is closed; and it is not opened from there."""
    async with at_a_broker(tmp_path, monkeypatch) as (house, other, _):
        told = json.loads(other.last(CONFIG) or "")
        assert told["components"]["wake_word"]["event_types"] == ["hey_jarvis"]
        assert other.last(f"{BASE}/state") == "idle"
        house.app.controller.post(ev.WakeWordDetected("hey_jarvis", 0.9, Samples(0)))
        await until(lambda: other.last(f"{BASE}/wake_word"), "the wake word")
        other.publish(f"{BASE}/mute/set", "ON")
        await other.sees(f"{BASE}/mute", "ON")
        await until(lambda: house.app.microphone.is_closed, "a closed microphone")
        other.publish(f"{BASE}/mute/set", "OFF")
        await until(lambda: "may_unmute" in (other.last(f"{BASE}/refused") or ""), "the refusal")
        await until(lambda: other.on(f"{BASE}/mute")[-2:] == ["ON", "ON"], "what the switch is told")
        assert house.app.controller.status.muted


async def test_what_it_is_asked_arrives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Volume, timers, sentences; and a broker that was away changes nothing."""
    async with at_a_broker(tmp_path, monkeypatch) as (house, other, broker):
        said: list[str] = []
        house.app.controller.observers.append(
            lambda what, status: said.append(what.text) if isinstance(what, AnnouncementRequested) else None
        )
        broker.stop()
        link = house.app.oversight._parts.home.part(Link)
        await until(lambda: not link.is_connected, "the loss")
        assert [part.part for part in house.app.health.facts if not part.ok] == ["mqtt"]
        broker.start()
        await until(lambda: link.health()[0].ok, "a new connection")
        await until(lambda: other._link.is_connected, "the onlooker")
        other.publish(f"{BASE}/volume/set", "35")
        await other.sees(f"{BASE}/volume", "35")
        assert await house.app.oversight.desk().volume() == 35
        other.publish(f"{BASE}/say", "The washing is done")
        await until(lambda: said, "the sentence")
        assert said == ["The washing is done"]
        await house.app.registry.call("set_timer", '{"seconds": 600, "label": "pasta"}')
        house.app.controller.post(ev.AlarmSilenced("nothing"))
        await until(lambda: "pasta" in (other.last(f"{BASE}/timers") or ""), "the timer")
        assert json.loads(other.last(f"{BASE}/timers") or "")["timers"][0]["kind"] == AlarmKind.TIMER.value
        other.publish(f"{BASE}/timers/cancel", "pasta")
        await until(lambda: '"count":0' in (other.last(f"{BASE}/timers") or ""), "no timer")


async def test_what_was_told_is_taken_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the next start, where discovery was turned off; the house says goodbye before."""
    async with at_a_broker(tmp_path, monkeypatch) as (_, other, broker):
        mqtt = {"host": "127.0.0.1", "port": broker.port, "id": "den"}
        config = CONFIG.replace("kitchen", "den")
        second, third = tmp_path / "second", tmp_path / "third"
        async with open_cardless(second, monkeypatch, tools={"mqtt": mqtt}):
            await until(lambda: other.last(config), "the discovery")
        await other.sees("hearthside/den/availability", "offline")
        async with open_cardless(third, monkeypatch, tools={"mqtt": {**mqtt, "discovery": False}}):
            await other.sees(config, "")


async def test_a_broker_that_never_comes_keeps_nothing_from_ending(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The house opens, and closes at once."""
    async with asyncio.timeout(20):
        async with open_cardless(tmp_path, monkeypatch, tools={"mqtt": {"host": "127.0.0.1", "port": 1}}) as house:
            await until(lambda: "mqtt" in {part.part for part in house.app.health.facts if not part.ok}, "a fault")
