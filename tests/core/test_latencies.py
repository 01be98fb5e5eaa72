"""How long a person had to wait."""

from __future__ import annotations

import pytest

from device.core import actions as order
from device.core import events as ev
from device.core.actions import TurnEnd
from device.core.latencies import Latencies, Wait
from device.units import Ms, Samples

OPEN, READY = order.OpenSession(1, TurnEnd.PROVIDER), ev.SessionReady(1)
ASKED, HEARD = ev.SpeechStopped(1), ev.PlaybackStarted(1)


def waits(*what: object) -> list[tuple[Wait, Ms]]:
    """Return what was waited for, when each of these came a second after the one before."""
    latencies = Latencies()
    found = (latencies.note(one, Ms(1_000 * at)) for at, one in enumerate(what))
    return [wait for wait in found if wait is not None]


def test_a_conversation_has_a_wait_for_its_session_and_one_for_each_answer() -> None:
    """The end of a turn is heard by the provider, or decided here."""
    second = (ev.SpeechStarted(1), order.CommitTurn(), ev.ResponseStarted(1, "r"), HEARD)
    found = waits(OPEN, READY, ASKED, HEARD, *second)
    assert found == [(Wait.SESSION, 1_000), (Wait.REPLY, 1_000), (Wait.REPLY, 2_000)]


def test_what_is_heard_later_of_an_answer_is_not_waited_for() -> None:
    """It ran dry, and went on."""
    assert waits(OPEN, READY, ASKED, HEARD, ev.PlaybackRanDry(1, False), HEARD)[1:] == [(Wait.REPLY, 1_000)]


def test_a_pause_that_was_taken_for_the_end_does_not_count() -> None:
    """The last end does."""
    assert waits(OPEN, READY, ASKED, ev.SpeechStarted(1), ASKED, HEARD)[1:] == [(Wait.REPLY, 1_000)]


@pytest.mark.parametrize("last", [READY, HEARD])
def test_a_conversation_that_ended_leaves_nothing_to_wait_for(last: ev.Event) -> None:
    """What belongs to the next one is not measured from there."""
    assert waits(OPEN, order.CloseSession(), last) == []
    assert waits(OPEN, READY, ASKED, order.CloseSession(), last)[1:] == []


def test_other_facts_tell_nothing() -> None:
    """A wake word is heard before there is a session."""
    assert waits(ev.WakeWordDetected("hey", 1.0, Samples(0)), READY, HEARD) == []
