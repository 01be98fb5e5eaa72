"""The settings of the wake word."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from device.settings import Fraction, Mistake, Seconds, Section

# 25 frames are 2 s. Scores rarely stay high for longer than half a second.
Patience = Annotated[int, Meta(ge=1, le=25)]

USUAL_STOP_WORDS = ("stop",)
"""Where nobody has said which."""


class Wake(Section, frozen=True):
    """The wake word."""

    engine: Literal["openwakeword", "microwakeword"] = "openwakeword"
    """The engine that detects the words: docs/wake-words.md compares them."""
    words: Annotated[tuple[str, ...], Meta(examples=[["hey_jarvis"]])] = ("hey_jarvis",)
    """Names of models that are included, or paths to .onnx or .tflite files (microWakeWord: .json files)."""
    threshold: Fraction | None = None
    """The score from which a word is detected. Unset: 0.5; with microWakeWord what a model's maker recommends."""
    thresholds: Annotated[dict[str, Fraction], Meta(examples=[{"alexa": 0.7}])] = msgspec.field(default_factory=dict)
    """Thresholds of single words, instead of `threshold`."""
    refractory_s: Seconds = 1.5
    """Minimum time between two detections of a word."""
    refractories_s: Annotated[dict[str, Seconds], Meta(examples=[{"alexa": 3}])] = msgspec.field(default_factory=dict)
    """Minimum times of single words, instead of `refractory_s`."""
    patience: Patience = 1
    """Frames of 80 ms in a row at or above the threshold that make a detection. More: fewer false ones, but later."""
    patiences: Annotated[dict[str, Patience], Meta(examples=[{"alexa": 2}])] = msgspec.field(default_factory=dict)
    """Patience of single words, instead of `patience`."""
    save_clips: str = ""
    """A folder for recordings (2.7 s) of each detection and near miss. Empty: nothing is recorded."""
    clips_max: Annotated[int, Meta(ge=1, le=100_000)] = 200
    """The most recordings kept; the oldest are deleted first."""
    clips_max_mb: Annotated[int, Meta(ge=1, le=100_000)] = 20
    """The most megabytes of recordings kept: 11 recordings take 1 MB."""
    second_opinion: Annotated[tuple[str, ...], Meta(examples=[["alexa", "hey_jarvis"]])] | None = None
    """Words of openWakeWord that microWakeWord must hear, too. Unset: those with which nothing is lost ("alexa")."""
    stop_words: Annotated[tuple[str, ...], Meta(examples=[["stop", "be quiet"]])] | None = None
    """English words that end a ringing, an answer or an announcement without the wake word; []: none. Unset: "stop",
    which ends answers and announcements only where a voice may interrupt them (`conversation.barge_in`)."""
    doze: bool = True
    """Do not run the engine while the sound of the room does not change. Nothing is missed."""

    def mistakes(self) -> Iterator[Mistake]:
        """Refuse an empty list of words."""
        if not self.words:
            yield Mistake("words", ' is empty; name at least one word, e.g. words = ["hey_jarvis"]')
        if self.second_opinion and self.engine != "openwakeword":
            yield Mistake("second_opinion", ' is about the engine "openwakeword"; remove it, or set wake.engine')
        for word in self.second_opinion or ():
            if word not in self.words:
                yield Mistake("second_opinion", f': "{word}" is not in wake.words; remove it, or add the word there')
