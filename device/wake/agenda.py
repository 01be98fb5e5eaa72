"""Whether sound is scored as fast as it comes: by when each piece should have been."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from device.units import CAPTURE_RATE


class Agenda:
    """By when each piece of sound should be scored, if it takes the engine no longer than it lasts.

    Not by when it comes: after a doze it hears some seconds at once.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._due: deque[tuple[int, float]] = deque()

    @property
    def overdue_s(self) -> float:
        """How late (s) the oldest piece is; 0: it may yet be in time, or there is none."""
        return max(0.0, self._clock() - self._due[0][1]) if self._due else 0.0

    def add(self, end: int, samples: int) -> None:
        """Note a piece that ends there."""
        begin = self._due[-1][1] if self._due else self._clock()
        self._due.append((end, begin + samples / CAPTURE_RATE))

    def strike(self, end: int) -> None:
        """What ends there, and all before it, has been scored or skipped."""
        while self._due and self._due[0][0] <= end:
            self._due.popleft()

    def clear(self) -> None:
        """Nothing is to be scored any more."""
        self._due.clear()
