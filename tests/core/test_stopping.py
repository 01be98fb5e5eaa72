"""Stop words: when they are heeded, and what they end."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from device.core import actions as order
from device.core import events as ev
from device.core.events import Device
from device.core.memory import Settings
from device.core.status import Phase
from device.units import Samples
from tests.core.test_machine import House, names

STOP = ev.StopWordHeard("stop")


def test_a_stop_word_over_an_answer_ends_the_conversation() -> None:
    """As a click does: nothing is asked of the provider."""
    house = House()
    house.speak()
    assert house.machine.status.heeds_stop
    assert names(house.tell(STOP)) == ["CutGate", "CloseSession", "StopPlayback"]
    assert house.phase is Phase.IDLE
    assert not house.machine.status.heeds_stop


def by_our_ear(house: House) -> None:
    """The voice goes on until it is taken for meant."""
    house.tell(ev.VoiceStarted(Samples(1)), ev.VoiceConfirmed())


def by_the_provider_s(house: House) -> None:
    """The provider hears it first."""
    house.tell(ev.SpeechStarted(house.turn))


def and_it_answers(house: House) -> None:
    """It has heard the end of the word, too."""
    by_the_provider_s(house)
    house.tell(ev.SpeechStopped(house.turn), ev.ResponseStarted(house.turn, "r2"))


@pytest.mark.parametrize("interrupt", [by_our_ear, by_the_provider_s, and_it_answers])
def test_a_voice_that_interrupts_before_its_word_is_known_may_be_a_stop_word(
    interrupt: Callable[[House], None],
) -> None:
    """Then the conversation is over, though it is the person's turn already."""
    house = House()
    house.speak()
    interrupt(house)
    assert house.phase in (Phase.LISTENING, Phase.THINKING)
    house.wait(700)
    assert "CloseSession" in names(house.tell(STOP))
    assert house.phase is Phase.IDLE


def test_later_in_the_person_s_turn_stop_is_a_word_like_any_other() -> None:
    """ "Stop the music" is for the provider."""
    house = House()
    house.speak()
    by_our_ear(house)
    house.wait(1_600)
    assert house.tell(STOP) == []
    assert house.phase is Phase.LISTENING


@pytest.mark.parametrize("phase", ["wake", "listen", "think"])
def test_where_nothing_sounds_it_is_not_heeded(phase: str) -> None:
    """In a turn that interrupted nothing."""
    house = House()
    getattr(house, phase)()
    before = house.phase
    assert not house.machine.status.heeds_stop
    assert house.tell(STOP) == []
    assert house.phase is before


def test_it_ends_a_sentence_about_what_went_wrong() -> None:
    """Nobody wants to hear all of it."""
    house = House()
    house.listen()
    house.tell(ev.SessionFailed(house.turn, ev.Failure.QUOTA, ""))
    assert house.machine.status.heeds_stop
    assert house.tell(STOP) == [order.StopPlayback()]
    assert not house.machine.status.heeds_stop
    assert house.tell(STOP) == []


def test_it_is_not_heeded_while_the_device_would_hear_itself_or_nobody() -> None:
    """Its own answer may have the word in it; and a muted microphone hears nothing."""
    house = House(Settings(barge_in="wake_word"))
    house.speak()
    house.tell(ev.EchoCancellationLost("too slow", for_good=False))
    assert not house.machine.status.heeds_stop
    house.tell(ev.EchoCancellationRecovered())
    assert house.machine.status.heeds_stop
    house.tell(ev.MuteRequested())
    assert not house.machine.status.heeds_stop


@pytest.mark.parametrize("barge_in", ["wake_word", "off"])
def test_echo_cancellation_for_stop_words_alone_lets_no_voice_interrupt(barge_in: str) -> None:
    """Neither while it works nor when it comes back."""
    house = House(Settings(barge_in=barge_in))  # type: ignore[arg-type]
    house.tell(ev.EchoCancellationLost("too slow", for_good=False), ev.EchoCancellationRecovered())
    house.speak()
    assert house.tell(ev.VoiceStarted(Samples(1)), ev.VoiceConfirmed()) == []
    assert house.phase is Phase.SPEAKING


def test_while_it_rings_it_ends_the_ringing_and_nothing_else() -> None:
    """Over an answer, and with nobody there."""
    house = House()
    house.speak()
    house.tell(ev.AlarmDue("a", ev.AlarmKind.TIMER, "pasta"))
    assert names(house.tell(STOP)) == ["StopRinging"]
    assert house.phase is Phase.SPEAKING
    alone = House()
    alone.tell(ev.AlarmDue("a", ev.AlarmKind.ALARM, ""))
    assert alone.machine.status.heeds_stop
    assert names(alone.tell(STOP)) == ["StopRinging"]
    assert not alone.machine.status.heeds_stop


def test_a_broken_loudspeaker_is_not_listened_over() -> None:
    """The conversation has ended by then."""
    house = House()
    house.speak()
    house.tell(ev.DeviceFailed(Device.SPEAKER, "gone"))
    house.wait(7_000)
    assert not house.machine.status.heeds_stop


def test_where_only_rings_are_listened_over_answers_and_announcements_are_not() -> None:
    """Their echo is in what is heard."""
    house = House(Settings(barge_in="wake_word", stops_answers=False))
    house.speak()
    assert not house.machine.status.heeds_stop
    house.tell(ev.AlarmDue("a", ev.AlarmKind.TIMER, "pasta"))
    assert house.machine.status.heeds_stop
    assert names(house.tell(STOP)) == ["StopRinging"]
    assert house.phase is Phase.SPEAKING
    assert not house.machine.status.heeds_stop
