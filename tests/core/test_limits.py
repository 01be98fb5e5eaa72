"""Whatever a provider says, for however long: the gate shuts and the session ends, and the person is told."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from device.core import actions as order
from device.core import events as ev
from device.core import failures
from device.core.actions import Cue
from device.core.events import Failure
from device.core.memory import Settings
from device.core.status import Phase
from device.units import Ms, Samples
from tests.core.test_machine import House

LONGEST_TURN, LONGEST_SESSION = Settings().longest_turn, Settings().longest_session

FOR_EVER = {
    "speech started": (ev.SpeechStarted(1),),
    "speech started and stopped": (ev.SpeechStarted(1), ev.SpeechStopped(1)),
    "responses that begin": (ev.ResponseStarted(1, "r"),),
    "responses that end": (ev.ResponseStarted(1, "r"), ev.ResponseFinished(1, "r", more=True)),
    "tools": (ev.ToolCalled(1, "c", "get_time", "{}"), ev.ToolFinished("c", "noon")),
    "transcripts": (ev.Heard(1, "hm"), ev.Said(1, "hm")),
    "complaints": (ev.ProviderComplained(1, "odd"), ev.ProviderComplained(1, "odd", Failure.BUSY)),
    "signs of life": (ev.LinkAnswered(1),),
    "sound that comes and goes": (ev.PlaybackStarted(1), ev.PlaybackRanDry(1, ended=False)),
    "our own detector": (ev.VoiceStarted(Samples(1)), ev.VoiceStopped(Samples(2))),
    "the wake word": (ev.WakeWordDetected("hey_jarvis", 0.9, Samples(1)),),
}


def of_turn(fact: ev.Event, turn: int) -> ev.Event:
    """Return the fact as one of the turn that is on."""
    return replace(fact, turn=turn) if hasattr(fact, "turn") else fact  # type: ignore[type-var]


@pytest.mark.parametrize("every_ms", [100, 1_000, 7_000])
@pytest.mark.parametrize("what", FOR_EVER)
def test_no_fact_that_comes_for_ever_keeps_a_session_open(what: str, every_ms: int) -> None:
    """Alone, or between the ordinary facts of a conversation that never comes to its end."""
    for ordinary in ((), (ev.SpeechStarted(1), ev.SpeechStopped(1), ev.ResponseStarted(1, "r"), ev.PlaybackStarted(1))):
        house = House()
        house.listen()
        facts = itertools.cycle((*FOR_EVER[what], *ordinary))
        while house.phase is not Phase.IDLE:
            house.tell(of_turn(next(facts), house.turn))
            house.wait(every_ms)
            assert house.now <= LONGEST_SESSION + every_ms
        assert not house.machine.status.gate_open
        assert order.CloseSession() in house.orders


def test_a_provider_that_says_for_ever_that_it_hears_somebody_is_left_after_a_minute() -> None:
    """Not after hours; and it is no "done", for the person may have asked something."""
    house = House()
    house.listen()
    for _ in range(600):
        house.tell(ev.SpeechStarted(1))
        house.wait(100)
    assert house.phase is Phase.IDLE
    assert order.Announce(failures.NO_END_OF_SPEECH) in house.orders
    assert order.PlayCue(Cue.DONE) not in house.orders


def test_a_radio_is_sent_for_five_minutes_at_most() -> None:
    """The provider hears sentences and answers none of them, because the next begins."""
    house = House()
    house.listen()
    while house.phase is not Phase.IDLE:
        house.tell(ev.SpeechStarted(1))
        house.wait(3_000)
        house.tell(ev.SpeechStopped(1))
        house.wait(1_000)
    assert house.now <= LONGEST_TURN + 4_000
    assert house.machine.status.failing


def test_a_conversation_may_last_until_the_longest_session() -> None:
    """With answers that are heard; then it ends in the follow-up window without a word of complaint."""
    house = House(Settings(follow_up=Ms(600_000)))
    house.listen()
    while house.now < LONGEST_SESSION - 200_000:
        house.tell(ev.SpeechStarted(1), ev.SpeechStopped(1), ev.ResponseStarted(1, "r"), ev.PlaybackStarted(1))
        house.wait(20_000)
        house.tell(ev.ResponseFinished(1, "r"), ev.PlaybackFinished(1))
    house.wait(LONGEST_SESSION - house.now - 1)
    assert house.phase is Phase.LISTENING
    house.orders.clear()
    house.wait(1)
    assert house.phase is Phase.IDLE
    assert order.PlayCue(Cue.DONE) in house.orders


def test_an_answer_that_has_no_end_is_cut_at_the_longest_session_and_said_so() -> None:
    """The reason is told."""
    house = House()
    house.speak()
    while house.phase is not Phase.IDLE:
        house.tell(ev.ResponseFinished(1, "r", more=True))
        house.wait(10_000)
    assert house.now <= LONGEST_SESSION + 10_000
    assert order.Announce(failures.OF_CONVERSATION[Failure.EXPIRED]) in house.orders
