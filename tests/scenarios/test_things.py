"""Things on pins, through the whole path: spoken words, a model that calls a tool, a person's yes, and the pin."""

from __future__ import annotations

import asyncio
import time

import pytest

from device.core.actions import CloseSession, OpenSession, ReadAloud
from device.core.events import AnnouncementRequested, PlaybackFinished, PlaybackStarted
from device.core.indication import Indication, indication
from device.core.memory import Settings
from device.core.status import Phase
from device.foreign.gpio import MockBoard
from device.sim.person.understanding import TALK, Understanding
from device.sim.realtime import SimulatedRealtime
from device.sim.realtime.script import Reply, Script, tone
from device.tools.pins.sensors import POLL_S
from device.tools.pins.settings import Relay
from device.tools.pins.switches import Relays, relay_tools
from device.tools.registry import Registry
from tests.scenarios.conftest import Open
from tests.scenarios.house import House
from tests.scenarios.test_faults import outputs
from tests.waiting import LIMIT_S, until

pytestmark = pytest.mark.patient

LOCK = 27
MEANS = "unlock the front door"
THINGS = (f"tools.relays.front_door.pin={LOCK}", f'tools.relays.front_door.on_means="{MEANS}"')
BY_PRESS = (*THINGS, 'tools.relays.front_door.confirm="press"')
BY_WORD = (
    *THINGS,
    'tools.relays.front_door.confirm="yes"',
    'conversation.openai.transcription_model="gpt-transcribe"',
)


@pytest.fixture(scope="module")
def understanding() -> Understanding:
    """What the server understands: the front door, and a yes."""
    board = MockBoard()
    with Relays({"front_door": Relay(pin=LOCK, on_means=MEANS)}) as relays:
        specs = Registry(relay_tools(relays), 1.0).specs
    board.close()
    return Understanding(specs, (*TALK, "yes please"))


async def asked_to_unlock(house: House) -> float:
    """Ask for the front door, and be asked for a yes; return when that was."""
    await house.wake(MEANS)
    await until(lambda: house.status.confirming, "a question")
    since = time.monotonic()
    assert indication(house.status) is Indication.CONFIRMING
    assert house.board.level(LOCK) == 0
    return since


async def test_the_door_is_unlocked_by_a_press_of_the_button(open_house: Open, server: SimulatedRealtime) -> None:
    """The person is told aloud to press; the press ends nothing, and the model gets the result."""
    server.script = Script(answer=lambda text: Reply("Done.", audio=tone(200)) if "is on" in text else None)
    async with open_house(*BY_PRESS) as house:
        since = await asked_to_unlock(house)
        assert house.timeline.all(ReadAloud)[-1].note == f"Press the button to {MEANS}."
        await house.timeline.until(PlaybackStarted, since, LIMIT_S)
        await asyncio.sleep(Settings().notice / 1000)
        assert house.board.level(LOCK) == 0
        await house.click()
        await until(lambda: house.board.level(LOCK) == 1, "the door")
        assert not house.status.confirming
        await until(lambda: outputs(server) == ["The front door is on"], "the result")
        assert not house.timeline.all(CloseSession, since)
    assert house.board.levels_seen(LOCK)[-1] == 0


async def test_the_door_is_unlocked_by_a_spoken_yes(open_house: Open, server: SimulatedRealtime) -> None:
    """The microphone is open for it after the question, and what was asked for first was no yes."""
    short = Reply("Well.", audio=tone(200))
    server.script = Script(answer=lambda text: None if text == MEANS else short)
    async with open_house(*BY_WORD) as house:
        since = await asked_to_unlock(house)
        await house.timeline.until(PlaybackFinished, since, LIMIT_S)
        assert house.status.phase is Phase.LISTENING
        assert house.status.gate_open
        assert house.board.level(LOCK) == 0
        await house.person.say("yes please")
        await until(lambda: house.board.level(LOCK) == 1, "the door")
        await until(lambda: outputs(server) == ["The front door is on"], "the result")


async def test_a_door_that_opens_is_announced(open_house: Open) -> None:
    """From the level of the pin to the loudspeaker, without a wake word and without a session."""
    door = 'tools.sensors.front_door={kind="contact", pin=26, announce="The front door was opened"}'
    async with open_house(door) as house:
        house.board.drive(26, False)
        await asyncio.sleep(8 * POLL_S)
        since = time.monotonic()
        house.board.drive(26, True)
        await house.timeline.until(AnnouncementRequested, since, LIMIT_S)
        await until(lambda: house.heard_ms(since) > 500, "the announcement at the loudspeaker")
        assert not house.timeline.all(OpenSession)
