"""What subscribers are told: phases, turns and indications; and, only where configured, what was said."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from device.core import events as ev
from device.core.indication import Indication
from device.core.report import Report
from device.core.status import Phase, Status
from device.ports.choices import ALL, DEFAULT

Publish = Callable[[str, dict[str, Any]], None]
"""The name of an event, and its facts."""


class Feed:
    """Turns what happens into events, each told once."""

    def __init__(self, publish: Publish, transcripts: bool) -> None:
        """`transcripts`: tell what was said, too."""
        self._publish = publish
        self._transcripts = transcripts
        self._phase = Phase.IDLE
        self._turn = 0
        self._indication: Indication | None = None
        self._conditions = _conditions(Status())
        self._choices = _choices(Status())
        self._state = ""

    def observe(self, what: object, status: Status) -> None:
        """An observer of the controller."""
        match what:
            case ev.WakeWordDetected():
                self._publish("wake_word", {"word": what.word, "score": round(what.score, 3)})
            case ev.Heard() if self._transcripts:
                self._publish("heard", {"turn": what.turn, "text": what.text})
            case ev.Said() if self._transcripts:
                self._publish("said", {"turn": what.turn, "text": what.text})

    def note(self, status: Status, indication: Indication) -> None:
        """After each decision: where the machine stands, and what the lights say."""
        if status.turn != self._turn:
            self._turn = status.turn
            self._publish("turn", {"turn": status.turn})
        if status.phase is not self._phase:
            self._phase = status.phase
            self._publish("phase", {"phase": status.phase.value, "turn": status.turn})
        if (conditions := _conditions(status)) != self._conditions:
            self._conditions = conditions
            self._publish("conditions", conditions)
        if (choices := _choices(status)) != self._choices:
            self._choices = choices
            self._publish("choices", choices)
        if indication is not self._indication:
            self._indication = indication
            self._publish("indication", {"indication": indication.value})

    def tell(self, report: Report) -> None:
        """The standing of the house may have changed."""
        standing = report.standing
        if standing.state.value != self._state:
            self._state = standing.state.value
            facts = {"state": self._state, "why": standing.why, "what_to_do": standing.what_to_do}
            self._publish("state", facts)


def _conditions(status: Status) -> dict[str, Any]:
    """Return what may go on beside a phase, and beside each other: the lights show only the first of it."""
    return {
        "muted": status.muted,
        "ringing": status.ringing,
        "announcing": status.announcing,
        "confirming": status.confirming,
    }


def _choices(status: Status) -> dict[str, Any]:
    """Return what people have chosen."""
    return {"persona": status.persona or DEFAULT, "wake_word": status.wake_word or ALL}
