"""Servers that fail in every way: the person hears what happened, and the next wake word is answered."""

from __future__ import annotations

import asyncio
import re
import time
from dataclasses import dataclass, replace

import pytest
import soxr

from device.core import failures
from device.core.actions import Announce
from device.core.events import Failure, SessionFailed
from device.core.status import Phase
from device.sim.realtime import SimulatedRealtime
from device.sim.realtime.script import (
    AfterEvent,
    AfterReplyAudio,
    Call,
    Close,
    Drop,
    Fault,
    Refusal,
    Reply,
    Script,
    Send,
    Stall,
    error_event,
    oversized,
    tone,
)
from device.sim.understanding import Understanding, Understood
from device.units import CAPTURE_RATE
from tests.scenarios.conftest import Open
from tests.scenarios.house import RELAY, House

HEALTHY = Script(answer=lambda _: Reply("Beep.", audio=tone(200)))
MANY_BYTES = 200_000


@dataclass(frozen=True)
class Trouble:
    """How the server fails, and what the person must be told."""

    name: str
    tell: str
    script: Script = HEALTHY
    overrides: tuple[str, ...] = ()
    needs_words: bool = False
    """Else it comes before anybody says a word: a click is enough, and quicker."""


def after(event: str, do: Drop | Close | Send | Stall) -> Script:
    """Return a healthy script with one fault, once."""
    return replace(HEALTHY, faults=(Fault(AfterEvent(event), do),))


SAY = failures.OF_CONVERSATION
TROUBLES = [
    Trouble("dropped before it is ready", SAY[Failure.DROPPED], after("session.created", Drop())),
    Trouble("dropped while listening", SAY[Failure.DROPPED], after("session.updated", Drop())),
    Trouble(
        "closed while thinking", SAY[Failure.DROPPED], after("response.created", Close(1011, "Down.")), needs_words=True
    ),
    Trouble("expired", SAY[Failure.EXPIRED], replace(HEALTHY, expire_after_s=0.2)),
    Trouble("expired without a word", SAY[Failure.EXPIRED], replace(HEALTHY, expire_after_s=0.2, expiry="close")),
    Trouble("malformed", SAY[Failure.PROTOCOL], after("response.created", Send('{"type"')), needs_words=True),
    Trouble(
        "oversized",
        SAY[Failure.PROTOCOL],
        after("response.created", oversized(MANY_BYTES)),
        (f"conversation.openai.max_message_bytes={MANY_BYTES - 1}",),
        needs_words=True,
    ),
    Trouble("wrong key", SAY[Failure.REFUSED_KEY], Script(refuse=Refusal(401, "invalid_api_key"))),
    Trouble("too many requests", SAY[Failure.BUSY], Script(refuse=Refusal(429, "rate_limit_exceeded"))),
    Trouble("no credit", SAY[Failure.QUOTA], after("session.updated", error_event("insufficient_quota"))),
    Trouble(
        "stalls before it is ready",
        SAY[Failure.UNREACHABLE],
        after("session.created", Stall()),
        ("conversation.openai.connect_timeout_s=1",),
    ),
    Trouble(
        "stalls while thinking", failures.TOO_SLOW, after("response.created", Stall()), ("conversation.think_s=1",)
    ),
    Trouble(
        "a model that fails",
        SAY[Failure.BUSY],
        Script(answer=lambda _: Reply(failure=("server_error", "server_error", "The server had an error."))),
        needs_words=True,
    ),
]


@pytest.mark.parametrize("trouble", TROUBLES, ids=lambda trouble: trouble.name.replace(" ", "-"))
async def test_the_person_is_told_and_the_next_wake_word_is_answered(
    open_house: Open, server: SimulatedRealtime, trouble: Trouble
) -> None:
    """The sentence fits the trouble, is heard at the loudspeaker, and a new conversation begins over it."""
    server.script = trouble.script
    async with open_house(*trouble.overrides) as house:
        began = time.monotonic()
        await (house.wake() if trouble.needs_words else house.click())
        assert await house.announced(began) == trouble.tell
        assert house.status.phase is Phase.IDLE
        assert house.status.failing
        server.script = HEALTHY
        again = await house.converse()
        assert len(house.timeline.all(Announce, began)) == 1
        assert not house.timeline.all(SessionFailed, again)


