"""What both engines have in common: they cut the stream into steps, count its samples, and report for their words."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Generic, Protocol, TypeVar

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


AnyWord = TypeVar("AnyWord", bound=Word)


class BaseEngine(ABC, Generic[AnyWord]):
    """An engine that works in steps of fixed length, whatever the length of the pieces that are fed."""

    def __init__(self, words: Sequence[AnyWord], step: Samples, of_first_model: int = 1) -> None:
        """`of_first_model`: how many of the words, the first ones, the first model detects."""
        self.words = tuple(word.name for word in words)
        self.can_narrow = len(words) > of_first_model
        self._listened_for = self._heard = words
        self._of_first_model = of_first_model
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

    def forgive(self, word: str) -> None:
        """The newest detection of the word did not count: it may be detected again at once."""
        for one in self._listened_for:
            if one.name == word:
                one.decision.forgive()

    def narrow(self, first_only: bool) -> None:
        """Listen for what the first model detects only; False: for all words again, as if they were new."""
        for word in self._listened_for[self._of_first_model :]:
            word.forget()
        self._heard = self._listened_for[: self._of_first_model] if first_only else self._listened_for

    def _coming(self, most: int) -> bytes:
        """Return the whole steps, up to `most`, that were fed already and follow the one that is being scored."""
        return bytes(self._pending[: min(most, len(self._pending) // self._bytes) * self._bytes])

    @abstractmethod
    def _hear(self, step: bytes) -> list[Detection]:
        """Score the step that ends at `_position`; return the detections."""

    @abstractmethod
    def _forget(self) -> None:
        """Reset the features to the beginning of a stream."""
