"""From scores to detections and near misses: threshold, patience, refractory period. Time is counted in sound."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from device import config
from device.errors import ConfigError
from device.ports.wake import DetectionRule, NearMiss
from device.units import CAPTURE_RATE, Samples, samples_from_ms

FRAME = samples_from_ms(80, CAPTURE_RATE)
"""What patience is counted in, whatever the steps of an engine: openWakeWord's."""
NEAR = 0.5
"""From this part of the threshold on, a peak without a detection is a near miss."""
# A score that falls and rises again within this is one peak: the parts of a word.
_SETTLED = samples_from_ms(400, CAPTURE_RATE)


@dataclass(frozen=True, slots=True)
class DetectionRules:
    """The rule of every word: what holds for all, and by word (as given in the configuration) what differs."""

    threshold: float | None = None
    """None: what the engine, or the maker of the model, takes."""
    thresholds: Mapping[str, float] = field(default_factory=dict)
    patience: int = 1
    patiences: Mapping[str, int] = field(default_factory=dict)
    refractory_s: float = 1.5
    refractories_s: Mapping[str, float] = field(default_factory=dict)

    def of(self, word: str, usual_threshold: float) -> DetectionRule:
        """Return a word's rule; `usual_threshold` where the configuration says nothing."""
        threshold = usual_threshold if self.threshold is None else self.threshold
        refractory_s = self.refractories_s.get(word, self.refractory_s)
        return DetectionRule(
            self.thresholds.get(word, threshold),
            self.patiences.get(word, self.patience),
            samples_from_ms(refractory_s * 1000, CAPTURE_RATE),
        )

    def refuse_unknown(self, words: Sequence[str]) -> None:
        """Raise ConfigError for a word that is not listened for: its rule would silently change nothing."""
        own = {"thresholds": self.thresholds, "patiences": self.patiences, "refractories_s": self.refractories_s}
        for key, names in own.items():
            _refuse_unknown(key, names, words)


def rules(wake: config.Wake) -> DetectionRules:
    """Return what the configuration says; its built-in threshold stands for the engine's own."""
    threshold = None if wake.threshold == config.Wake().threshold else wake.threshold
    return DetectionRules(
        threshold, wake.thresholds, wake.patience, wake.patiences, wake.refractory_s, wake.refractories_s
    )


class Decision:
    """What one word's scores have led to so far. Feed every score in its order."""

    def __init__(self, word: str, rule: DetectionRule) -> None:
        self.rule = rule
        self._word = word
        self._deaf_until = 0
        self._near_misses: list[NearMiss] = []
        self.forget()

    def hear(self, score: float, position: int) -> bool:
        """Take the score of the sound that ends at `position`; tell whether the word is detected now.

        What is not a number (NaN, infinite) is no score: nothing was heard.
        """
        score = number(score)
        detected = self._judge(score, position)
        self._watch(score, position, detected)
        return detected

    def pop_near_misses(self) -> list[NearMiss]:
        """Return those since last asked, oldest first."""
        taken, self._near_misses = self._near_misses, []
        return taken

    def forget(self) -> None:
        """Begin a new stream; the refractory period goes on."""
        self._armed = True
        self._above_since: int | None = None
        self._fading = False
        """The peak is the detection's own."""
        self._peak = 0.0
        self._peak_at = self._last_near = 0

    def _judge(self, score: float, position: int) -> bool:
        # Not "below": whatever does not compare is not detected.
        if not score >= self.rule.threshold:
            self._armed = True
            self._above_since = None
            return False
        if self._above_since is None:
            self._above_since = position
        held = position - self._above_since >= (self.rule.patience - 1) * FRAME
        if not (self._armed and held) or position < self._deaf_until:
            return False
        self._armed = False
        self._deaf_until = position + self.rule.refractory
        return True

    def _watch(self, score: float, position: int, detected: bool) -> None:
        near = score >= NEAR * self.rule.threshold
        if detected:
            self._fading, self._peak = True, 0.0
        elif not near:
            self._fading = False
            self._settle(position)
        elif not self._fading and position >= self._deaf_until:
            self._last_near = position
            if score > self._peak:
                self._peak, self._peak_at = score, position

    def _settle(self, position: int) -> None:
        if self._peak and position - self._last_near >= _SETTLED:
            self._near_misses.append(NearMiss(self._word, self._peak, self.rule.threshold, Samples(self._peak_at)))
            self._peak = 0.0


def number(score: float) -> float:
    """Return a score as what may be shown and compared: 0 for what is no number."""
    return score if math.isfinite(score) else 0.0


def pop_near_misses(decisions: Iterable[Decision]) -> list[NearMiss]:
    """Return the near misses of several words since last asked, oldest first."""
    return sorted((miss for decision in decisions for miss in decision.pop_near_misses()), key=lambda miss: miss.at)


def _refuse_unknown(key: str, names: Iterable[str], words: Sequence[str]) -> None:
    for name in names:
        if name not in words:
            known = ", ".join(words)
            raise ConfigError(f'wake.{key}: "{name}" is not in wake.words ({known}); remove it or add the word')
