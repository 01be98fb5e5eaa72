"""Of what comes again and again, a few and then only how many."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from enum import Enum

from device.units import Ms


class Verdict(Enum):
    """What becomes of one of a kind."""

    TAKEN = "taken"
    LAST = "last"
    """Taken, and those after it are counted only."""
    COUNTED = "counted"


@dataclass(frozen=True, slots=True)
class Excess:
    """How many of a kind were counted and not taken, and what one of them looked like."""

    sample: str
    count: int


@dataclass(slots=True)
class _Tally:
    began: Ms
    sample: str
    count: int = 0


class Ration:
    """Takes so many of each kind in a window of time, which begins with the first of them."""

    def __init__(self, limit: int, window: Ms) -> None:
        self._limit = limit
        self._window = window
        self._tallies: dict[Hashable, _Tally] = {}

    def take(self, kind: Hashable, sample: str, now: Ms) -> Verdict:
        """Say what becomes of this one. What is due (see `pop_due`) must have been fetched."""
        tally = self._tallies.setdefault(kind, _Tally(now, sample))
        tally.count += 1
        if tally.count == self._limit:
            return Verdict.LAST
        return Verdict.TAKEN if tally.count < self._limit else Verdict.COUNTED

    def pop_due(self, now: Ms) -> list[Excess]:
        """Return what was counted in windows that are over, once, and forget them."""
        over = [kind for kind, tally in self._tallies.items() if now - tally.began >= self._window]
        tallies = [self._tallies.pop(kind) for kind in over]
        return [Excess(tally.sample, tally.count - self._limit) for tally in tallies if tally.count > self._limit]
