"""Who answers, and which wake words wake: chosen by people, for the sessions to come."""

from __future__ import annotations

import pytest

from device.core import actions as order
from device.core import events as ev
from device.core.actions import Purpose, TurnEnd
from device.core.events import Failure
from device.core.memory import Settings
from device.core.status import Phase, Status
from device.units import Samples
from tests.core.test_machine import House

PIRATES = Settings(barge_in="voice", personas={"alexa": "pirate"})


def said(word: str) -> ev.WakeWordDetected:
    return ev.WakeWordDetected(word, 0.9, Samples(16_000))


def opened(house: House) -> list[str]:
    """Return who answers in each session that was opened."""
    return [one.persona for one in house.orders if isinstance(one, order.OpenSession)]


def test_a_chosen_persona_answers_whoever_opens_the_session() -> None:
    """By a wake word, a click or a held button."""
    house = House()
    house.tell(ev.PersonaChosen("butler"))
    assert house.orders == []
    house.wake()
    house.tell(ev.StopRequested(), ev.ButtonClicked(Samples(0)), ev.StopRequested(), ev.ButtonHeld(Samples(0)))
    assert opened(house) == ["butler"] * 3
    house.tell(ev.ButtonReleased(Samples(0)), ev.StopRequested(), ev.PersonaChosen(""))
    house.wake()
    assert opened(house)[-1] == ""


def test_a_persona_has_its_own_wake_word_whoever_is_chosen() -> None:
    """For that conversation only."""
    house = House(PIRATES)
    house.tell(ev.PersonaChosen("butler"), said("alexa"), ev.StopRequested(), said("hey_jarvis"), ev.StopRequested())
    assert opened(house) == ["pirate", "butler"]
    assert house.machine.status.persona == "butler"


@pytest.mark.parametrize("phase", [Phase.WAKING, Phase.LISTENING, Phase.THINKING, Phase.SPEAKING])
def test_a_choice_leaves_the_open_session_as_it_is(phase: Phase) -> None:
    """In every phase: nothing is ordered, and no deadline begins anew."""
    house = House(PIRATES)
    {Phase.WAKING: house.wake, Phase.LISTENING: house.listen, Phase.THINKING: house.think, Phase.SPEAKING: house.speak}[
        phase
    ]()
    timer = house.machine.get_timer()
    house.now += 1_000
    assert house.tell(ev.PersonaChosen("butler"), ev.WakeWordChosen("alexa")) == []
    assert (house.phase, house.machine.get_timer()) == (phase, timer)
    assert (house.machine.status.persona, house.machine.status.wake_word) == ("butler", "alexa")


def test_the_wake_word_of_another_persona_in_an_open_session_is_only_a_wake_word() -> None:
    """Unless the session turns out to be dead: the new one is of whom the word calls."""
    house = House(PIRATES)
    house.listen()
    house.tell(said("alexa"))
    assert opened(house) == [""]
    house.tell(ev.SessionFailed(house.turn, Failure.DROPPED, "gone"))
    assert opened(house) == ["", "pirate"]


def test_an_announcement_in_the_voice_of_answers_has_that_of_who_is_chosen() -> None:
    """The provider reads it as that persona."""
    house = House(PIRATES)
    house.tell(ev.PersonaChosen("butler"), ev.AnnouncementRequested("Dinner is ready.", by_provider=True))
    house.wait(300)
    assert house.orders[-1] == order.OpenSession(1, TurnEnd.DEVICE, Purpose.RECITE, "butler")


def test_all_wake_words_wake_until_one_is_chosen() -> None:
    """And again when all of them are."""
    assert Status().heeds("alexa")
    assert Status(wake_word="alexa").heeds("alexa")
    assert not Status(wake_word="alexa").heeds("hey_jarvis")
    house = House()
    house.tell(ev.WakeWordChosen("alexa"), ev.WakeWordChosen(""))
    assert house.machine.status.heeds("hey_jarvis")
