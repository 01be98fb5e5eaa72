"""Two engines that must agree: nothing of a command is lost, and who is refused is told."""

from __future__ import annotations

import contextlib

import pytest

from device.core.events import SpeechStopped, WakeWordDetected
from device.foreign.espeak import VoiceStyle
from device.sim.person.voice import Person, Utterance
from device.sim.realtime import SimulatedRealtime
from device.sim.stage.timeline import ScenarioError
from device.units import Hz
from tests.scenarios.conftest import Open
from tests.scenarios.house import PATIENCE, House
from tests.scenarios.test_one_breath import GAP_MS, RATE, TOLERANCE_MS, arrival
from tests.waiting import LIMIT_S, until

# Both engines hear its "alexa" in every one of five alignments with their frames; of most other voices, in one or two.
VOICE = VoiceStyle("en-gb", 160)


async def spoken(house: House, person: Person) -> Utterance:
    """Say word and command, like a patient person: on a busy machine the word may have been torn."""
    for _ in range(PATIENCE):
        said = await person.say("turn on the light", "alexa")
        with contextlib.suppress(ScenarioError):
            heard = await house.timeline.until(WakeWordDetected, 0.0, 1.0)
            assert heard.word == "alexa"
            return said
    raise ScenarioError("the word was not heard")


async def test_a_command_in_one_breath_with_a_word_that_both_engines_hear_arrives_whole(
    open_house: Open, server: SimulatedRealtime
) -> None:
    """Though the second engine agrees only when the command has begun."""
    async with open_house('wake.words=["alexa"]') as house:
        person = Person(house.card.play_into_room, VOICE)
        with house.card.record_room(Hz(RATE)) as room:
            said = await spoken(house, person)
            await house.timeline.until(SpeechStopped, 0.0, LIMIT_S)
        arrived = arrival(said, room.pcm, server.journal.received_audio())
    assert arrived.match > 0.9, arrived
    assert arrived.drift_ms < TOLERANCE_MS, "a gap, or a piece twice, or out of order"
    assert arrived.start_ms <= said.command_at_ms, "the beginning of the sentence is missing"
    assert said.command_at_ms - GAP_MS - arrived.start_ms <= 200 + TOLERANCE_MS


async def test_a_word_that_the_second_engine_does_not_hear_wakes_nobody(
    open_house: Open, caplog: pytest.LogCaptureFixture
) -> None:
    """microWakeWord does not take this synthetic voice for a person's."""
    caplog.set_level("INFO")
    async with open_house('wake.second_opinion=["hey_jarvis"]') as house:
        for _ in range(PATIENCE):
            await house.person.say("hello", "hey jarvis")
            with contextlib.suppress(AssertionError):
                await until(lambda: "says no" in caplog.text, "the refusal", 2.0)
                break
        assert house.timeline.all(WakeWordDetected) == []
    assert "but microwakeword says no" in caplog.text
