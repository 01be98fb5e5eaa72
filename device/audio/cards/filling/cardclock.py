"""When what is handed to a card reaches the DAC, whatever the card says. Pure."""

from __future__ import annotations

import statistics
from collections import deque

from device.units import Hz

# What a card says jitters by its period. And through PulseAudio's ALSA plugin it was seen to jump by a second, and to
# drift by 4 ms a second, while the sound itself did not move at all.
NEWEST = 21
SLIP_S = 0.004


class CardClock:
    """Lays blocks end to end, as the card plays them, and moves them only for what it says again and again.

    Seconds of one clock. Nothing sounds before it was handed over.
    """

    def __init__(self, rate: Hz) -> None:
        self._rate = rate
        self._next: float | None = None
        self._errors: deque[float] = deque(maxlen=NEWEST)

    def place(self, count: int, said: float, now: float) -> float:
        """Return the moment of the first of `count` samples handed over `now`, which is `said` to be another."""
        at = said if self._next is None else self._next
        self._errors.append(said - at)
        at = max(now, at + self._agreed_error())
        self._next = at + count / self._rate
        return at

    def restart(self) -> None:
        """The card ran dry, or was emptied: the next block does not join on."""
        self._next = None
        self._errors.clear()

    def _agreed_error(self) -> float:
        if len(self._errors) < NEWEST:
            return 0.0
        error = statistics.median(self._errors)
        if abs(error) <= SLIP_S:
            return 0.0
        self._errors.clear()
        return error
