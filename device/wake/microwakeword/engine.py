"""The engine microWakeWord: small quantised models, made for microcontrollers, run by the package pymicro-wakeword.

The only file that imports the package, which brings its own TensorFlow Lite; and only when the engine is made. The
scores are those of the package's `process_streaming_prob`, one for every 30 ms; the parity test compares the two. The
features are computed once for all words.
"""

from __future__ import annotations

import statistics
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from device.ports.wake import Detection, DetectionRule
from device.units import CAPTURE_RATE, Samples, samples_from_ms
from device.wake.baseengine import BaseEngine
from device.wake.decision import Decision, DetectionRules
from device.wake.manifests import MicroWordModel
from device.wake.microwakeword.models import check_file, find_word, not_a_model, refuse_same_names, unusable
from device.wake.networks import tflite

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pymicro_wakeword

# The features are computed for every 10 ms.
_STEP = samples_from_ms(10, CAPTURE_RATE)

# The end of a word is estimated from the rise of its probability: the first of the newest 16 (480 ms) that is at least
# 0.1, minus an offset of the word. Of the moments tried, this one varied least against the true end. Measured on 252
# sentences for each word (flite and espeak-ng of Debian 12 and of Debian 13, which speak differently; six commands
# right behind the word, or none; thresholds from 0.5 to the model's own). The offset is the latest rise after the true
# end that was seen, except for one in a hundred sentences with "alexa" at a threshold of 0.5.
_KEPT_PROBABILITIES = 16
_RISEN = 0.1
_RISE_AFTER_END_MS = {"alexa": 230, "hey_jarvis": 160, "hey_mycroft": 120, "okay_nabu": 80}
_UNKNOWN_RISE_AFTER_END_MS = 250


class MicroWakeWord(BaseEngine["_Word"]):
    """A `ports.WakeWord`: scores every 30 ms (480 samples at 16 kHz), in the caller's thread.

    A score is the mean of the newest probabilities, as many as the model's maker recommends (five: 150 ms). A word's
    rule (see decision.py) decides when it is detected.
    """

    step = Samples(3 * _STEP)

    def __init__(self, words: Sequence[str] = ("hey_jarvis",), rules: DetectionRules | None = None) -> None:
        """Load the models of `words`: names that ship, or paths to a .json or .tflite file (see `find_word`).

        Without `rules` each model has the threshold that its maker recommends: 0.85 to 0.97 for those that ship. Raise
        ConfigError.
        """
        rules = rules or DetectionRules()
        rules.refuse_unknown(words)
        models = [find_word(name) for name in words]
        refuse_same_names(models)
        super().__init__(
            [_Word(model, rules.of(name, model.cutoff)) for name, model in zip(words, models, strict=True)], _STEP
        )
        self._features = _package().MicroWakeWordFeatures()

    def _forget(self) -> None:
        self._features.reset()

    def _hear(self, step: bytes) -> list[Detection]:
        detections = [
            word.hear(features, self._position)
            for features in self._features.process_streaming(step)
            for word in self._heard
        ]
        return [detection for detection in detections if detection]


@dataclass(slots=True)
class _Word:
    """One word's network and the state of its detection."""

    model: MicroWordModel
    rule: DetectionRule
    decision: Decision = field(init=False)
    score: float = field(default=0.0, init=False)
    _network: pymicro_wakeword.MicroWakeWord = field(init=False)
    _fed: int = field(default=0, init=False)
    _recent: deque[tuple[int, float]] = field(init=False)
    """Pairs of position and probability, oldest first."""

    def __post_init__(self) -> None:
        """Load the network."""
        self.decision = Decision(self.name, self.rule)
        self._recent = deque(maxlen=max(self.model.window, _KEPT_PROBABILITIES))
        self._network = _load(self.model)

    @property
    def name(self) -> str:
        """The word's name, as detections report it."""
        return self.model.word

    def hear(self, features: npt.NDArray[np.float64], position: int) -> Detection | None:
        """Feed the features of the 10 ms that end at `position`; the network runs when it has enough of them."""
        probability = self._network.process_streaming_prob(features)
        self._fed += 1
        if self._fed % self._network.stride or probability is None:
            return None
        self._recent.append((position, probability))
        self.score = self._mean()
        detected = self.decision.hear(self.score, position)
        return Detection(self.name, self.score, self._end(position)) if detected else None

    def forget(self) -> None:
        """Begin a new stream; the refractory period goes on. The network cannot be reset, so it is loaded anew."""
        self._network.close()
        self._network = _load(self.model)
        self._recent.clear()
        self.decision.forget()
        self.score, self._fed = 0.0, 0

    def _mean(self) -> float:
        newest = [probability for _, probability in self._recent][-self.model.window :]
        return statistics.mean(newest) if len(newest) == self.model.window else 0.0

    def _end(self, position: int) -> Samples:
        kept = list(self._recent)[-_KEPT_PROBABILITIES:]
        risen = next((at for at, probability in kept if probability >= _RISEN), position)
        after_end = _RISE_AFTER_END_MS.get(self.name, _UNKNOWN_RISE_AFTER_END_MS)
        return Samples(max(0, risen - samples_from_ms(after_end, CAPTURE_RATE)))


def _load(model: MicroWordModel) -> pymicro_wakeword.MicroWakeWord:
    """Load the network. Raise ConfigError when it is not a microWakeWord model.

    The package's averaging is switched off (a window of 1): single probabilities tell more exactly where a word ends.
    """
    check_file(model.path)
    try:
        network: pymicro_wakeword.MicroWakeWord = _package().MicroWakeWord(
            id=model.word,
            wake_word=model.word,
            tflite_model=model.path,
            probability_cutoff=model.cutoff,
            sliding_window_size=1,
            trained_languages=[],
            libtensorflowlite_c_path=tflite.library_path(),
        )
    except (ValueError, RuntimeError) as error:
        raise not_a_model(model.path, str(error)) from error
    return network


def _package() -> Any:
    """Import the package. Raise ConfigError."""
    try:
        import pymicro_wakeword
    except ImportError as error:
        raise unusable(str(error)) from error
    return pymicro_wakeword
