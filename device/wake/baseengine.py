"""What both engines have in common: they cut the stream into steps, count its samples, and report for their words."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Protocol

from device.ports.wake import Detection, DetectionRule, NearMiss
from device.units import BYTES_PER_SAMPLE, Samples
from device.wake.decision import Decision, pop_near_misses


class Word(Protocol):
    """A word that an engine listens for."""

    @property
    def name(self) -> str:
        """The word's name, as detections report it."""

    score: float
    """The newest score, 0 to 1."""
    decision: Decision

    def forget(self) -> None:
        """Begin a new stream; the refractory period goes on."""


class BaseEngine(ABC):
    """An engine that works in steps of fixed length, whatever the length of the pieces that are fed."""

    def __init__(self, words: Sequence[Word], step: Samples) -> None:
        self.words = tuple(word.name for word in words)
        self._listened_for = words
        self._samples = step
        self._bytes = step * BYTES_PER_SAMPLE
        self._pending = bytearray()
        self._position = 0
        """Where the newest step ends, in samples of the stream."""

    @property
    def scores(self) -> Mapping[str, float]:
        """Newest score of every word, 0 to 1; 0 in the first half second of a stream; perhaps NaN (see sanity.py)."""
        return {word.name: word.score for word in self._listened_for}

    @property
    def rules(self) -> Mapping[str, DetectionRule]:
        """The detection rule of each word."""
        return {word.name: word.decision.rule for word in self._listened_for}

    def pop_near_misses(self) -> list[NearMiss]:
        """Return the near misses since the last call, oldest first."""
        return pop_near_misses(word.decision for word in self._listened_for)

    def process(self, pcm: bytes) -> list[Detection]:
        """Feed any whole number of samples (16 kHz mono s16le); return the detections, oldest first."""
        self._pending += pcm
        detections: list[Detection] = []
        while len(self._pending) >= self._bytes:
            step = bytes(self._pending[: self._bytes])
            del self._pending[: self._bytes]
            # Before the inference: positions count everything that was fed, also when an inference fails.
            self._position += self._samples
            detections += self._hear(step)
        return detections

    def reset(self) -> None:
        """Forget the sound so far, because the stream was interrupted. Positions go on counting. Raise ConfigError."""
        self._position += len(self._pending) // BYTES_PER_SAMPLE
        self._pending.clear()
        self._forget()
        for word in self._listened_for:
            word.forget()

    def _coming(self, most: int) -> bytes:
        """Return the whole steps, up to `most`, that were fed already and follow the one that is being scored."""
        return bytes(self._pending[: min(most, len(self._pending) // self._bytes) * self._bytes])

    @abstractmethod
    def _hear(self, step: bytes) -> list[Detection]:
        """Score the step that ends at `_position`; return the detections."""

    @abstractmethod
    def _forget(self) -> None:
        """Reset the features to the beginning of a stream."""
