"""How much agents may ask of the house: so often in a minute, and so many at once. Time is an argument."""

from __future__ import annotations

from device.core.ration import Ration, Verdict
from device.units import Ms

MOST_AT_ONCE = 2
"""Of speeches, and of other orders: one that waits for the end of a conversation shall not hold up a stop. The control
socket takes 16 programs, and people need it, too."""

_MINUTE = Ms(60_000)


class Allowance:
    """What all agents together have left of one kind of order."""

    def __init__(self, what: str, per_minute: int) -> None:
        """`what`: in words, plural."""
        self._what = what
        self._per_minute = per_minute
        # A Ration takes the last one, too.
        self._ration = Ration(per_minute, _MINUTE)
        self._under_way = 0

    def begin(self, now: Ms) -> str:
        """Begin one, and return ""; or return why not. One that was begun must be ended."""
        if self._under_way >= MOST_AT_ONCE:
            return f"not done: {MOST_AT_ONCE} {self._what} are still under way; wait for them"
        self._ration.pop_due(now)
        if self._ration.take(self._what, "", now) is Verdict.COUNTED:
            return f"not done: more than {self._per_minute} {self._what} in a minute; wait a minute"
        self._under_way += 1
        return ""

    def end(self) -> None:
        """One is over, whatever became of it."""
        self._under_way -= 1
