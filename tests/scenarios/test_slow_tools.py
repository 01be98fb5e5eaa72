"""A tool that takes ten seconds, while the conversation goes on."""

from __future__ import annotations

import time

import numpy as np
import pytest

from device.core.events import PlaybackFinished
from device.sim.home.homeassistant import TOKEN
from device.sim.realtime import SimulatedRealtime
from device.sim.realtime.script import Call, Reply, Script, tone
from device.tools.homeassistant import connection
from device.tools.homeassistant.feature import TOKEN as FEATURE_TOKEN
from device.tools.homeassistant.link import Link
from tests.scenarios.conftest import Open
from tests.scenarios.house import AUDIBLE, House
from tests.scenarios.test_faults import outputs
from tests.tools.homeassistant.homes import a_house
from tests.waiting import LIMIT_S, until

TOOL_S = 10.0
ANSWER_MS, SHORT_MS = 3_000, 400
# Of each answer this may still be on its way through the card when the test goes on.
LEFT_MS = 100
SILENCE_OF_A_GAP_MS = 20


def answer(text: str) -> Reply:
    """Call a tool and go on speaking; answer another question; use the tool's result."""
    if "Done" in text:
        return Reply("The worktop is on.", audio=tone(SHORT_MS))
    if "time" in text:
        return Reply("Half past nine.", audio=tone(SHORT_MS))
    call = Call("home_control", '{"what": "worktop", "action": "on"}')
    return Reply("One moment, I will see to it.", audio=tone(ANSWER_MS), calls=(call,))


def gaps_ms(house: House, since: float) -> tuple[int, int]:
    """Return for how long it was loud after a moment, from the first sound to the last, and how much of that was not,
    in gaps that can be heard."""
    block = house.speaker.rate // 100
    sound = np.abs(house.heard(since))
    loud = sound[: len(sound) // block * block].reshape(-1, block).max(axis=1) > AUDIBLE
    at = np.flatnonzero(loud)
    silent = np.diff(at) - 1
    return int(at[-1] - at[0] + 1) * 10, int(silent[silent * 10 > SILENCE_OF_A_GAP_MS].sum()) * 10


async def test_while_a_tool_takes_ten_seconds_the_conversation_goes_on(
    open_house: Open, server: SimulatedRealtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is being said sounds to its end without a gap, another question is answered, and the result is used."""
    monkeypatch.setenv(FEATURE_TOKEN, TOKEN)
    monkeypatch.setattr(connection, "ANSWER_LIMIT_S", 1.5 * TOOL_S)
    server.script = Script(answer=answer)
    settings = ("conversation.follow_up_s=20", "conversation.think_s=20", "audio.cues=false")
    async with a_house() as home, open_house(f"tools.home_assistant.url={home.url}", *settings) as house:
        link = house.app.oversight._parts.home.part(Link)
        await until(lambda: link.is_connected, "Home Assistant")
        home.ready.clear()
        began = time.monotonic()
        await house.wake("turn on the light")
        await until(lambda: home.calls, "the call")
        called = time.monotonic()
        await until(lambda: house.heard_ms(began) > ANSWER_MS - LEFT_MS, "the end of what is said")
        loud, gaps = gaps_ms(house, began)
        assert (loud, gaps) == (pytest.approx(ANSWER_MS, abs=200), 0)
        assert outputs(server) == []

        asked = time.monotonic()
        await house.wake("what time is it")
        await until(lambda: house.heard_ms(asked) > SHORT_MS - LEFT_MS, "the answer")
        assert outputs(server) == []

        await until(lambda: time.monotonic() > called + TOOL_S, "the end of the tool")
        home.ready.set()
        done = time.monotonic()
        await house.timeline.until(PlaybackFinished, done, LIMIT_S)
        assert outputs(server) == ["Done: Counter (light, Kitchen)"]
        await until(lambda: house.heard_ms(done) > SHORT_MS - LEFT_MS, "what was done")
        assert house.heard_ms(asked, done) < LEFT_MS + SHORT_MS + 100
