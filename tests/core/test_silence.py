"""A provider that says nothing though it should: asked, and left when it is gone."""

from __future__ import annotations

import pytest

from device.core import actions as order
from device.core import events as ev
from device.core.actions import Action, Cue, TurnEnd
from device.core.events import Failure
from device.core.memory import Settings
from device.core.status import Phase
from device.units import Ms, Samples
from tests.core.test_machine import House, names

LOST = ev.SessionFailed(1, Failure.DROPPED, "the server does not answer")


def asked(orders: list[Action]) -> bool:
    """Whether the provider was asked if it is there."""
    return any(isinstance(order_, order.CheckLink) for order_ in orders)


def speak_in_vain(house: House) -> None:
    """The person says something of which the provider does not seem to know."""
    house.listen()
    house.wait(500)
    house.tell(ev.VoiceStarted(Samples(24_000)))
    house.wait(1_500)
    house.tell(ev.VoiceStopped(Samples(48_000)))


def test_a_provider_that_does_not_hear_what_we_hear_is_asked_and_its_loss_is_told() -> None:
    """The question does not vanish with the cue of an end that nobody minds."""
    house = House()
    speak_in_vain(house)
    assert asked(house.wait(1_500))
    orders = house.tell(LOST)
    assert any(isinstance(o, order.Announce) and "lost the connection" in o.text for o in orders)
    assert order.PlayCue(Cue.DONE) not in house.orders


def test_a_voice_at_the_end_of_the_window_is_not_given_up_before_the_provider_has_answered() -> None:
    """There would be no time for the usual silence."""
    house = House()
    house.listen()
    house.wait(6_500)
    house.tell(ev.VoiceStarted(Samples(24_000)))
    house.wait(1_000)
    house.tell(ev.VoiceStopped(Samples(48_000)))
    assert asked(house.wait(600))
    assert house.phase is Phase.LISTENING
    assert any(isinstance(o, order.Announce) for o in house.tell(LOST))


def test_a_provider_that_is_there_and_heard_nothing_ends_it_quietly() -> None:
    """It was a cough; and however often somebody coughs, the window is not kept open."""
    house = House()
    house.listen()
    for cough in range(20):
        house.tell(ev.VoiceStarted(Samples(cough)))
        house.wait(200)
        house.tell(ev.VoiceStopped(Samples(cough)))
        house.wait(300)
        if house.orders and isinstance(house.orders[-1], order.CheckLink):
            house.tell(ev.LinkAnswered(1))
    assert house.phase is Phase.IDLE
    assert not any(isinstance(o, order.Announce) for o in house.orders)


def test_nobody_is_asked_while_nobody_speaks() -> None:
    """An empty follow-up window is no reason to talk of the network."""
    house = House()
    house.speak()
    house.finish()
    house.tell(ev.PlaybackFinished(house.turn))
    assert house.phase is Phase.LISTENING
    assert not asked(house.wait(9_000))
    assert house.phase is Phase.IDLE


def test_what_was_said_while_the_session_was_opened_counts() -> None:
    """No voice starts any more when the session is ready."""
    house = House()
    house.wake()
    house.tell(ev.VoiceStarted(Samples(15_000)), ev.VoiceStopped(Samples(48_000)), ev.SessionReady(1))
    assert asked(house.wait(3_000))


@pytest.mark.parametrize("way", ["think", "speak"])
def test_a_provider_that_owes_an_answer_is_asked_again_and_again(way: str) -> None:
    """Its sound goes around the machine; while it is busy it may take its time."""
    house = House()
    getattr(house, way)()
    for _ in range(3):
        assert house.wait(3_000) == [order.CheckLink(Ms(20_000))]
        house.tell(ev.LinkAnswered(1))
    house.wait(3_000)
    assert any(isinstance(o, order.Announce) for o in house.tell(LOST))
    assert not house.machine.status.gate_open


def test_an_answer_that_is_complete_is_heard_without_questions() -> None:
    """Whether the provider is still there does not matter to it."""
    house = House()
    house.speak()
    house.finish()
    assert not asked(house.wait(60_000))


def test_the_wake_word_to_a_dead_session_opens_another_with_what_follows_it() -> None:
    """Nobody has to say it twice."""
    for way in ("listen", "think", "speak"):
        house = House()
        getattr(house, way)()
        assert order.CheckLink(Ms(4_000)) in house.tell(ev.WakeWordDetected("hey_jarvis", 0.9, Samples(90_000)))
        orders = house.tell(LOST)
        assert names(orders)[-2:] == ["StopPlayback", "OpenSession"]
        assert order.CloseSession() in orders
        assert house.phase is Phase.WAKING
        assert house.tell(ev.SessionReady(house.turn))[0] == order.OpenGate(Samples(90_000))
        assert not any(isinstance(o, order.Announce) for o in house.orders)


