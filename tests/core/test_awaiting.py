"""When an answer waits for the wake word."""

from __future__ import annotations

import pytest

from device.core import events as ev
from device.core.memory import Settings
from device.core.strain import Burden
from device.units import Samples
from tests.core.test_machine import House


def awaits_word(house: House) -> bool:
    """Ask the machine."""
    return house.machine.status.awaits_word


def test_where_only_the_wake_word_interrupts_it_is_awaited_as_soon_as_an_answer_may_come() -> None:
    """Not before: what the person says now is for the provider. Nor when the answer is over."""
    house = House(Settings(barge_in="wake_word"))
    house.listen()
    assert not awaits_word(house)
    house = House(Settings(barge_in="wake_word"))
    house.think()
    assert awaits_word(house)
    house = House(Settings(barge_in="wake_word"))
    house.speak()
    assert awaits_word(house)
    house.tell(ev.ButtonClicked(Samples(1)))
    assert not awaits_word(house)


@pytest.mark.parametrize("barge_in", ["voice", "off"])
def test_where_a_voice_interrupts_or_nothing_does_it_is_not(barge_in: str) -> None:
    """A voice is noticed before any word is known."""
    house = House(Settings(barge_in=barge_in))  # type: ignore[arg-type]
    house.think()
    assert not awaits_word(house)
    house = House(Settings(barge_in=barge_in))  # type: ignore[arg-type]
    house.speak()
    assert not awaits_word(house)


def test_while_the_canceller_is_given_up_it_is() -> None:
    """In the midst of an answer."""
    house = House(Settings(barge_in="voice"))
    house.speak()
    house.tell(ev.EchoCancellationLost("too slow", for_good=False))
    assert awaits_word(house)
    house.tell(ev.EchoCancellationRecovered())
    assert not awaits_word(house)


def test_while_the_canceller_lacks_a_part_it_is() -> None:
    """A voice may be suppressed then; whatever else is given up has nothing to do with voices."""
    house = House(Settings(barge_in="voice"))
    house.speak()
    house.tell(ev.LoadShed((Burden.OTHER_WORDS,)))
    assert not awaits_word(house)
    house.tell(ev.LoadShed((Burden.OTHER_WORDS, Burden.ECHO_FILTER)))
    assert awaits_word(house)
    house.tell(ev.LoadShed(()))
    assert not awaits_word(house)


def test_a_muted_house_awaits_nothing() -> None:
    """Nobody is heard."""
    house = House(Settings(barge_in="wake_word"))
    house.speak()
    house.tell(ev.MuteRequested())
    assert not awaits_word(house)
