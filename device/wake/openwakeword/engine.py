"""The engine openWakeWord: runs its models on a stream; the features are computed once for all words.

The scores are those of openwakeword's `Model.predict` in steps of 80 ms, however long the pieces are that are fed; the
parity test compares the two. As there, the first five scores of a stream are 0. One thing differs: this engine
starts from silence, openwakeword from random noise. So in the first 1.3 s of a stream (2.7 s for the timer) the scores
agree only when openwakeword is given the same start.
"""

from __future__ import annotations

import json
import logging
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from device.errors import ConfigError
from device.ports.wake import Detection, DetectionRule
from device.units import Samples
from device.wake.baseengine import BaseEngine
from device.wake.decision import Decision, DetectionRules
from device.wake.networks import loader
from device.wake.networks.dense import DenseNetwork, NotDenseError
from device.wake.networks.network import FloatArray, Network, shape_text
from device.wake.networks.streaming import BATCH
from device.wake.openwakeword.embedding import EMBEDDING_SIZE
from device.wake.openwakeword.features import Features
from device.wake.openwakeword.mel import CHUNK_SAMPLES
from device.wake.openwakeword.models import WordModel, find_word
from device.wake.openwakeword.wordend import ROWS, Sound, WordEnd, word_end

_log = logging.getLogger(__name__)

# openWakeWord sets the first five scores of a stream to zero: there are not enough features yet.
_WARM_UP_CHUNKS = 5
# The longest window of a model in the wheel is 34 embeddings; openWakeWord keeps ten seconds (120).
_LONGEST_WINDOW = 120
# The word's end is estimated from this much sound: 0.8 s.
_KEPT_CHUNKS = 10
# How long a detection waits while the word still goes on: 240 ms.
_LONGEST_WAIT_CHUNKS = 3
# The threshold that openWakeWord's documentation recommends to begin with.
_USUAL_THRESHOLD = 0.5


class OpenWakeWord(BaseEngine["_Word"]):
    """A `ports.WakeWord`: scores every 80 ms (1280 samples at 16 kHz), in the caller's thread.

    A word's rule (see decision.py) decides when it is detected. While the word seems to go on, the detection is held
    back, for up to 240 ms.
    """

    step = Samples(CHUNK_SAMPLES)

    def __init__(
        self,
        words: Sequence[str] = ("hey_jarvis",),
        rules: DetectionRules | None = None,
    ) -> None:
        """Load the models of `words`; without `rules` the threshold is 0.5.

        A model of several classes (timer) makes one word of each class. Raise ConfigError.
        """
        rules = rules or DetectionRules()
        rules.refuse_unknown(words)
        names = list(dict.fromkeys(words))
        models = [find_word(name) for name in names]
        networks = [_open(model.path) for model in models]
        self._features = Features(max(ROWS, *(_window(network) for network in networks)))
        self._heads = [_Head(network, self._features.embeddings) for network in networks]
        labelled = _label(models, self._heads, [rules.of(name, _USUAL_THRESHOLD) for name in names])
        super().__init__(labelled, self.step, of_first_model=len(self._heads[0].classes))
        self._running = self._heads
        self._recent: deque[bytes] = deque(maxlen=_KEPT_CHUNKS)
        self._chunks = 0

    def skip(self, samples: int) -> None:
        """Skip a part of the stream, as `Skipping` has it; refractory periods count it, too."""
        self._position += samples

    def narrow(self, first_only: bool) -> None:
        """See BaseEngine."""
        super().narrow(first_only)
        self._running = self._heads[:1] if first_only else self._heads

    def _forget(self) -> None:
        self._recent.clear()
        self._chunks = 0
        self._features.reset()

    def _hear(self, step: bytes) -> list[Detection]:
        self._chunks += 1
        self._recent.append(step)
        self._features.push(step, self._coming(BATCH - 1))
        for head in self._running:
            head.run()
        warm = self._chunks > _WARM_UP_CHUNKS
        detections = (self._update(word, warm) for word in self._heard)
        return [detection for detection in detections if detection]

    def _update(self, word: _Word, warm: bool) -> Detection | None:
        word.hear(word.read() if warm else 0.0, self._position)
        if not word.waiting:
            return None
        ago = word.end.samples_ago(self._features.embeddings, self._sound())
        if ago <= 0 and word.waited < _LONGEST_WAIT_CHUNKS:
            word.waited += 1
            return None
        word.waiting = False
        return Detection(word.name, word.peak, Samples(max(0, self._position - max(0, ago))))

    def _sound(self) -> Sound:
        return np.frombuffer(b"".join(self._recent), "<i2")


