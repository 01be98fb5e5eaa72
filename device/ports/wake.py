"""A wake-word engine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from device.units import CAPTURE_RATE, Samples, samples_from_ms


@dataclass(frozen=True, slots=True)
class Detection:
    """A wake word heard by an engine.

    `end` is the estimated position (in samples of the stream fed to the engine) at which the word ends. It may be up
    to 200 ms early and must not be late: what follows it is sent to the provider.
    """

    word: str
    score: float
    end: Samples


@dataclass(frozen=True, slots=True)
class Refusal:
    """Another engine did not hear a word that was detected: its highest score, and the threshold that this missed."""

    engine: str
    score: float
    threshold: float


@dataclass(frozen=True, slots=True)
class NearMiss:
    """A peak of a word's score that came near its threshold without a detection; `at`: its position in the stream.

    With a `refusal` it was a detection, which did not count because another engine said no.
    """

    word: str
    score: float
    threshold: float
    at: Samples
    refusal: Refusal | None = None

    def __str__(self) -> str:
        """Return it in words, without the position."""
        said = f"{self.word} {self.score:.2f} (threshold {self.threshold:.2f})"
        no = self.refusal
        return f"{said}, but {no.engine} says no: {no.score:.2f} (threshold {no.threshold:.2f})" if no else said


@dataclass(frozen=True, slots=True)
class DetectionRule:
    """When a wake word is detected: at or above `threshold` for `patience` frames of 80 ms in a row."""

    threshold: float
    patience: int = 1
    refractory: Samples = samples_from_ms(1500, CAPTURE_RATE)
    """The least time between two detections."""


class WakeWord(Protocol):
    """A wake-word engine: it is fed with the capture stream and returns detections. It has no threads of its own.

    It is made in any thread, and used by one at a time: in the daemon by a thread that does nothing else, since a step
    takes some milliseconds.
    """

    words: tuple[str, ...]
    """What it listens for, as detections name it."""
    step: Samples
    """The engine computes a new score after each step of so many samples."""

    def process(self, pcm: bytes) -> list[Detection]:
        """Feed any whole number of samples (16 kHz mono s16le); return the detections, oldest first."""

    @property
    def scores(self) -> Mapping[str, float]:
        """The newest score of every word, 0 to 1."""

    @property
    def rules(self) -> Mapping[str, DetectionRule]:
        """The detection rule of each word."""

    def pop_near_misses(self) -> list[NearMiss]:
        """Return the near misses since the last call, oldest first; each is known 400 ms after its peak is over."""

    def reset(self) -> None:
        """Forget the sound so far, because the stream was interrupted. Positions go on counting."""


@runtime_checkable
class Skipping(WakeWord, Protocol):
    """An engine that can skip a part of the stream. Only such an engine can doze."""

    def skip(self, samples: int) -> None:
        """Skip a part of the stream: positions count it, and nothing else does.

        It sounds like what was heard last, or is less than a step long.
        """


@runtime_checkable
class Narrowing(WakeWord, Protocol):
    """An engine that can do less, if it runs several models."""

    can_narrow: bool

    def narrow(self, first_only: bool) -> None:
        """Listen for what the first model detects only; False: for all words again, as if they were new."""
