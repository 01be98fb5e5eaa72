"""Logs near misses: many of them show that a threshold may be too high."""

from __future__ import annotations

import logging
from collections import Counter

from device.ports.wake import NearMiss
from device.units import CAPTURE_RATE, Samples, samples_from_ms

log = logging.getLogger(__name__)

# A television can cause near misses for hours: the log must not fill up with them.
_INTERVAL = samples_from_ms(10_000, CAPTURE_RATE)


class NearMisses:
    """Counts near misses, and logs word and score: at most one line in 10 s of sound."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        """Near misses by word, since the start."""
        self._last: Samples | None = None

    def note(self, miss: NearMiss) -> None:
        """Count and perhaps log a near miss."""
        self.counts[miss.word] += 1
        if self._last is None or miss.at - self._last >= _INTERVAL:
            self._last = miss.at
            log.info("near miss: %s, number %d", miss, self.counts[miss.word])
