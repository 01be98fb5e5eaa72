"""What may be asked of the house from outside of a conversation: by a command, or by another machine in the home."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from device.errors import HearthsideError


class NotDoneError(HearthsideError):
    """What was asked for was not done, or not wholly; the message says why."""


class Desk(Protocol):
    """Takes what is asked to the machine, as a button does; and answers."""

    def status(self) -> Mapping[str, Any]:
        """Return how the house is doing: what `status` returns at the control socket, but for the volume."""

    async def mute(self) -> None:
        """Mute, and wait until the microphone is closed. Raise NotDoneError."""

    def unmute(self) -> None:
        """Listen again. Raise NotDoneError with what holds the mute all the same.

        Only for who stands at the device, or whom its configuration allows it: nobody else may end a mute.
        """

    def stop(self) -> None:
        """Be quiet: end the conversation, or whatever sounds."""

    async def volume(self) -> int | None:
        """Return how loud it speaks, in percent; None where that is not known."""

    async def set_volume(self, percent: int) -> int:
        """Set it, 0 to 100; return what became of it. Raise AudioError."""

    async def say(self, text: str, urgent: bool = False, by_provider: bool = False) -> bool:
        """Have a sentence said (LONGEST_TEXT) when nobody talks; return False for one held back in quiet hours.

        Raise NotDoneError. Whoever waits no longer must be cancelled; it is said all the same.
        """

    async def ask(self, text: str, urgent: bool = False) -> str:
        """Have it said, and return what a person answers. Raise NotDoneError. Cancelled: nothing is listened to."""

    async def timers(self) -> list[dict[str, Any]]:
        """Return the timers, alarms and reminders: see TimerDesk. Raise ToolError."""

    async def cancel_timer(self, name: str) -> str:
        """Call one off; say so. Raise ToolError."""


class LateDesk:
    """Where features find the desk, which is made after them: when the house is whole, and somebody asks for it."""

    def __init__(self) -> None:
        self._find: Callable[[], Desk] | None = None

    def put(self, find: Callable[[], Desk]) -> None:
        """From now on it is found in this way."""
        self._find = find

    def __call__(self) -> Desk:
        """Return it. Raise NotDoneError until the house is whole."""
        if self._find is None:
            raise NotDoneError("the house is still starting")
        return self._find()
