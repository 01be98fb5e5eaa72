"""Near misses for the log: whether a threshold is too high shows in how often a word nearly was one."""

from __future__ import annotations

import logging
from collections import Counter

from device.ports.wake import NearMiss
from device.units import CAPTURE_RATE, Samples, samples_from_ms

log = logging.getLogger(__name__)

# A television may nearly say a word all evening.
_INTERVAL = samples_from_ms(10_000, CAPTURE_RATE)


class NearMisses:
    """Counts them, and logs word and score; one line in 10 s of sound at most."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        """By word, since the start."""
        self._last: Samples | None = None

    def note(self, miss: NearMiss) -> None:
        """Take one."""
        self.counts[miss.word] += 1
        if self._last is None or miss.at - self._last >= _INTERVAL:
            self._last = miss.at
            count = self.counts[miss.word]
            log.info("near miss: %s %.2f (threshold %.2f), number %d", miss.word, miss.score, miss.threshold, count)
