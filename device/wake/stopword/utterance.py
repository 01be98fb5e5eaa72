"""Finds where utterances begin and end, by their level. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from device.units import BYTES_PER_SAMPLE, CAPTURE_RATE, samples_from_ms

STEP = samples_from_ms(10, CAPTURE_RATE)
_STEP_BYTES = STEP * BYTES_PER_SAMPLE
# In steps of 10 ms. A pause this long ends an utterance: the stop before the last consonant of a word is shorter.
PAUSE = 15
# What is this much softer (dB) than the loudest part belongs to the pause.
_SOFT_DB = 25.0
# No word that is looked for is longer.
LONGEST = 80
# How much before an utterance belongs to it: the first consonant may be softer than that.
LEAD = 20


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


class Stretch:
    """A piece of a stream (16 kHz mono s16le), and the level of each of its steps."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Begin another one."""
        self._sound = bytearray()
        self.levels: list[float] = []

    def add(self, pcm: bytes) -> None:
        """Hear more of it."""
        self._sound += pcm
        new = bytes(self._sound[len(self.levels) * _STEP_BYTES :])
        steps = np.frombuffer(new[: len(new) // _STEP_BYTES * _STEP_BYTES], "<i2").reshape(-1, STEP)
        powers = np.mean(steps.astype(np.float32) ** 2, axis=1) + 1.0
        self.levels += [10 * math.log10(power) for power in powers.tolist()]

    def drop(self, steps: int) -> None:
        """Forget its first steps."""
        del self._sound[: steps * _STEP_BYTES]
        del self.levels[:steps]

    def cut(self, first: int, end: int) -> bytes:
        """Return the steps from `first` up to `end`, as far as there are such."""
        return bytes(self._sound[max(0, first) * _STEP_BYTES : end * _STEP_BYTES])


class Utterances:
    """Cuts the short ones out of a stream: as long as LONGEST at most, with pauses on both sides."""

    _KEPT = LEAD + LONGEST + 2 * PAUSE + 10
    _PIECE = 2 * _STEP_BYTES

    def __init__(self) -> None:
        self._stretch = Stretch()
        self._told = -1
        """The last step of the utterance that was told last."""

    def begin(self) -> None:
        """What comes now does not join on."""
        self._stretch.clear()
        self._told = -1

    def hear(self, pcm: bytes) -> Iterator[bytes]:
        """Yield each utterance that ends in more of the stream, from LEAD before its loud steps to PAUSE after them."""
        for at in range(0, len(pcm), self._PIECE):
            self._stretch.add(pcm[at : at + self._PIECE])
            whole = self._ended()
            if whole is not None:
                self._told = whole.last
                yield self._stretch.cut(whole.first - LEAD, whole.last + PAUSE)
            self._forget()

    def _ended(self) -> Utterance | None:
        """Return one that is over by now, and has not been told."""
        levels = self._stretch.levels
        since = max(self._told + 1, len(levels) - LONGEST - PAUSE - 2)
        if len(levels) - since < PAUSE + 2:
            return None
        loudest = max(range(since, len(levels)), key=levels.__getitem__)
        whole = utterance(levels, loudest, loudest)
        # One that began before the stream did is the end of something longer.
        is_whole = whole is not None and whole.first >= PAUSE and whole.steps <= LONGEST and whole.last > self._told
        return whole if is_whole else None

    def _forget(self) -> None:
        spare = len(self._stretch.levels) - self._KEPT
        if spare > self._KEPT:
            self._stretch.drop(spare)
            self._told -= spare
