"""What rings as the machine sees it: in every phase, until somebody stops it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from device.core import actions as order
from device.core import events as ev
from device.core.actions import Action
from device.core.events import AlarmKind
from device.core.memory import Settings
from device.core.status import Phase
from device.units import Ms, Samples
from tests.core.test_machine import House, names

PASTA = ev.AlarmDue("1", AlarmKind.TIMER, "pasta")
WAKE_UP = ev.AlarmDue("2", AlarmKind.ALARM)
OVEN = ev.AlarmDue("3", AlarmKind.REMINDER, "turn the oven off")
LOUD, QUIET, STOP = order.Ring(ducked=False), order.Ring(ducked=True), order.StopRinging()
CLICK, ENOUGH = ev.ButtonClicked(Samples(0)), ev.StopRequested()
LONGEST = Settings().longest_ringing


PHASES: dict[Phase, Callable[[House], object]] = {
    Phase.IDLE: lambda _: None,
    Phase.WAKING: House.wake,
    Phase.LISTENING: House.listen,
    Phase.THINKING: House.think,
    Phase.SPEAKING: House.speak,
}


def rings(orders: list[Action]) -> list[Action]:
    """Return the orders about the ring."""
    return [action for action in orders if isinstance(action, order.Ring | order.StopRinging)]


def said(orders: list[Action]) -> list[str]:
    """Return what is to be said."""
    return [action.text for action in orders if isinstance(action, order.Announce | order.SayAnnouncement)]


@pytest.mark.parametrize("phase", Phase)
@pytest.mark.parametrize("stopped_by", [CLICK, ENOUGH], ids=["click", "stop"])
def test_it_rings_in_every_phase_and_who_stops_it_stops_nothing_else(phase: Phase, stopped_by: ev.Event) -> None:
    """The conversation goes on; the same again then does what it does without a ring."""
    house = House()
    PHASES[phase](house)
    assert house.tell(PASTA) == [LOUD if phase is Phase.IDLE else QUIET]
    assert house.machine.status.ringing
    assert house.tell(stopped_by) == [STOP]
    assert (house.phase, house.machine.status.ringing) == (phase, False)
    if phase is not Phase.IDLE:
        house.tell(stopped_by)
        assert house.phase is Phase.IDLE


def test_it_rings_quietly_for_as_long_as_a_conversation_lasts() -> None:
    """From the wake word to the end of the session; the session is not changed by it."""
    house = House()
    house.tell(PASTA)
    assert rings(house.wake()) == [QUIET]
    assert rings(house.tell(ev.SessionReady(1), ev.SpeechStarted(1), ev.SpeechStopped(1))) == []
    house.tell(ev.ResponseStarted(1, "r1"), ev.PlaybackStarted(1), ev.ResponseFinished(1, "r1"))
    assert rings(house.tell(ev.PlaybackFinished(1))) == []
    assert rings(house.wait(8_000)) == [LOUD]
    assert house.phase is Phase.IDLE


def test_mute_does_not_silence_it_and_it_rings_while_muted() -> None:
    """Mute is about the microphone."""
    house = House()
    house.tell(PASTA)
    assert rings(house.tell(ev.MuteRequested())) == []
    assert rings(house.tell(CLICK)) == [STOP]
    assert rings(house.tell(WAKE_UP)) == [LOUD]
    assert house.machine.status.muted


def test_several_ring_together_and_one_stop_ends_them_all() -> None:
    """There is one ring."""
    house = House()
    assert rings(house.tell(PASTA, WAKE_UP)) == [LOUD]
    assert rings(house.tell(CLICK)) == [STOP]
    assert house.wait(LONGEST) == []


def test_one_that_is_put_off_leaves_the_others_ringing() -> None:
    """By its name; one that does not ring changes nothing."""
    house = House()
    house.tell(PASTA, WAKE_UP)
    assert house.tell(ev.AlarmSilenced("1"), ev.AlarmSilenced("nobody")) == []
    assert house.tell(ev.AlarmSilenced("2")) == [STOP]
    assert house.tell(ev.AlarmSilenced("2")) == []


def test_what_nobody_stops_falls_silent_and_is_told_once() -> None:
    """What became due in between had the whole time, too."""
    house = House()
    house.tell(PASTA)
    house.wait(LONGEST - 1)
    house.tell(WAKE_UP)
    assert rings(house.wait(LONGEST - 1)) == []
    ends = house.wait(1)
    assert rings(ends) == [order.StopRinging(unheeded=True)]
    assert said(house.wait(500)) == ["Your pasta timer rang, and nobody stopped it."]
    house.tell(ev.AnnouncementSaid(1, Samples(0)))
    assert said(house.wait(500)) == ["Your alarm rang, and nobody stopped it."]
    house.tell(ev.AnnouncementSaid(2, Samples(0)))
    assert house.wait(10 * LONGEST) == []


def test_what_nobody_stopped_is_told_after_the_conversation() -> None:
    """Not into it."""
    house = House(Settings(longest_ringing=Ms(1_000)))
    house.listen()
    house.tell(PASTA)
    assert said(house.wait(1_500)) == []
    house.tell(CLICK)
    assert said(house.wait(500)) == ["Your pasta timer rang, and nobody stopped it."]


def test_what_has_a_name_is_named_over_the_ring_again_and_again() -> None:
    """What has none only rings; in a conversation nothing is said."""
    house = House()
    house.tell(WAKE_UP)
    assert said(house.wait(60_000)) == []
    house.tell(OVEN)
    assert said(house.wait(2_000)) == ["Reminder: turn the oven off."]
    assert said(house.wait(20_000)) == ["Reminder: turn the oven off."]
    house.wake()
    assert said(house.wait(5_000)) == []
    house.tell(CLICK, CLICK)
    assert house.phase is Phase.IDLE
    assert said(house.wait(60_000)) == []


def test_what_was_missed_is_told_once() -> None:
    """As soon as no conversation, and no other ring, is in the way; after quiet hours."""
    house = House()
    missed = ev.AlarmMissed("1", AlarmKind.ALARM, "work", "7 AM")
    house.listen()
    assert house.tell(missed, ev.QuietHoursChanged(quiet=True), CLICK)[-1] == order.StopPlayback()
    assert said(house.wait(60_000)) == []
    house.tell(WAKE_UP, ev.QuietHoursChanged(quiet=False))
    assert said(house.wait(60_000)) == []
    house.tell(CLICK)
    assert said(house.wait(500)) == ["Your work alarm was for 7 AM, and I could not ring."]
    house.tell(ev.AnnouncementSaid(1, Samples(0)))
    assert said(house.wait(60_000)) == []


def test_the_end_of_the_program_is_nobody_who_stopped_it() -> None:
    """It rings on when the program is back: no order says that it was stopped."""
    house = House()
    house.tell(PASTA)
    assert rings(house.tell(ev.ShutdownRequested())) == []


def test_neither_a_log_of_facts_nor_one_of_sentences_shows_what_people_call_their_timers() -> None:
    """A label is what somebody said."""
    house = House()
    assert "pasta" not in repr(PASTA)
    house.tell(PASTA)
    (sentence,) = [action for action in house.wait(3_000) if isinstance(action, order.Announce)]
    assert sentence.private
    assert names([sentence]) == ["Announce"]