def test_a_wake_word_that_may_not_interrupt_still_finds_a_dead_session() -> None:
    """barge_in = "off"."""
    house = House(Settings(barge_in="off"))
    house.speak()
    assert names(house.wake()) == ["CheckLink"]
    assert house.phase is Phase.SPEAKING
    house.tell(LOST)
    assert house.phase is Phase.WAKING


def test_once_the_provider_has_shown_that_it_is_there_a_later_loss_is_told() -> None:
    """The words after the wake word have been heard by then."""
    house = House()
    house.speak()
    house.wake()
    house.tell(ev.LinkAnswered(house.turn))
    assert any(isinstance(o, order.Announce) for o in house.tell(LOST))
    assert house.phase is Phase.IDLE


def test_a_second_loss_is_told() -> None:
    """The new session is not opened again and again."""
    house = House()
    house.think()
    house.wake()
    house.tell(LOST)
    failed = ev.SessionFailed(house.turn, Failure.DROPPED, "again")
    assert any(isinstance(o, order.Announce) for o in house.tell(failed))
    assert house.phase is Phase.IDLE


def test_where_the_device_ends_turns_a_dead_session_is_found_as_well() -> None:
    """While the person speaks, and after it."""
    house = House(Settings(turn_end=TurnEnd.DEVICE))
    house.listen()
    house.tell(ev.VoiceStarted(Samples(24_000)))
    assert asked(house.wait(3_000))


def test_in_the_dark_the_cue_of_a_dead_session_is_not_played() -> None:
    """It was owed to whoever held the button; the new session owes its own when it listens."""
    house = House()
    house.tell(ev.ButtonHeld(Samples(500)), ev.DeviceFailed(ev.Device.LIGHT, "broken"), ev.SessionReady(1))
    house.wake()
    assert order.PlayCue(Cue.WAKE) not in house.tell(LOST)
    assert house.phase is Phase.WAKING


def test_a_second_hold_while_the_session_is_opened_is_not_cut_by_the_end_of_the_first() -> None:
    """Released and pressed again at once: what counts is said while it is down now."""
    house = House()
    house.tell(ev.ButtonHeld(Samples(500)), ev.ButtonReleased(Samples(900)), ev.ButtonHeld(Samples(1_000)))
    house.tell(ev.SessionReady(1))
    assert order.CommitTurn() not in house.wait(200)
    assert house.phase is Phase.LISTENING


def about_to_leave(turn_end: TurnEnd) -> House:
    """The window is over; the provider is asked whether it was there while the end of the wake word sounded."""
    house = House(Settings(turn_end=turn_end, listen=Ms(2_500)))
    house.listen()
    house.tell(ev.VoiceStarted(Samples(16_100)))
    house.tell(ev.VoiceStopped(Samples(16_200)))
    assert asked(house.wait(2_500))
    assert house.phase is Phase.LISTENING
    return house


@pytest.mark.parametrize("turn_end", TurnEnd)
def test_a_wake_word_in_the_last_moment_is_heard(turn_end: TurnEnd) -> None:
    """What the provider answers to the question of before must not end what has just been called."""
    house = about_to_leave(turn_end)
    house.wake()
    house.tell(ev.LinkAnswered(house.turn))
    assert house.phase is Phase.LISTENING
    assert house.machine.status.gate_open


@pytest.mark.parametrize("turn_end", TurnEnd)
def test_a_button_in_the_last_moment_is_obeyed(turn_end: TurnEnd) -> None:
    """The same with push-to-talk."""
    house = about_to_leave(turn_end)
    house.tell(ev.ButtonHeld(Samples(200_000)))
    house.tell(ev.LinkAnswered(house.turn))
    assert house.phase is Phase.LISTENING


def test_a_sentence_that_begins_in_the_last_moment_is_heard_out() -> None:
    """Where the device ends turns it knows of it before the provider does."""
    house = about_to_leave(TurnEnd.DEVICE)
    house.tell(ev.VoiceStarted(Samples(300_000)))
    house.tell(ev.LinkAnswered(house.turn))
    assert house.phase is Phase.LISTENING
