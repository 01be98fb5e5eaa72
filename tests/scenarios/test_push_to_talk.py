"""Turns that the button begins and ends."""

from __future__ import annotations

import asyncio

import pytest

from device.core.events import PlaybackFinished, VoiceStarted, VoiceStopped
from device.core.status import Phase
from device.sim.realtime import SimulatedRealtime
from device.sim.realtime.script import Reply, Script, tone
from tests.scenarios.conftest import Open
from tests.scenarios.house import SLOW_TO_SPEAK
from tests.waiting import LIMIT_S

# The last word is under way, and goes on while the answer comes and is over.
LET_GO_BEFORE_ITS_END_S = 0.6


@pytest.mark.parametrize("turn_taking", ["server", "local"])
async def test_a_sentence_in_which_the_button_is_let_go_is_asked_once(
    open_house: Open, server: SimulatedRealtime, turn_taking: str
) -> None:
    """Even when the answer comes at once and is over while the person still speaks: the rest is not sent."""
    server.script = Script(answer=lambda text: Reply("Yes.", audio=tone(60)))
    settings = ("conversation.follow_up_s=3", f"conversation.turn_taking={turn_taking}", SLOW_TO_SPEAK)
    async with open_house(*settings) as house:
        await house.hold()
        words = "tell me how late it is in Argentina"
        lasts_s = (await house.person.render(words)).duration_ms / 1000
        sentence = asyncio.create_task(house.person.say(words))
        await house.timeline.until(VoiceStarted, 0.0, LIMIT_S)
        await asyncio.sleep(lasts_s - LET_GO_BEFORE_ITS_END_S)
        house.release()
        await house.timeline.until(PlaybackFinished, 0.0, LIMIT_S)
        assert not house.timeline.all(VoiceStopped)
        await sentence
        await house.phase(Phase.IDLE)
    kinds = [entry.type for entry in server.journal.received()]
    assert kinds.count("input_audio_buffer.commit") == 1
    assert kinds.count("response.create") == 1
    assert "input_audio_buffer.append" not in kinds[kinds.index("input_audio_buffer.commit") :]
