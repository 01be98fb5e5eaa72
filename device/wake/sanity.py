"""Whether what an engine gives are scores at all: a damaged model gives NaN, and one that was poisoned goes on so."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping

_log = logging.getLogger(__name__)

PATIENCE = 25
"""So many chunks of 80 ms in a row, 2 s: more than the zeros that an engine gives at the beginning of a stream."""


class Sanity:
    """Watches the scores of an engine, chunk by chunk."""

    def __init__(self) -> None:
        self.complaint = ""
        """What to say of a word that is never heard; empty while the scores are numbers."""
        self._told = False
        self._wrong = 0
        self._right = 0

    def watch(self, scores: Mapping[str, float]) -> bool:
        """Take the newest scores. Return True when the engine should forget all sound, which may cure it."""
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
