"""What is published of this device, as the payloads that are published. Computes only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import Enum
from typing import Any

from device.core import events as ev
from device.core.status import Phase

STATES = (*(phase.value for phase in Phase), "ringing", "muted")
LONG_PRESS = "long_press"
BUTTON_EVENTS = ("press", "click", "hold", LONG_PRESS)
MOST_TIMERS = 20
"""So many of them are published; Home Assistant keeps 16 kB of attributes."""

_KEPT_OF_TIMERS = ("id", "kind", "label", "name", "state", "weekdays")


class Answered(Enum):
    """What became of a question."""

    ANSWERED = "answered"
    UNANSWERED = "unanswered"


def state_of(phase: Phase, muted: bool, ringing: bool, announcing: bool) -> str:
    """Return the one word for it: what is going on, and only in peace that it is muted."""
    if phase is not Phase.IDLE:
        return str(phase.value)
    if ringing:
        return "ringing"
    if announcing:
        return Phase.SPEAKING.value
    return "muted" if muted else Phase.IDLE.value


def switch(on: bool) -> str:
    """Return what a switch says."""
    return "ON" if on else "OFF"


def event_of(what: object) -> tuple[str, dict[str, Any]] | None:
    """Return on which topic a fact is published, and how; None for all that is none of others' business."""
    match what:
        case ev.WakeWordDetected():
            return "wake_word", {"event_type": what.word, "score": round(what.score, 3)}
        case ev.ButtonPressed():
            return "button", {"event_type": "press", "button": what.button}
        case ev.ButtonClicked():
            return "button", {"event_type": "click"}
        case ev.ButtonHeld():
            return "button", {"event_type": "hold"}
        case ev.ButtonLongPressed():
            return "button", {"event_type": LONG_PRESS}
    return None


def may_change_figures(what: object) -> bool:
    """Say whether after a fact the timers or the health may be others."""
    changing = (ev.ToolFinished, ev.AlarmDue, ev.AlarmSilenced, ev.AlarmMissed, ev.StopRequested, ev.ButtonClicked)
    failing = (ev.DeviceFailed, ev.DeviceRecovered, ev.SessionFailed, ev.SessionReady, ev.LoadShed)
    return isinstance(what, changing + failing)


def answered(question: str, answer: str) -> dict[str, Any]:
    """Return that a person has answered."""
    return {"event_type": Answered.ANSWERED.value, "question": question, "answer": answer}


def unanswered(question: str, why: str) -> dict[str, Any]:
    """Return that nobody has."""
    return {"event_type": Answered.UNANSWERED.value, "question": question, "why": why}


def timers(table: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what is set, the next one first, from the table of TimerDesk; without what changes every second."""
    told = [
        {**{key: timer[key] for key in _KEPT_OF_TIMERS if key in timer}, "due": _moment(timer["due"])}
        for timer in table
    ]
    waiting = [timer["due"] for timer in told if timer.get("state") == "waiting"]
    return {"next": waiting[0] if waiting else None, "count": len(told), "timers": told[:MOST_TIMERS]}


def health(status: Mapping[str, Any]) -> dict[str, Any]:
    """Return how it is doing, from the table of Desk.status."""
    unwell = {part["part"]: part["why"] for part in status["parts"] if not part["ok"]}
    return {
        "problem": switch(bool(unwell)),
        # "state" is a word of Home Assistant's own, which leaves it out of the attributes.
        "standing": status["state"],
        "why": status["why"],
        "what_to_do": status["what_to_do"],
        "parts": unwell,
    }


def update(version: str) -> dict[str, Any]:
    """Return which release runs. Which is the newest is not known on a device (docs/updating.md): none is offered."""
    return {"installed_version": version, "latest_version": version}


@dataclass(slots=True)
class DayCost:
    """What the conversations have cost today, of the costs since the start."""

    _day: date | None = None
    _before: float = 0.0
    """What they had cost when the day began."""
    _last: float = 0.0

    def note(self, since_start: float, day: date) -> float:
        """Return it."""
        if self._day not in (None, day):
            self._before = self._last
        self._day, self._last = day, since_start
        return round(since_start - self._before, 4)


def _moment(since_1970: float) -> str:
    return datetime.fromtimestamp(round(since_1970), UTC).isoformat()
