"""What the person's buttons and switches do, in whatever the device is doing."""

from __future__ import annotations

import pytest

from device.core import actions as order
from device.core import events as ev
from device.core.actions import Action, Cue
from device.core.events import MuteHolder
from device.core.indication import Indication, indication
from device.core.machine import Machine
from device.core.memory import Settings
from device.core.status import Phase
from device.units import Ms, Samples

WAKE = ev.WakeWordDetected("hey", 1.0, Samples(0))
SPEAKING = (WAKE, ev.SessionReady(1), ev.SpeechStopped(1), ev.ResponseStarted(1, "r"), ev.PlaybackStarted(1))
STORIES: dict[Phase, tuple[ev.Event, ...]] = {
    Phase.IDLE: (),
    Phase.WAKING: SPEAKING[:1],
    Phase.LISTENING: SPEAKING[:2],
    Phase.THINKING: SPEAKING[:3],
    Phase.SPEAKING: SPEAKING,
}
SWITCH, ARRAY = MuteHolder.SWITCH, MuteHolder.ARRAY


class Teller:
    """Tells a machine one fact after the other."""

    def __init__(self, *facts: ev.Event, muted: bool = False) -> None:
        self.machine = Machine(Settings(), muted)
        self.now = 0
        for fact in facts:
            self(fact)

    def __call__(self, fact: ev.Event) -> list[Action]:
        self.now += 10
        return self.machine.handle_event(fact, Ms(self.now))

    @property
    def muted(self) -> bool:
        """As the house sees it."""
        return self.machine.status.muted


@pytest.fixture(params=STORIES, ids=lambda phase: phase.value)
def somewhere(request: pytest.FixtureRequest) -> Teller:
    """A machine in each of the phases."""
    teller = Teller(*STORIES[request.param])
    assert teller.machine.status.phase is request.param
    return teller


def test_a_click_talks_when_idle_and_ends_what_goes_on_otherwise(somewhere: Teller) -> None:
    """The defaults: idle: talk; listening: cancel; speaking: stop."""
    idle = somewhere.machine.status.phase is Phase.IDLE
    orders = somewhere(ev.ButtonClicked(Samples(0)))
    assert somewhere.machine.status.phase is (Phase.WAKING if idle else Phase.IDLE)
    assert any(isinstance(one, order.OpenSession) for one in orders) is idle
    assert (order.CloseSession() in orders) is not idle


def test_stop_never_begins_anything(somewhere: Teller) -> None:
    """Unlike a click, which talks when nothing is there to be stopped."""
    orders = somewhere(ev.StopRequested())
    assert somewhere.machine.status.phase is Phase.IDLE
    assert order.StopPlayback() in orders


def test_the_volume_may_be_changed_in_every_phase_and_nothing_else_is(somewhere: Teller) -> None:
    """Louder in the middle of an answer."""
    before = somewhere.machine.status
    assert somewhere(ev.VolumeStepRequested(-10)) == [order.StepVolume(-10)]
    assert somewhere.machine.status == before


@pytest.mark.parametrize("press", [ev.ButtonClicked(Samples(0)), ev.VolumeStepRequested(10), ev.StopRequested()])
def test_while_it_rings_any_of_these_ends_the_ringing_and_nothing_else(somewhere: Teller, press: ev.Event) -> None:
    """Who is half asleep need not find the right button."""
    somewhere(ev.AlarmDue("a", ev.AlarmKind.ALARM, ""))
    before = somewhere.machine.status
    assert before.ringing
    assert not any(isinstance(one, order.StepVolume | order.OpenSession) for one in somewhere(press))
    assert not somewhere.machine.status.ringing
    assert somewhere.machine.status.phase is before.phase


def test_mute_is_not_taken_for_a_wish_to_end_the_ringing(somewhere: Teller) -> None:
    """Who wants the microphone closed must not be left with an open one; and it rings on."""
    somewhere(ev.AlarmDue("a", ev.AlarmKind.ALARM, ""))
    somewhere(ev.MuteToggleRequested())
    assert somewhere.muted
    assert somewhere.machine.status.ringing


def test_the_mute_button_mutes_and_unmutes(somewhere: Teller) -> None:
    """With the orders of every mute, from every phase; kept over a restart."""
    orders = somewhere(ev.MuteToggleRequested())
    assert somewhere.muted
    assert orders[0] == order.CloseMicrophone()
    assert order.RememberMute(True) in orders
    assert somewhere.machine.status.phase is Phase.IDLE
    assert somewhere(ev.MuteToggleRequested())[:2] == [order.OpenMicrophone(), order.RememberMute(False)]
    assert not somewhere.muted


