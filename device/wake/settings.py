"""What can be set about the wake word."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from device.settings import Fraction, Mistake, Seconds, Section

# Scores rarely stay up for longer than half a second.
Patience = Annotated[int, Meta(ge=1, le=25)]


class Wake(Section, frozen=True):
    """The wake word."""

    engine: Literal["openwakeword", "microwakeword"] = "openwakeword"
    """What listens for the word: docs/wake-words.md compares them."""
    words: Annotated[tuple[str, ...], Meta(examples=[["hey_jarvis"]])] = ("hey_jarvis",)
    """Names of models that ship, or paths to .onnx or .tflite files (microWakeWord: .json files)."""
    threshold: Fraction | None = None
    """The score that detects a word. Unset: 0.5; with microWakeWord what each model's maker recommends."""
    thresholds: Annotated[dict[str, Fraction], Meta(examples=[{"alexa": 0.7}])] = msgspec.field(default_factory=dict)
    """Per word, where it differs from `threshold`."""
    refractory_s: Seconds = 1.5
    """How long a word is not detected again after it was."""
    refractories_s: Annotated[dict[str, Seconds], Meta(examples=[{"alexa": 3}])] = msgspec.field(default_factory=dict)
    """Per word, where it differs from `refractory_s`."""
    patience: Patience = 1
    """Frames of 80 ms in a row at or above the threshold that make a detection: more means fewer false ones, later."""
    patiences: Annotated[dict[str, Patience], Meta(examples=[{"alexa": 2}])] = msgspec.field(default_factory=dict)
    """Per word, where it differs from `patience`."""
    save_clips: str = ""
    """A folder for recordings of each detection and near miss, 2.7 s; empty: nothing is recorded."""
    clips_max: Annotated[int, Meta(ge=1, le=100_000)] = 200
    """So many are kept; the oldest go first."""
    clips_max_mb: Annotated[int, Meta(ge=1, le=100_000)] = 20
    """All together are no larger: 11 clips make 1 MB."""
    doze: bool = True
    """Let the engine rest while the sound of the room stays as it is; nothing is missed."""

    def mistakes(self) -> Iterator[Mistake]:
        """Refuse to listen for nothing."""
        if not self.words:
            yield Mistake("words", ' is empty; name at least one word, e.g. words = ["hey_jarvis"]')