class _Head:
    """A word's model; its input is the window of the newest shared embeddings."""

    def __init__(self, network: Network, embeddings: FloatArray) -> None:
        window = embeddings[-_window(network) :][None]
        classes = network.output_shape[-1] or 1
        self.scores: FloatArray = np.zeros((1, classes), np.float32)
        self.network = network
        self.run = network.bind(window, self.scores)
        self.classes = _classes(network, classes)


@dataclass(slots=True)
class _Word:
    """The state of one word's detection."""

    name: str
    read: Callable[[], float]
    decision: Decision
    end: WordEnd
    score: float = 0.0
    peak: float = 0.0
    waiting: bool = False
    """Detected, but not reported yet, because the word still goes on."""
    waited: int = 0

    def hear(self, score: float, position: int) -> None:
        """Judge the score of the 80 ms that end at `position`."""
        self.score = score
        if self.decision.hear(score, position):
            self.waiting, self.waited, self.peak = True, 0, 0.0
        self.peak = max(self.peak, score)

    def forget(self) -> None:
        """Begin a new stream; the refractory period goes on."""
        self.score = 0.0
        self.waiting = False
        self.decision.forget()


def _label(models: Sequence[WordModel], heads: Sequence[_Head], rules: Sequence[DetectionRule]) -> list[_Word]:
    """Return a word for each output of each model: the model's own word, or one for each of its classes."""
    words: dict[str, _Word] = {}
    for model, head, rule in zip(models, heads, rules, strict=True):
        for index, label in head.classes.items():
            name = label or model.word
            if name in words:
                raise ConfigError(f'wake.words: two models are called "{name}"; leave one out, or rename its file')
            words[name] = _Word(name, _reader(head, index), Decision(name, rule), word_end(model.word))
    return list(words.values())


def _reader(head: _Head, index: int) -> Callable[[], float]:
    return lambda: float(head.scores[0, index])


def _open(path: Path) -> Network:
    """Load a word's model. Raise ConfigError."""
    if path.suffix == ".tflite":
        _log.info("%s is run by TensorFlow Lite, which takes 3 MB", path)
        return loader.load(path)
    try:
        return DenseNetwork(path)
    except NotDenseError as error:
        _log.info("%s is run by onnxruntime, which takes 30 MB (a .tflite file: 3): %s", path, error)
    return loader.load(path)


def _window(network: Network) -> int:
    """Return the length of the model's input in embeddings. Raise ConfigError when it is not an openWakeWord model."""
    match network.input_shape, network.output_shape:
        case (1 | None, int(rows), int(size)), (1 | None, _) if size == EMBEDDING_SIZE and 0 < rows <= _LONGEST_WINDOW:
            return rows
    raise ConfigError(
        f"{network.path} is not an openWakeWord model: it takes {shape_text(network.input_shape)} and gives "
        f"{shape_text(network.output_shape)}, where 1 x 16 x {EMBEDDING_SIZE} and 1 x 1 are usual; give another file"
    )


def _classes(network: Network, count: int) -> dict[int, str]:
    """Return the outputs that are words: index to label, "" for the model's own name.

    openWakeWord's multi-class models carry their labels as JSON in the output's name; output 0 is "none of them".
    """
    if count == 1:
        return {0: ""}
    try:
        labels = json.loads(network.output_name)
        return {int(index): str(label) for index, label in labels.items() if int(index) < count}
    except (ValueError, AttributeError):
        raise ConfigError(f"{network.path} has {count} outputs without labels; give a model of one word") from None
