"""How long to wait before a connection that was lost is tried again. Computes only."""

from __future__ import annotations

import random
from collections.abc import Callable

LONGEST_PAUSE_S = 60.0


def pause_s(failures: int, chance: float) -> float:
    """Return how long to wait after so many failures: 1 s, 2 s, 4 s ... 60 s, each up to a quarter more or less.

    `chance` is from 0 to 1: so that the devices of a house do not all come back in the same moment.
    """
    return min(LONGEST_PAUSE_S, 2.0 ** min(failures - 1, 10)) * (0.75 + 0.5 * chance)


class Backoff:
    """Counts the failures of one connection."""

    def __init__(self, chance: Callable[[], float] = random.random) -> None:
        self._chance = chance
        self._failures = 0

    def pause_s(self, tried_for_s: float) -> float:
        """Return how long to wait now that a try has ended, which lasted so long from its start to its end.

        One that held for a while is no failure of the one before it.
        """
        self._failures = 1 if tried_for_s > LONGEST_PAUSE_S else self._failures + 1
        return pause_s(self._failures, self._chance())
