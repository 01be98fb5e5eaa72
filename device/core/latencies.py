"""How long a person had to wait, measured from facts and orders."""

from __future__ import annotations

from enum import Enum

from device.core import actions as order
from device.core import events as ev
from device.units import Ms


class Wait(Enum):
    """What is waited for."""

    SESSION = "session"
    """From the order to open a session until audio may be sent."""
    REPLY = "reply"
    """From the end of the person's turn, as it was noticed, until the answer is heard."""


class Latencies:
    """Follows one conversation after the other."""

    def __init__(self) -> None:
        self._since: dict[Wait, Ms] = {}

    def note(self, what: object, now: Ms) -> tuple[Wait, Ms] | None:
        """Note a fact or an order; return the wait that has ended with it."""
        match what:
            case order.OpenSession():
                self._since = {Wait.SESSION: now}
            case ev.SessionReady():
                return self._end(Wait.SESSION, now)
            case ev.SpeechStopped() | order.CommitTurn():
                self._since[Wait.REPLY] = now
            case ev.PlaybackStarted():
                return self._end(Wait.REPLY, now)
            case order.CloseSession():
                self._since.clear()
        return None

    def _end(self, wait: Wait, now: Ms) -> tuple[Wait, Ms] | None:
        since = self._since.pop(wait, None)
        return None if since is None else (wait, Ms(now - since))
