"""Servers that fail in every way: the person hears what happened, and the next wake word is answered."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, replace

import pytest
import soxr

from device.core import failures
from device.core.actions import Announce
from device.core.events import Failure, SessionFailed
from device.core.status import Phase
from device.sim.person.understanding import Understanding, Understood
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
from device.units import CAPTURE_RATE
from tests.scenarios.conftest import Open
from tests.scenarios.house import RELAY, House
from tests.waiting import until

pytestmark = pytest.mark.patient

HEALTHY = Script(answer=lambda _: Reply("Beep.", audio=tone(200)))
MANY_BYTES = 200_000


@dataclass(frozen=True)
class Trouble:
    """How the server fails, and what the person must be told."""

    tell: str
    script: Script
    needs_words: bool = False
    """Else it comes before anybody says a word: a click is enough, and quicker."""


def after(event: str, do: Drop | Close | Send | Stall) -> Script:
    """Return a healthy script with one fault, once."""
    return replace(HEALTHY, faults=(Fault(AfterEvent(event), do),))


SAY = failures.OF_CONVERSATION
FAILED_MODEL = Reply(failure=("server_error", "server_error", "The server had an error."))
TROUBLES = {
    "dropped before it is ready": Trouble(SAY[Failure.DROPPED], after("session.created", Drop())),
    "stalls before it is ready": Trouble(SAY[Failure.UNCONFIGURED], after("session.created", Stall())),
    "no credit at the door": Trouble(SAY[Failure.QUOTA], Script(refuse=Refusal(429, "insufficient_quota"))),
    "wrong country": Trouble(
        SAY[Failure.REFUSED_REGION], Script(refuse=Refusal(403, "unsupported_country_region_territory"))
    ),
    "wrong key": Trouble(SAY[Failure.REFUSED_KEY], Script(refuse=Refusal(401, "invalid_api_key"))),
    "no credit": Trouble(SAY[Failure.QUOTA], after("session.updated", error_event("insufficient_quota"))),
    "expired": Trouble(SAY[Failure.EXPIRED], replace(HEALTHY, expire_after_s=0.2)),
    "dropped while listening": Trouble(SAY[Failure.DROPPED], after("session.updated", Drop())),
    "too many requests": Trouble(SAY[Failure.BUSY], Script(refuse=Refusal(429, "rate_limit_exceeded"))),
    "expired without a word": Trouble(SAY[Failure.EXPIRED], replace(HEALTHY, expire_after_s=0.2, expiry="close")),
    "malformed": Trouble(SAY[Failure.PROTOCOL], after("response.created", Send('{"type"')), True),
    "stalls while thinking": Trouble(failures.TOO_SLOW, after("response.created", Stall()), True),
    "oversized": Trouble(SAY[Failure.PROTOCOL], after("response.created", oversized(MANY_BYTES)), True),
    "model that fails": Trouble(SAY[Failure.BUSY], Script(answer=lambda _: FAILED_MODEL), True),
    "closed while thinking": Trouble(SAY[Failure.DROPPED], after("response.created", Close(1011, "Down.")), True),
}
# One after the other in one house: starting each time would take longer than all the rest.
IN_TURN = [
    ("dropped before it is ready", "stalls before it is ready", "wrong key", "no credit", "expired"),
    (
        "dropped while listening",
        "too many requests",
        "expired without a word",
        "no credit at the door",
        "wrong country",
    ),
    ("malformed", "stalls while thinking", "oversized"),
    ("model that fails", "closed while thinking"),
]
IMPATIENT = (
    "conversation.think_s=1",
    "conversation.openai.connect_timeout_s=1",
    f"conversation.openai.max_message_bytes={MANY_BYTES - 1}",
)


@pytest.mark.parametrize("names", IN_TURN, ids=lambda names: names[0].replace(" ", "-"))
async def test_the_person_is_told_and_the_next_wake_word_is_answered(
    open_house: Open, server: SimulatedRealtime, names: tuple[str, ...]
) -> None:
    """The sentence fits the trouble and is heard at the loudspeaker, and a new conversation begins over it."""
    async with open_house(*IMPATIENT) as house:
        for name in names:
            trouble = TROUBLES[name]
            server.script = trouble.script
            began = time.monotonic()
            await (house.wake() if trouble.needs_words else house.ask_by_click())
            assert await house.announced(began) == trouble.tell, name
            assert house.status.phase is Phase.IDLE, name
            assert house.status.failing, name
            assert len(house.timeline.all(Announce, began)) == 1, name
        server.script = HEALTHY
        again = await house.converse()
        assert not house.timeline.all(SessionFailed, again)


def test_every_trouble_is_heard_and_every_kind_of_failure_has_its_own_sentence() -> None:
    """So that none can be added without being told; what a handshake can end with is tried in tests/conversation."""
    assert {name for names in IN_TURN for name in names} == set(TROUBLES)
    assert set(SAY) == set(Failure)
    assert len(set(SAY.values())) == len(SAY)


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
    await until(lambda: house.heard_ms(time.monotonic() - 0.5) == 0, "silence")


async def test_an_unreachable_server_is_announced_and_shown(open_house: Open, server: SimulatedRealtime) -> None:
    """Nobody listens at the port; when somebody does again, the next wake word finds it."""
    port = server.port
    await server.stop()
    async with open_house() as house:
        began = time.monotonic()
        await house.ask_by_click()
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
            await house.ask_by_click()
            assert await house.announced(began) == SAY[Failure.UNKNOWN_MODEL]
            await house.phase(Phase.IDLE)


async def test_a_tool_that_does_not_exist_is_the_models_to_explain(open_house: Open, server: SimulatedRealtime) -> None:
    """The model is told plainly, its words are heard, the conversation is not lost."""
    calls = Reply(calls=(Call("open_the_garage", '{"how": "slowly"}'),))
    server.script = Script(
        answer=lambda text: calls if "open_the_garage" not in text else Reply("No.", audio=tone(200))
    )
    async with open_house() as house:
        await house.converse()
        (result,) = outputs(server)
        assert "open_the_garage" in result
        assert len(server.journal.received("response.create")) == 1
        assert not house.timeline.all(SessionFailed)


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
