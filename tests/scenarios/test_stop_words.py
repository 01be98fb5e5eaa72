"""A stop word over what sounds ends it, without the wake word and without the provider."""

from __future__ import annotations

import contextlib
import time

import pytest

from device.audio.mouth.ring import Ringer
from device.core.actions import StopRinging
from device.core.events import AlarmDue, AlarmKind, PlaybackStarted, StopWordHeard
from device.core.status import Phase
from device.sim.stage.timeline import ScenarioError
from tests.scenarios.conftest import Open
from tests.scenarios.house import PATIENCE, House
from tests.waiting import LIMIT_S, until

STOP = 'wake.stop_words=["stop"]'


async def say_stop(house: House) -> None:
    """Say it, like a patient person: on a busy machine the word may have been torn."""
    for _ in range(PATIENCE):
        since = time.monotonic()
        await house.person.say("stop")
        with contextlib.suppress(ScenarioError):
            await house.timeline.until(StopWordHeard, since, 1.5)
            return
    pytest.fail("nobody heard the stop word")


async def stop_a_ringing(house: House) -> None:
    """Let it ring, and end that with the word."""
    since = time.monotonic()
    house.app.controller.post(AlarmDue("pasta", AlarmKind.TIMER))
    await until(lambda: house.heard_ms(since) > 200, "the ring")
    await say_stop(house)
    await house.timeline.until(StopRinging, since, LIMIT_S)
    assert not house.status.ringing


async def test_it_ends_an_answer_and_the_conversation(open_house: Open) -> None:
    """Also where a voice cannot interrupt."""
    async with open_house("conversation.barge_in=wake_word", STOP) as house:
        since = time.monotonic()
        await house.wake("tell me a story")
        await house.timeline.until(PlaybackStarted, since, LIMIT_S)
        await say_stop(house)
        await house.phase(Phase.IDLE)
        stopped = time.monotonic() + 0.3
        await until(lambda: time.monotonic() > stopped + 0.5, "half a second of quiet")
        assert house.heard_ms(stopped) == 0.0


@pytest.mark.parametrize("options", [(), ("conversation.barge_in=wake_word",)])
async def test_it_ends_a_ringing_where_nothing_was_configured(open_house: Open, options: tuple[str, ...]) -> None:
    """Also where only the wake word may interrupt an answer: the echo of the ring is removed for it."""
    async with open_house(*options) as house:
        await stop_a_ringing(house)


async def test_it_ends_a_ringing(open_house: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """That of a timer, while nobody is in a conversation; it gives way to the voice."""
    give_way, asked = Ringer.give_way, list[Ringer]()

    def note(ringer: Ringer) -> None:
        asked.append(ringer)
        give_way(ringer)

    monkeypatch.setattr(Ringer, "give_way", note)
    async with open_house(STOP) as house:
        await stop_a_ringing(house)
        assert asked
