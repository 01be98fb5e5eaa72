"""The house speaks first: heard in the room, and answered by a person there."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from device.core.actions import OpenGate, Outcome, SayAnnouncement, TellOutcome
from device.core.events import AnnouncementRequested, AnnouncementSaid, MuteRequested
from device.core.status import Phase
from device.sim.person.understanding import Understanding
from device.sim.realtime import SimulatedRealtime
from device.sim.realtime.codec import resample
from device.units import CAPTURE_RATE
from tests.control.house import connected, short_folder
from tests.scenarios.conftest import Open
from tests.scenarios.house import RELAY, House
from tests.scenarios.test_control import command
from tests.waiting import LIMIT_S, until


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A runtime directory."""
    with short_folder() as folder:
        monkeypatch.setenv("RUNTIME_DIRECTORY", str(folder))
        yield folder


async def understood(house: House, understanding: Understanding, since: float) -> str:
    """Return what somebody understands of what left the loudspeaker since."""
    sound = house.heard(since)
    pcm = (sound * 32767).astype("<i2").tobytes()
    return (await understanding.recognise(resample(pcm, house.speaker.rate, CAPTURE_RATE))).text


async def test_what_is_to_be_said_is_heard_and_waits_for_the_conversation(
    open_house: Open, server: SimulatedRealtime, folder: Path, understanding: Understanding
) -> None:
    """Asked for in the middle of an answer by the command; muted, the house says it all the same."""
    async with open_house() as house:
        began = time.monotonic()
        await house.wake("hello")
        await house.phase(Phase.SPEAKING)
        saying = asyncio.create_task(command("say", "turn", "on", "the light"))
        await house.timeline.until(AnnouncementRequested, began, LIMIT_S)
        assert house.timeline.all(SayAnnouncement) == []
        await house.phase(Phase.IDLE)
        since = time.monotonic()
        assert await saying == (0, "said\n")
        assert await understood(house, understanding, since) == "turn on the light"
        assert not house.timeline.all(OpenGate, since)
        house.app.controller.post(MuteRequested())
        since = time.monotonic()
        assert await command("say", "good morning") == (0, "said\n")
        assert house.heard_ms(since) > 300


async def test_a_question_is_answered_without_the_wake_word_and_the_command_prints_it(
    open_house: Open,
    server: SimulatedRealtime,
    folder: Path,
    understanding: Understanding,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """No byte leaves before the sentence was heard; the words go to the command, and to nothing and nobody else."""
    caplog.set_level(logging.DEBUG)
    async with open_house("control.transcripts=true") as house, connected(folder) as subscriber:
        await subscriber.ask("subscribe")
        since = time.monotonic()
        asking = asyncio.create_task(command("ask", "shall I do something?"))
        await house.timeline.until(SayAnnouncement, since, LIMIT_S)
        assert not house.status.gate_open
        await house.timeline.until(AnnouncementSaid, since, LIMIT_S)
        assert not house.timeline.all(OpenGate, since)
        # At once, though the session is still being opened.
        await house.person.say("turn on the light")
        assert await asking == (0, "turn on the light\n")
        assert house.status.phase is Phase.IDLE
        assert server.journal.sent("response.created") == []
        assert house.board.level(RELAY) == 0
        (outcome,) = house.timeline.all(TellOutcome, since)
        assert outcome.outcome is Outcome.ANSWERED
        # It can still be called.
        await house.converse()
        events = []
        while (event := await subscriber.next()).get("phase") != "speaking":
            events.append(event)
        assert not any("light" in str(event) for event in events)
    assert "turn on the light" not in caplog.text
    assert "do something" not in caplog.text


async def test_muted_it_does_not_ask(open_house: Open, folder: Path) -> None:
    """And says why."""
    async with open_house() as house:
        house.app.controller.post(MuteRequested())
        since = time.monotonic()
        code, printed = await command("ask", "shall I?")
        assert (code, printed) == (1, "")
        assert house.timeline.all(SayAnnouncement, since) == []
        await until(lambda: house.app.microphone.is_closed, "a closed microphone")


async def test_the_provider_says_it_and_hears_nothing(
    open_house: Open, server: SimulatedRealtime, folder: Path, understanding: Understanding
) -> None:
    """In a session that is over with the sound; no byte of the microphone goes there."""
    async with open_house() as house:
        since = time.monotonic()
        assert await command("say", "--voice", "provider", "turn on the light") == (0, "said\n")
        assert await understood(house, understanding, since) == "turn on the light"
        assert house.status.phase is Phase.IDLE
        assert not house.timeline.all(OpenGate, since)
        assert server.journal.received_audio() == b""
