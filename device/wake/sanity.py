"""Checks that an engine's scores are numbers.

A damaged model gives NaN (not a number). And once NaN is in the state of a network, every later score is NaN, too.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping

_log = logging.getLogger(__name__)

PATIENCE = 25
"""Pieces of sound in a row after which the state changes, of 80 to 240 ms each (2 to 6 s): more than the zeros at the
beginning of a stream."""


class Sanity:
    """Watches the scores of an engine, piece by piece."""

    def __init__(self) -> None:
        self.complaint = ""
        """The error to report; empty while the scores are numbers."""
        self._told = False
        self._wrong = 0
        self._right = 0

    def watch(self, scores: Mapping[str, float]) -> bool:
        """Check the newest scores. Return True when the engine should be reset, which clears NaN from its state."""
        wrong = [word for word, score in scores.items() if not math.isfinite(score)]
        self._wrong = self._wrong + 1 if wrong else 0
        self._right = 0 if wrong else self._right + 1
        if wrong and not self._told:
            self._told = True
            _log.warning("a score of %s is not a number, and counts as nothing heard", ", ".join(wrong))
        if self._right == PATIENCE:
            self.complaint = ""
        if self._wrong != PATIENCE or self.complaint:
            return False
        self.complaint = f"the scores of {', '.join(wrong)} are not numbers; give another model file in wake.words"
        return True