async def test_a_reset_in_the_middle_of_a_reply_is_said_aloud_word_for_word(
    open_house: Open, server: SimulatedRealtime
) -> None:
    """What the loudspeaker plays is understood by a speech recogniser as the sentence it should be."""
    cut = Fault(AfterReplyAudio(600), Drop())
    server.script = Script(answer=lambda _: Reply("A tone.", audio=tone(3_000)), faults=(cut,))
    listener = Understanding((), talk=[re.sub(r"[^a-z ]", "", text.lower()) for text in SAY.values()])
    async with open_house() as house:
        began = time.monotonic()
        await house.wake()
        await house.announced(began)
        since = time.monotonic() - 0.6
        await silence(house)
        sound = soxr.resample(house.heard(since), house.speaker.rate, CAPTURE_RATE)
        said = await listener.recognise((sound * 32767).astype("<i2").tobytes())
        assert said == Understood("i lost the connection please ask me again")
        server.script = HEALTHY
        await house.converse()


async def silence(house: House) -> None:
    """Wait until the loudspeaker has been silent for half a second."""
    while house.heard_ms(time.monotonic() - 0.5) > 0:
        await asyncio.sleep(0.05)


async def test_an_unreachable_server_is_announced_and_shown(open_house: Open, server: SimulatedRealtime) -> None:
    """Nobody listens at the port; when somebody does again, the next wake word finds it."""
    port = server.port
    await server.stop()
    async with open_house() as house:
        began = time.monotonic()
        await house.wake()
        assert await house.announced(began) == SAY[Failure.UNREACHABLE]
        assert not house.status.online
        server.port = port
        await server.start()
        server.script = HEALTHY
        await house.converse()
        assert house.status.online


async def test_an_unknown_model_is_announced_every_time(open_house: Open, server: SimulatedRealtime) -> None:
    """The device goes on: a fatal refusal does not stop it from listening."""
    async with open_house("conversation.openai.model=gpt-banana") as house:
        for _ in range(2):
            began = time.monotonic()
            await house.wake()
            assert await house.announced(began) == SAY[Failure.REFUSED_CONFIG]
            await house.phase(Phase.IDLE)


async def test_a_tool_that_does_not_exist_is_the_models_to_explain(open_house: Open, server: SimulatedRealtime) -> None:
    """The model is told plainly, its words are heard, the conversation is not lost."""
    calls = Reply(calls=(Call("open_the_garage", '{"how": "slowly"}'),))
    server.script = Script(answer=lambda text: calls if "open_the_garage" not in text else Reply("I cannot do that."))
    async with open_house() as house:
        await house.converse()
        (result,) = outputs(server)
        assert "open_the_garage" in result
        assert len(server.journal.received("response.create")) == 1
        assert not house.timeline.all(SessionFailed)
        await house.phase(Phase.IDLE)
        server.script = HEALTHY
        await house.converse()


async def test_parallel_calls_are_all_answered_before_one_response_is_asked_for(
    open_house: Open, server: SimulatedRealtime
) -> None:
    """A good one, an unknown one and one with broken arguments: three outputs, one response.create."""
    calls = Reply(calls=(Call("set_switch", '{"name": "light", "on": true}'), Call("fly"), Call("set_switch", '{"na')))
    asked: list[str] = []

    def answer(text: str) -> Reply:
        asked.append(text)
        return calls if len(asked) == 1 else Reply("Done.", audio=tone(200))

    server.script = Script(answer=answer)
    async with open_house() as house:
        await house.converse()
        assert len(outputs(server)) == 3
        assert len(server.journal.received("response.create")) == 1
        assert house.app.relays.states["light"] is True
        assert house.board.level(RELAY) == 1


def outputs(server: SimulatedRealtime) -> list[str]:
    """Return the results of calls that the server was given."""
    items = [entry.event["item"] for entry in server.journal.received("conversation.item.create")]
    return [item["output"] for item in items if item["type"] == "function_call_output"]


def test_every_kind_of_failure_has_a_trouble() -> None:
    """So that none can be added without being heard."""
    told = {trouble.tell for trouble in TROUBLES} | {SAY[Failure.REFUSED_CONFIG]}
    assert told >= set(SAY.values())
