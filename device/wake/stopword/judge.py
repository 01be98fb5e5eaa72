"""Judges whether an utterance is the word "stop": a small network of our own over openWakeWord's speech features.

Its numbers are in stop.npz. tests/bench/fit_stop_word.py has trained it, on synthetic voices only, and says on which.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from device.units import BYTES_PER_SAMPLE
from device.wake.networks.network import FloatArray
from device.wake.networks.streaming import BATCH
from device.wake.openwakeword.features import Features
from device.wake.openwakeword.mel import CHUNK_SAMPLES

WORD = "stop"
ROWS = 6
"""How many embeddings it is given, one for every 80 ms up to the end of the utterance; each is of 780 ms."""
_FILE = Path(__file__).with_name("stop.npz")
_CHUNK = CHUNK_SAMPLES * BYTES_PER_SAMPLE
# Silence before an utterance, so that all of it is in the embeddings of a stream that has begun.
_BEFORE_CHUNKS = 2
_PEAK = 16_000
_MOST_GAIN = 20.0


class Judge:
    """Takes 5 ms of an x86 core for an utterance."""

    def __init__(self) -> None:
        """Load it: 10 ms. Raise ConfigError or OSError."""
        self._features = Features(ROWS)
        with np.load(_FILE) as numbers:
            self._hidden, self._hidden_bias, self._output, self._output_bias = (
                numbers[name].astype(np.float32) for name in ("hidden", "hidden_bias", "output", "output_bias")
            )

    def score(self, pcm: bytes) -> float:
        """Return how likely an utterance (16 kHz mono s16le, see Utterances) is the word, from 0 to 1."""
        hidden = np.maximum(self._hidden @ self.embeddings(pcm).reshape(-1) + self._hidden_bias, 0)
        return float(1 / (1 + np.exp(-(self._output @ hidden + self._output_bias)[0])))

    def embeddings(self, pcm: bytes) -> FloatArray:
        """Return what it is judged by: ROWS x 96 numbers, valid until the next call."""
        chunks = _in_chunks(pcm)
        self._features.reset()
        for number, chunk in enumerate(chunks):
            self._features.push(chunk, b"".join(chunks[number + 1 : number + BATCH]))
        return self._features.embeddings


def _in_chunks(pcm: bytes) -> list[bytes]:
    """Return it at a standard level, in whole chunks of 80 ms, with silence before it."""
    sound = np.frombuffer(pcm, "<i2").astype(np.float32)
    gain = min(_MOST_GAIN, _PEAK / max(1.0, float(np.abs(sound).max(initial=0.0))))
    levelled = (sound * gain).astype("<i2").tobytes()
    count = -(-len(levelled) // _CHUNK) + _BEFORE_CHUNKS
    padded = levelled.rjust(count * _CHUNK, b"\0")
    return [padded[at : at + _CHUNK] for at in range(0, len(padded), _CHUNK)]
