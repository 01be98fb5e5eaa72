"""Whole turns with other servers and other ways of taking turns."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from device.core.actions import RunTool
from device.core.events import Said
from device.sim.realtime import SimulatedRealtime
from device.sim.realtime.script import Reply, Script, tone
from tests.scenarios.conftest import Open
from tests.scenarios.house import RELAY, SLOW_TO_SPEAK, House

QUICK = Script(answer=lambda text: Reply("Done.", audio=tone(300)) if text != "turn on the light" else None)
QUERY = "api-version=2025-08-28&tenant=a%20b"


async def switched_by_voice(house: House) -> None:
    """Have the relay switched by a sentence that is really understood, and the answer heard."""
    began = await house.converse("turn on the light")
    assert [call.name for call in house.timeline.all(RunTool, began)] == ["set_switch"]
    assert house.board.level(RELAY) == 1
    assert house.timeline.all(Said, began)
    assert house.heard_ms(began) > 250


@pytest.mark.parametrize(
    "overrides",
    [
        (),
        ("conversation.openai.vad=semantic_vad", "conversation.openai.eagerness=high"),
        ("conversation.turn_taking=local",),
        ("audio.frame_ms=10",),
    ],
    ids=["server-vad", "semantic-vad", "local", "frames-of-10-ms"],
)
async def test_a_whole_turn_in_one_breath(
    open_house: Open, server: SimulatedRealtime, overrides: tuple[str, ...]
) -> None:
    """Whoever decides that the sentence is over, the command is carried out and answered."""
    server.script = QUICK
    async with open_house(*overrides) as house:
        await switched_by_voice(house)


async def test_a_server_with_the_names_of_the_beta_is_understood(open_house: Open, server: SimulatedRealtime) -> None:
    """Sound, words and calls under their old names."""
    server.script = replace(QUICK, beta_names=True)
    async with open_house() as house:
        await switched_by_voice(house)
        assert not server.journal.sent("response.output_audio.delta")


async def test_azures_key_and_url(open_house: Open, server: SimulatedRealtime) -> None:
    """The header `api-key`, another path, and a query of one's own beside the model."""
    server.script = QUICK
    url = f"{server.url.replace('/v1/', '/openai/v1/')}?{QUERY}"
    async with open_house("conversation.openai.auth_header=api-key", f'conversation.openai.url="{url}"') as house:
        began = time.monotonic()
        await house.click()
        await house.person.say("hello")
        await house.answered(began)
        (dialled,) = server.journal.connections
        assert dialled.query["api-version"] == "2025-08-28"
        assert dialled.query["tenant"] == "a b"
        assert dialled.query["model"] == house.app.settings.conversation.openai.model


async def test_push_to_talk_is_answered_however_slow_the_server(open_house: Open, server: SimulatedRealtime) -> None:
    """Held, spoken, let go: all before the session is ready."""
    server.script = replace(QUICK, session_updated_delay_s=2.0)
    async with open_house(SLOW_TO_SPEAK) as house:
        began = time.monotonic()
        await house.hold()
        await house.person.say("turn on the light")
        house.release()
        assert not server.journal.received("input_audio_buffer.append")
        await house.answered(began)
        assert [call.name for call in house.timeline.all(RunTool, began)] == ["set_switch"]