def test_a_switch_mutes_and_nothing_else_unmutes(somewhere: Teller) -> None:
    """No button, no command; each is told by the cue of a mute that it is in vain."""
    orders = somewhere(ev.MuteHeld(SWITCH))
    assert orders[0] == order.CloseMicrophone()
    assert order.PlayCue(Cue.MUTED) in orders
    assert order.RememberMute(True) not in orders, "where the switch stands is seen at the start"
    assert somewhere(ev.UnmuteRequested()) == [order.PlayCue(Cue.MUTED)]
    assert somewhere(ev.MuteToggleRequested()) == [order.PlayCue(Cue.MUTED)]
    somewhere(ev.ButtonHeld(Samples(0)))
    assert somewhere(ev.ButtonLongPressed()) == [order.PlayCue(Cue.MUTED)]
    assert somewhere.muted
    assert somewhere(WAKE) == []
    assert somewhere(ev.MuteLetGo(SWITCH)) == [order.OpenMicrophone(), order.PlayCue(Cue.UNMUTED)]
    assert not somewhere.muted


def test_a_switch_that_says_mute_at_the_start_is_obeyed_without_a_sound() -> None:
    """At night the power comes back."""
    teller = Teller()
    orders = teller(ev.MuteHeld(SWITCH, moved=False))
    assert teller.muted
    assert not any(isinstance(one, order.PlayCue) for one in orders)


@pytest.mark.parametrize("first", ["button", "switch"])
def test_a_mute_by_button_and_one_by_switch_are_two_locks(first: str) -> None:
    """Whichever came first, both must be opened."""
    asked, held = ev.MuteRequested(), ev.MuteHeld(SWITCH)
    teller = Teller()
    orders = [one for fact in ((asked, held) if first == "button" else (held, asked)) for one in teller(fact)]
    assert orders.count(order.CloseMicrophone()) == 1
    assert orders.count(order.RememberMute(True)) == 1
    assert teller(ev.MuteLetGo(SWITCH)) == [order.PlayCue(Cue.MUTED)]
    assert teller.muted
    assert order.OpenMicrophone() in teller(ev.UnmuteRequested())
    assert not teller.muted


def test_a_device_that_was_muted_before_a_restart_stays_so_when_a_switch_lets_go() -> None:
    """What the disk remembers is the person's own."""
    teller = Teller(ev.MuteHeld(SWITCH, moved=False), muted=True)
    teller(ev.MuteLetGo(SWITCH))
    assert teller.muted


def test_two_switches_hold_each_for_itself() -> None:
    """The array's key and the slide on the case."""
    teller = Teller(ev.MuteHeld(SWITCH), ev.MuteHeld(ARRAY))
    teller(ev.MuteLetGo(SWITCH))
    assert teller.muted
    assert teller.machine.status.mute_held == {ARRAY}
    teller(ev.MuteLetGo(ARRAY))
    assert not teller.muted


def test_a_switch_that_lets_go_of_nothing_changes_nothing() -> None:
    """It never said mute; somebody else did."""
    teller = Teller(ev.MuteRequested())
    assert teller(ev.MuteLetGo(SWITCH)) == []
    assert teller.muted


def test_a_press_lights_a_dark_light_until_the_finger_goes() -> None:
    """Before anybody knows what it will mean."""
    teller = Teller(ev.ButtonPressed("a"))
    assert indication(teller.machine.status) is Indication.PRESSED
    teller(ev.ButtonPressed("b"))
    teller(ev.ButtonLifted("a"))
    assert indication(teller.machine.status) is Indication.PRESSED
    teller(ev.ButtonLifted("b"))
    assert indication(teller.machine.status) is Indication.IDLE


@pytest.mark.parametrize(
    ("facts", "shown"),
    [
        (SPEAKING, Indication.SPEAKING),
        ((ev.MuteHeld(SWITCH),), Indication.MUTED),
        ((ev.DeviceFailed(ev.Device.SPEAKER, "gone"),), Indication.FAULT),
    ],
)
def test_what_is_shown_already_is_not_hidden_by_a_finger(facts: tuple[ev.Event, ...], shown: Indication) -> None:
    """It is lit, and says more."""
    teller = Teller(*facts, ev.ButtonPressed("a"))
    assert indication(teller.machine.status) is shown
