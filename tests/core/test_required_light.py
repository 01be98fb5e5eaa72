"""A light that is required: while it cannot be lit, nobody is listened to, and whoever calls is told."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from device.core import actions as order
from device.core import events as ev
from device.core import failures
from device.core.actions import Outcome
from device.core.events import Device
from device.core.memory import Settings
from device.core.status import Phase
from device.units import Samples
from tests.core.test_machine import House, names

BROKEN = ev.DeviceFailed(Device.LIGHT, "the LED cannot be used any more")
LIT = ev.DeviceRecovered(Device.LIGHT)
SENTENCE = order.Announce(failures.OF_DEVICE[Device.LIGHT])
WAKE = ev.WakeWordDetected("hey_jarvis", 0.9, Samples(16_000))


def house_with_a_required_light() -> House:
    """Nothing is wrong yet."""
    return House(Settings(barge_in="voice", light_required=True))


@pytest.mark.parametrize(
    "call", [WAKE, ev.ButtonClicked(Samples(0)), ev.ButtonHeld(Samples(0))], ids=["wake word", "click", "hold"]
)
def test_whoever_calls_in_the_dark_is_told_instead_of_being_listened_to(call: ev.Event) -> None:
    """Each time; and listened to again as soon as there is light."""
    house = house_with_a_required_light()
    assert house.tell(BROKEN) == [SENTENCE]
    for _ in range(2):
        assert SENTENCE in house.tell(call)
        house.tell(ev.ButtonReleased(Samples(0)))
        assert house.phase is Phase.IDLE
    assert not any(isinstance(one, order.OpenSession) for one in house.orders)
    house.tell(LIT, call)
    assert house.phase is Phase.WAKING


@pytest.mark.parametrize("way", [House.wake, House.listen, House.think, House.speak], ids=lambda way: way.__name__)
def test_a_conversation_in_which_the_light_breaks_is_over(way: Callable[[House], None]) -> None:
    """The gate is shut first, and why is said once."""
    house = house_with_a_required_light()
    way(house)
    orders = house.tell(BROKEN)
    assert house.phase is Phase.IDLE
    assert not house.machine.status.gate_open
    assert orders.count(SENTENCE) == 1
    assert "CloseSession" in names(orders)
    if "CutGate" in names(orders):
        assert names(orders).index("CutGate") < names(orders).index("Announce")


def test_mute_and_quiet_are_obeyed_in_the_dark() -> None:
    """By the button and by commands; muted, a wake word that was on its way says nothing."""
    house = house_with_a_required_light()
    house.tell(BROKEN)
    assert "CloseMicrophone" in names(house.tell(ev.MuteToggleRequested()))
    assert house.tell(WAKE) == []
    assert "OpenMicrophone" in names(house.tell(ev.MuteToggleRequested()))
    assert names(house.tell(ev.StopRequested())) == ["StopPlayback"]
    house.tell(ev.ButtonHeld(Samples(0)))
    assert "CloseMicrophone" in names(house.tell(ev.ButtonLongPressed()))


def test_a_question_that_nobody_could_answer_is_refused_and_a_sentence_is_said() -> None:
    """Who asked learns why; what needs no answer is said as always."""
    house = house_with_a_required_light()
    house.tell(BROKEN)
    assert house.tell(ev.AnnouncementRequested("Shall I?", ticket=1, asks=True)) == [order.TellOutcome(1, Outcome.DARK)]
    assert "hardware.led.required" in failures.OF_ANNOUNCEMENT[Outcome.DARK]
    house.tell(ev.AnnouncementRequested("Dinner.", ticket=2))
    assert house.wait(300) == [order.SayAnnouncement(1, "Dinner.")]


def test_what_the_provider_says_of_its_own_accord_needs_no_light() -> None:
    """Nobody is heard meanwhile; a call ends it, and is answered as always in the dark."""
    house = house_with_a_required_light()
    house.tell(ev.AnnouncementRequested("Dinner.", ticket=1, by_provider=True))
    house.wait(300)
    house.tell(ev.SessionReady(house.turn), BROKEN)
    assert house.phase is Phase.THINKING
    orders = house.tell(WAKE)
    assert house.phase is Phase.IDLE
    assert SENTENCE in orders
    assert order.TellOutcome(1, Outcome.INTERRUPTED) in orders


def test_without_being_required_a_broken_light_keeps_nobody_from_being_heard() -> None:
    """The default: a sound takes its place."""
    house = House()
    assert house.tell(BROKEN) == [order.Announce(failures.DARK)]
    house.listen()
    assert house.machine.status.gate_open
