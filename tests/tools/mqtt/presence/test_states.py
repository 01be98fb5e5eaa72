"""What is published."""

from __future__ import annotations

import json
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.core import events as ev
from device.core.status import Phase
from device.tools.mqtt.presence import states
from device.tools.mqtt.presence.states import BUTTON_EVENTS, STATES, DayCost, event_of, state_of
from device.units import Samples


@pytest.mark.parametrize(
    ("phase", "muted", "ringing", "announcing", "state"),
    [
        (Phase.IDLE, False, False, False, "idle"),
        (Phase.IDLE, True, False, False, "muted"),
        (Phase.IDLE, True, True, False, "ringing"),
        (Phase.IDLE, False, False, True, "speaking"),
        (Phase.THINKING, False, True, True, "thinking"),
    ],
)
def test_one_word_says_what_goes_on(phase: Phase, muted: bool, ringing: bool, announcing: bool, state: str) -> None:
    """That it is muted stands in the switch, too: here something that sounds comes first."""
    assert state_of(phase, muted, ringing, announcing) == state


@given(st.sampled_from(Phase), st.booleans(), st.booleans(), st.booleans())
def test_every_state_is_one_that_was_told_of(phase: Phase, muted: bool, ringing: bool, announcing: bool) -> None:
    """Home Assistant refuses another."""
    assert state_of(phase, muted, ringing, announcing) in STATES


def test_few_facts_are_for_others() -> None:
    """Nothing of what is said is among them."""
    at = Samples(0)
    assert event_of(ev.WakeWordDetected("hey_jarvis", 0.98765, at)) == (
        "wake_word",
        {"event_type": "hey_jarvis", "score": 0.988},
    )
    presses = (ev.ButtonPressed("button"), ev.ButtonClicked(at), ev.ButtonHeld(at), ev.ButtonLongPressed())
    told = [event_of(press) for press in presses]
    assert [one and one[1]["event_type"] for one in told] == list(BUTTON_EVENTS)
    for private in (ev.Heard(1, "words"), ev.Said(1, "words"), ev.Understood(1, "words"), object()):
        assert event_of(private) is None


def timer(**more: object) -> dict[str, object]:
    """Return a row of TimerDesk."""
    return {
        "id": 1, "kind": "timer", "label": "pasta", "name": "pasta timer", "state": "waiting", "when": "in a minute",
        "due": 1_800_000_000.2, "left_s": 60.0, "weekdays": [], **more,
    }  # fmt: skip


def test_timers_change_only_when_they_do() -> None:
    """What counts down is left out: it would be published every second."""
    table = states.timers([timer(), timer(left_s=59.0, when="in 59 seconds", due=1_800_000_000.4)])
    assert table["timers"][0] == table["timers"][1]
    assert table["next"] == "2027-01-15T08:00:00+00:00"
    assert states.timers([]) == {"next": None, "count": 0, "timers": []}
    assert states.timers([timer(state="ringing")])["next"] is None
    assert len(states.timers([timer()] * 100)["timers"]) == states.MOST_TIMERS


def test_what_is_wrong_is_told_with_what_to_do() -> None:
    """By part."""
    status = {
        "state": "fault",
        "why": "speaker: unplugged",
        "what_to_do": "plug it in",
        "parts": [{"part": "speaker", "ok": False, "why": "unplugged"}, {"part": "microphone", "ok": True, "why": ""}],
    }
    told = states.health(status)
    assert told == {
        "problem": "ON",
        "standing": "fault",
        "why": "speaker: unplugged",
        "what_to_do": "plug it in",
        "parts": {"speaker": "unplugged"},
    }
    assert states.health({**status, "parts": []})["problem"] == "OFF"
    assert json.loads(json.dumps(states.update("1.2"))) == {"installed_version": "1.2", "latest_version": "1.2"}


def test_a_day_costs_what_it_does_until_midnight() -> None:
    """What was spent before counts to the day before."""
    cost, monday, tuesday = DayCost(), date(2026, 11, 30), date(2026, 12, 1)
    assert cost.note(0.0, monday) == 0.0
    assert cost.note(0.25, monday) == 0.25
    assert cost.note(0.25, tuesday) == 0.0
    assert cost.note(0.75, tuesday) == 0.5
