"""An agent on the device has the house speak: a real client of MCP, the real command, and a person in the room."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from mcp import Client

from device.core.actions import OpenGate, Outcome, SayAnnouncement, TellOutcome
from device.core.events import AnnouncementSaid, MuteRequested
from device.core.status import Phase
from device.sim.person.understanding import Understanding
from device.sim.realtime import SimulatedRealtime
from tests.control.agents.stage import stdio, text_of, web
from tests.control.house import short_folder
from tests.scenarios.conftest import Open
from tests.scenarios.test_announcing import understood
from tests.waiting import LIMIT_S, until


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A runtime directory."""
    with short_folder() as folder:
        monkeypatch.setenv("RUNTIME_DIRECTORY", str(folder))
        yield folder


async def test_an_agent_says_and_asks_something(
    open_house: Open, server: SimulatedRealtime, folder: Path, understanding: Understanding
) -> None:
    """Heard in the room, and answered by who is there; the microphone was open for that turn, and for no other."""
    async with open_house() as house, Client(stdio(folder)) as agent:
        since = time.monotonic()
        assert text_of(await agent.call_tool("say", {"text": "turn on the light"})) == "said"
        assert await understood(house, understanding, since) == "turn on the light"
        assert not house.timeline.all(OpenGate, since)
        since = time.monotonic()
        asking = asyncio.create_task(agent.call_tool("ask", {"text": "shall I do something?"}))
        await house.timeline.until(SayAnnouncement, since, LIMIT_S)
        assert not house.status.gate_open
        await house.timeline.until(AnnouncementSaid, since, LIMIT_S)
        await house.person.say("turn on the light")
        assert text_of(await asking) == "turn on the light"
        assert len(house.timeline.all(OpenGate, since)) == 1
        assert house.status.phase is Phase.IDLE
        assert not house.status.gate_open
        (outcome,) = house.timeline.all(TellOutcome, since)
        assert outcome.outcome is Outcome.ANSWERED


@pytest.mark.patient
async def test_an_agent_of_the_network_sets_a_timer_and_mutes_the_house_for_good(
    open_house: Open, server: SimulatedRealtime, folder: Path
) -> None:
    """Over HTTP. Muted, the house does not ask; no tool unmutes it."""
    async with open_house() as house, web(folder) as serving, Client(serving.url) as agent:
        assert not (await agent.call_tool("set_timer", {"seconds": 300, "label": "pasta"})).is_error
        (timer,) = (await agent.call_tool("list_timers", {})).structured_content["timers"]
        assert timer["name"] == "pasta timer"
        assert not (await agent.call_tool("cancel_timer", {"name": "pasta"})).is_error
        since = time.monotonic()
        assert not (await agent.call_tool("mute", {})).is_error
        await house.timeline.until(MuteRequested, since, LIMIT_S)
        await until(lambda: house.app.microphone.is_closed, "a closed microphone")
        told = await agent.call_tool("ask", {"text": "shall I?"})
        assert (told.is_error, "muted" in text_of(told)) == (True, True)
        for tool in (await agent.list_tools()).tools:
            await agent.call_tool(tool.name, {})
        await agent.call_tool("set_volume", {"percent": 10})
        assert (await agent.call_tool("get_status", {})).structured_content["muted"] is True
        assert house.app.microphone.is_closed
        assert not house.timeline.all(SayAnnouncement, since)
