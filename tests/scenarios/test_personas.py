"""Who answers is chosen by a wake word or by a person, and a word that is not chosen wakes nobody."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from device.core.events import SessionReady, WakeWordDetected
from device.core.status import Phase
from device.foreign.espeak import VoiceStyle
from device.sim.person.voice import Person
from device.sim.realtime import SimulatedRealtime
from device.sim.stage.timeline import ScenarioError
from tests.control.house import connected, short_folder
from tests.scenarios.conftest import Open
from tests.scenarios.house import PATIENCE, House
from tests.waiting import LIMIT_S, until

PERSONAS = {"butler": {"instructions": "Be a butler."}, "pirate": {"voice": "cedar", "wake_word": "alexa"}}
SETTINGS = ('wake.words=["hey_jarvis", "alexa"]', 'conversation.instructions="Be brief."')
# See test_second_opinion.
OF_ALEXA = VoiceStyle("en-gb", 160)


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A runtime directory."""
    with short_folder() as folder:
        monkeypatch.setenv("RUNTIME_DIRECTORY", str(folder))
        yield folder


def who(server: SimulatedRealtime) -> tuple[str, str]:
    """Return the instructions and the voice with which the last session was configured."""
    updates: list[dict[str, Any]] = [
        dict(entry.event)["session"] for entry in server.journal.received("session.update")
    ]
    whole = [update for update in updates if "instructions" in update]
    return whole[-1]["instructions"], whole[-1]["audio"]["output"]["voice"]


async def woken(house: House, person: Person, word: str) -> None:
    """Say a word and a command, like a patient person, until it wakes the house."""
    since = time.monotonic()
    for _ in range(PATIENCE):
        await person.say("hello", word.replace("_", " "))
        with contextlib.suppress(ScenarioError):
            heard = await house.timeline.until(WakeWordDetected, since, 1.0)
            assert heard.word == word
            await house.timeline.until(SessionReady, since, LIMIT_S)
            return
    raise ScenarioError(f"{word} was not heard")


async def test_a_wake_word_of_its_own_calls_a_persona_and_a_word_that_is_not_chosen_nobody(
    open_house: Open, server: SimulatedRealtime, folder: Path
) -> None:
    """The instructions and the voice are those that the server is sent; the choice is made over the socket."""
    personas = [
        f"conversation.personas.{name}.{key}={json.dumps(value)}"
        for name, one in PERSONAS.items()
        for key, value in one.items()
    ]
    async with open_house(*SETTINGS, *personas) as house, connected(folder) as client:
        caller = Person(house.card.play_into_room, OF_ALEXA)
        await woken(house, caller, "alexa")
        assert who(server) == ("Be brief.", "cedar")
        await house.phase(Phase.IDLE)
        assert (await client.ask("persona", name="butler"))["result"]["persona"] == "butler"
        assert (await client.ask("wake_word", word="hey_jarvis"))["result"]["wake_word"] == "hey_jarvis"
        scores: list[float] = []
        house.app.wake._on_score = lambda all_of_them: scores.append(all_of_them["alexa"])
        since = time.monotonic()
        for _ in range(PATIENCE):
            await caller.say("hello", "alexa")
            with contextlib.suppress(AssertionError):
                await until(lambda: max(scores, default=0.0) > 0.5, "a score", 2.0)
                break
        assert max(scores) > 0.5, "it was not even said so that it could be heard"
        await woken(house, house.person, "hey_jarvis")
        assert [entry.word for entry in house.timeline.all(WakeWordDetected, since)] == ["hey_jarvis"]
        assert who(server) == ("Be a butler.", "marin")
    assert json.loads((folder_of(house) / "choices.json").read_bytes()) == {
        "persona": "butler",
        "wake_word": "hey_jarvis",
    }


def folder_of(house: House) -> Path:
    """Return the state folder."""
    return Path(house.app.settings.service.state_dir)
