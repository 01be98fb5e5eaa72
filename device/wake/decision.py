"""Turns scores into detections and near misses by threshold, patience and refractory period.

Time is counted in samples of the stream, not by a clock.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from device.errors import ConfigError
from device.ports.wake import DetectionRule, NearMiss
from device.units import CAPTURE_RATE, Samples, samples_from_ms
from device.wake.settings import Wake

FRAME = samples_from_ms(80, CAPTURE_RATE)
"""The unit of patience: a step of openWakeWord, whatever the steps of the engine."""
NEAR = 0.5
"""A peak that reaches this part of the threshold, and is no detection, is a near miss."""
# From this part of a threshold on a score is a sign that a word may be under way. Of the words that were detected, 62 %
# (people) to 87 % (synthetic voices) had such a score 80 ms before; of other speech 2 to 5 % of all steps have one.
_PROMISING = 0.01
# For so long after it a word is expected: the gaps between its syllables.
_EXPECTED_FOR = samples_from_ms(400, CAPTURE_RATE)
# A score that falls and rises again within this time is one peak: a word has several syllables.
_SETTLED = samples_from_ms(400, CAPTURE_RATE)


@dataclass(frozen=True, slots=True)
class DetectionRules:
    """The rules of all words: values for every word, and values for single words (as the configuration names them)."""

    threshold: float | None = None
    """None: the engine's own, or the one that the maker of the model recommends."""
    thresholds: Mapping[str, float] = field(default_factory=dict)
    patience: int = 1
    patiences: Mapping[str, int] = field(default_factory=dict)
    refractory_s: float = 1.5
    refractories_s: Mapping[str, float] = field(default_factory=dict)

    def of(self, word: str, usual_threshold: float) -> DetectionRule:
        """Return a word's rule; `usual_threshold` holds where the configuration names none."""
        threshold = usual_threshold if self.threshold is None else self.threshold
        refractory_s = self.refractories_s.get(word, self.refractory_s)
        return DetectionRule(
            self.thresholds.get(word, threshold),
            self.patiences.get(word, self.patience),
            samples_from_ms(refractory_s * 1000, CAPTURE_RATE),
        )

    def refuse_unknown(self, words: Sequence[str]) -> None:
        """Raise ConfigError for a rule of a word that is not in `words`: it would have no effect."""
        own = {"thresholds": self.thresholds, "patiences": self.patiences, "refractories_s": self.refractories_s}
        for key, names in own.items():
            _refuse_unknown(key, names, words)


def rules(wake: Wake) -> DetectionRules:
    """Return what the configuration says."""
    return DetectionRules(
        wake.threshold, wake.thresholds, wake.patience, wake.patiences, wake.refractory_s, wake.refractories_s
    )


class Decision:
    """Decides from the scores of one word when it is detected. Feed every score, in order."""

    def __init__(self, word: str, rule: DetectionRule) -> None:
        self.rule = rule
        self._word = word
        self._deaf_until = 0
        self._near_misses: list[NearMiss] = []
        self.forget()

    def hear(self, score: float, position: int) -> bool:
        """Judge the score of the sound that ends at `position`; return True when the word is detected now.

        A score that is not a finite number counts as 0.
        """
        score = number(score)
        detected = self._judge(score, position)
        self._watch(score, position, detected)
        return detected

    def pop_near_misses(self) -> list[NearMiss]:
        """Return the near misses since the last call, oldest first."""
        misses, self._near_misses = self._near_misses, []
        return misses

    def forgive(self) -> None:
        """The newest detection did not count: its refractory period is over."""
        self._deaf_until = 0

    def forget(self) -> None:
        """Begin a new stream; the refractory period goes on."""
        self._armed = True
        self._above_since: int | None = None
        self._fading = False
        """After a detection, until the score has fallen: the scores belong to the detected word."""
        self._peak = 0.0
        self._peak_at = self._last_near = 0

    def _judge(self, score: float, position: int) -> bool:
        # Not `score < threshold`: a score that cannot be compared (NaN) must not detect.
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


class Expectation:
    """Whether a word may be under way: scores begin to rise before it is detected.

    It may be asked in another thread than the one that hears.
    """

    def __init__(self, rules: Mapping[str, DetectionRule]) -> None:
        self._promising = {word: _PROMISING * rule.threshold for word, rule in rules.items()}
        self._until = 0

    def hear(self, scores: Mapping[str, float], position: int) -> None:
        """Note the scores of the sound that ends at `position`; what is no number is no sign."""
        if any(scores[word] >= least for word, least in self._promising.items()):
            self._until = position + _EXPECTED_FOR

    def holds_at(self, position: int) -> bool:
        """Return whether a word is expected, as far as the sound up to `position` tells."""
        return position < self._until


def number(score: float) -> float:
    """Return the score, or 0 when it is not a finite number."""
    return score if math.isfinite(score) else 0.0


def pop_near_misses(decisions: Iterable[Decision]) -> list[NearMiss]:
    """Return the near misses of several words since the last call, oldest first."""
    return sorted((miss for decision in decisions for miss in decision.pop_near_misses()), key=lambda miss: miss.at)


def _refuse_unknown(key: str, names: Iterable[str], words: Sequence[str]) -> None:
    for name in names:
        if name not in words:
            known = ", ".join(words)
            raise ConfigError(f'wake.{key}: "{name}" is not in wake.words ({known}); remove it or add the word')
