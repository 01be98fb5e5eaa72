"""A network that fails without an error, and a server that has stopped to listen: found within seconds, and told."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from device.conversation.openai import wire
from device.core import actions as order
from device.core import events as ev
from device.core.actions import Cue
from device.core.events import Failure
from device.core.memory import Settings
from device.core.status import Phase
from device.units import Ms, Samples
from tests.conversation.mutings import CountingServer, Mutable, counting_server
from tests.conversation.network import Network, network, why_no_namespaces

# A tenth of the shipped times, and the cues that would lie.
HURRY = Settings(
    barge_in="voice",
    silence=Ms(300),
    answer_check=Ms(600),
    answer_check_busy=Ms(60_000),
    answer_check_wake_word=Ms(600),
)
WAKE = "hey"


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel tries again after 200 ms at the earliest."""
    monkeypatch.setattr(wire, "UNTAKEN_S", 0.8)


@asynccontextmanager
async def far_away() -> AsyncIterator[tuple[Network, CountingServer, Mutable]]:
    """It is the person's turn to speak, in a house whose server is behind a cable."""
    if why := why_no_namespaces():
        pytest.skip(why)
    with network() as wires:
        async with counting_server(wires.listener(), host=wires.host) as server:
            house = Mutable(server.url, HURRY)
            house.wake()
            await house.phase(Phase.LISTENING)
            await house.listen_for(0.1)
            yield wires, server, house
            await house.conversation.aclose()


async def lost(house: Mutable) -> None:
    """It is told aloud, the gate is shut, and nothing says that all is well."""
    failed = await house.fact(ev.SessionFailed)
    assert failed.failure is Failure.DROPPED
    said = await house.fact(order.Announce)
    assert "lost the connection" in said.text
    assert house.controller.status.phase is Phase.IDLE
    assert not house.controller.status.gate_open
    assert order.PlayCue(Cue.DONE) not in house.facts


async def test_a_question_into_a_dead_network_does_not_vanish() -> None:
    """The provider has not heard a word of it."""
    async with far_away() as (wires, _, house):
        wires.stall()
        house.controller.post(ev.VoiceStarted(house.frontend.position))
        await house.listen_for(0.5)
        house.controller.post(ev.VoiceStopped(house.frontend.position))
        await lost(house)


async def test_a_network_that_dies_under_an_answer_does_not_keep_the_microphone_on() -> None:
    """The answer is not complete, and the gate open for whoever interrupts it."""
    async with far_away() as (wires, server, house):
        await server.sessions[0].send(json.dumps({"type": "response.created", "response": {"id": "r"}}))
        await house.fact(ev.ResponseStarted)
        house.controller.post(ev.PlaybackStarted(1))
        assert house.controller.status.phase is Phase.SPEAKING
        assert house.controller.status.gate_open
        wires.stall()
        await lost(house)


async def test_a_network_that_lives_is_asked_and_left_alone() -> None:
    """However long the answer takes."""
    async with far_away() as (_, server, house):
        await server.sessions[0].send(json.dumps({"type": "response.created", "response": {"id": "r"}}))
        await house.fact(ev.LinkAnswered)
        await house.listen_for(2.0)
        assert sum(isinstance(fact, ev.LinkAnswered) for fact in house.facts) >= 3
        assert house.controller.status.phase is Phase.THINKING


async def test_a_server_that_stops_reading_is_found() -> None:
    """Its kernel goes on taking what is sent."""
    async with counting_server() as server:
        house = Mutable(server.url, HURRY)
        house.wake()
        await house.phase(Phase.LISTENING)
        server.sessions[0].transport.pause_reading()
        house.controller.post(ev.VoiceStarted(house.frontend.position))
        await lost(house)
        server.sessions[0].transport.abort()
        await house.conversation.aclose()


async def test_the_wake_word_to_a_dead_session_opens_another_that_hears_what_follows_it() -> None:
    """In the middle of waiting for an answer; nobody says the word twice, and nothing of before it is sent again."""
    async with counting_server() as server:
        house = Mutable(server.url, HURRY)
        house.wake()
        await house.phase(Phase.LISTENING)
        await server.sessions[0].send(json.dumps({"type": "response.created", "response": {"id": "r"}}))
        await house.phase(Phase.THINKING)
        server.sessions[0].transport.pause_reading()
        word = house.frontend.position
        house.controller.post(ev.WakeWordDetected(WAKE, 1.0, word))
        house.facts.clear()
        opened = await house.fact(order.OpenSession)
        await house.phase(Phase.LISTENING)
        assert order.OpenGate(Samples(word)) in house.facts
        assert opened.turn == house.controller.status.turn
        assert len(server.sessions) == 2
        assert not any(isinstance(fact, order.Announce) for fact in house.facts)
        server.sessions[0].transport.abort()
        await house.conversation.aclose()


class SlowWire:
    """Takes so many bytes each time that it is asked."""

    def __init__(self, written: int, takes: int) -> None:
        self._written, self._takes, self._taken = written, takes, 0

    def position(self) -> int:
        return self._written

    def arrived(self) -> int:
        self._taken = min(self._written + 1, self._taken + self._takes)
        return self._taken


def test_a_slow_network_is_not_a_dead_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """The question waits behind ten seconds of sound; its time counts from when it is through."""
    now = 0.0
    monkeypatch.setattr(wire.time, "monotonic", lambda: now)
    slow: wire.PingDeadline = wire.PingDeadline(SlowWire(1_000, 10), 2.0)  # type: ignore[arg-type]
    for _ in range(90):
        now += 0.5
        slow.check()
    for _ in range(20):
        slow.check()
    now += 2.1
    with pytest.raises(TimeoutError, match="within 2 s"):
        slow.check()
    dead = wire.PingDeadline(SlowWire(1_000, 0), 20.0)  # type: ignore[arg-type]
    now += wire.UNTAKEN_S + 0.1
    with pytest.raises(TimeoutError, match="takes nothing"):
        dead.check()
