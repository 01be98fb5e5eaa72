"""Tools on MCP servers that the provider calls by itself, and a person's yes to that: from words to the answer."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from device.core.actions import AnswerApproval, ReadAloud
from device.core.events import PlaybackFinished, PlaybackStarted
from device.core.failures import NOT_CONFIRMED
from device.core.indication import Indication, indication
from device.core.memory import Settings
from device.core.status import Phase
from device.sim.person.understanding import TALK, Understanding
from device.sim.realtime import SimulatedRealtime
from device.sim.realtime.script import RemoteCall, Reply, Script, tone
from tests.scenarios.conftest import Open
from tests.scenarios.house import House
from tests.waiting import LIMIT_S, until

pytestmark = pytest.mark.patient

CALENDAR = 'conversation.openai.mcp.calendar.url="https://calendar.example/mcp"'
BY_WORD = (
    CALENDAR,
    'conversation.openai.mcp.calendar.confirm="yes"',
    'conversation.openai.transcription_model="gpt-transcribe"',
)
CALL = RemoteCall("calendar", "add_event", '{"title": "dinner"}', "It is in your calendar.", lasts_s=0.3)


def asks_to_add(text: str) -> Reply | None:
    """The model wants to add an event, whatever is said first; to anything later it says a little."""
    return Reply(remote=(CALL,)) if text == "hello" else Reply("Well.", audio=tone(200))


@pytest.fixture(scope="module")
def understanding() -> Understanding:
    """What the server understands."""
    return Understanding((), (*TALK, "yes please"))


async def asked(house: House) -> float:
    """Say something that the model needs its server for, and be asked for a yes; return when that was."""
    await house.wake("hello")
    await until(lambda: house.status.confirming, "a question")
    assert indication(house.status) is Indication.CONFIRMING
    return time.monotonic()


def approvals(server: SimulatedRealtime) -> list[Any]:
    """Return what was answered to requests."""
    items = [entry.event["item"] for entry in server.journal.received("conversation.item.create")]
    return [item["approve"] for item in items if item["type"] == "mcp_approval_response"]


async def called(server: SimulatedRealtime) -> None:
    """Wait until the call was made, and spoken of."""
    await until(lambda: bool(server.journal.sent("response.mcp_call.completed")), "the call")
    ended = "response.output_audio_transcript.done"
    await until(
        lambda: any(entry.event["transcript"] == CALL.output for entry in server.journal.sent(ended)), "its result"
    )


@pytest.mark.parametrize("goes_on", [True, False])
async def test_a_press_lets_the_provider_call_a_tool(
    open_house: Open, server: SimulatedRealtime, goes_on: bool
) -> None:
    """The house says which; its result is heard, whether the provider goes on by itself or has to be asked to."""
    server.script = Script(answer=asks_to_add, goes_on=goes_on)
    async with open_house(CALENDAR) as house:
        since = await asked(house)
        assert house.timeline.all(ReadAloud)[-1].note == "Press the button to let calendar do add event."
        await house.timeline.until(PlaybackStarted, since, LIMIT_S)
        await asyncio.sleep(Settings().notice / 1000)
        assert not approvals(server)
        assert not server.journal.sent("response.mcp_call.in_progress")
        pressed = time.monotonic()
        await house.click()
        await called(server)
        await until(lambda: house.heard_ms(pressed) > 300, "the answer at the loudspeaker")
        assert approvals(server) == [True]
        assert not house.status.confirming
        asked_for = server.journal.received("response.create")
        assert len(asked_for) == (0 if goes_on else 1)


async def test_a_spoken_yes_lets_the_provider_call_a_tool(open_house: Open, server: SimulatedRealtime) -> None:
    """Said after the question, in a turn of its own."""
    server.script = Script(answer=asks_to_add)
    async with open_house(*BY_WORD) as house:
        since = await asked(house)
        await house.timeline.until(PlaybackFinished, since, LIMIT_S)
        assert house.status.phase is Phase.LISTENING
        assert house.status.gate_open
        await house.person.say("yes please")
        await called(server)
        assert approvals(server) == [True]


async def test_when_nobody_answers_it_is_not_called(open_house: Open, server: SimulatedRealtime) -> None:
    """The provider is told so when the time is over, and answers without it."""
    server.script = Script(answer=asks_to_add)
    async with open_house(CALENDAR, "tools.confirm_s=3") as house:
        since = await asked(house)
        answer = await house.timeline.until(AnswerApproval, since, LIMIT_S)
        assert (answer.approve, answer.reason) == (False, NOT_CONFIRMED)
        await until(lambda: approvals(server) == [False], "the answer at the provider")
        await until(lambda: len(server.journal.sent("response.done")) == 2, "what the model says to that")
        assert not house.status.confirming
        assert not server.journal.sent("response.mcp_call.in_progress")


async def test_a_server_that_cannot_be_listed_costs_nothing_but_its_tools(
    open_house: Open, server: SimulatedRealtime, caplog: pytest.LogCaptureFixture
) -> None:
    """It is told once a session; the conversation is as without it."""
    server.script = Script(unlisted=("calendar",))
    async with open_house(CALENDAR) as house:
        await house.converse()
    assert caplog.text.count('could not list the tools of the MCP server "calendar"') == 1
