"""Finds where the utterance begins and ends that a moment lies in, by its level. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

# In steps of 10 ms. A pause this long ends an utterance: the stop before the last consonant of a word is shorter.
PAUSE = 15
# What is this much softer (dB) than the loudest part belongs to the pause.
_SOFT_DB = 25.0


@dataclass(frozen=True, slots=True)
class Utterance:
    """The first and the last loud step."""

    first: int
    last: int

    @property
    def steps(self) -> int:
        """How long it is."""
        return self.last - self.first + 1


def utterance(levels: Sequence[float], first: int, last: int) -> Utterance | None:
    """Return the utterance around the steps `first` to `last`; None: it goes on, or there is none.

    `levels`: of each step of 10 ms, in dB.
    """
    if not 0 <= first <= last < len(levels):
        return None
    loudest = max(range(first, last + 1), key=levels.__getitem__)
    least = levels[loudest] - _SOFT_DB
    begin = _edge(levels, range(loudest, -1, -1), least)
    end = _edge(levels, range(loudest, len(levels)), least)
    return None if end + PAUSE >= len(levels) else Utterance(begin, end)


def _edge(levels: Sequence[float], steps: Sequence[int], least: float) -> int:
    """Return the last loud step before the first pause, seen in this order; the first one is loud."""
    edge = steps[0]
    for step in steps:
        if levels[step] > least:
            edge = step
        elif abs(step - edge) > PAUSE:
            break
    return edge
