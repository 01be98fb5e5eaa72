"""Speech features as openWakeWord computes them in a stream: sound -> mel spectrum -> embeddings.

Every 80 ms: 1760 samples (the new 1280 and the 480 before them) give 8 mel frames of 32 bands, and the newest 76 mel
frames give one embedding of 96 numbers. The spectrum of a window depends on the loudest part of that window (the model
limits its dynamic range), so mel frames cannot be computed apart from their 1760 samples without changing the scores.
"""

from __future__ import annotations

import numpy as np

from device.wake.models import feature_model
from device.wake.network import FloatArray, Network

CHUNK_SAMPLES = 1280
"""80 ms at 16 kHz: openWakeWord's step."""
EMBEDDING_SIZE = 96

_OVERLAP_SAMPLES = 480
_MEL_BANDS = 32
_MEL_WINDOW = 76
_MEL_STEP = 8
# The first chunk of a stream has no 480 samples before it, so three frames fewer come of it.
_MEL_FIRST_STEP = 5


class Features:
    """The newest embeddings of a stream, oldest first, in `embeddings` (float32, `rows` x 96, one address for life)."""

    def __init__(self, rows: int) -> None:
        """Raise ConfigError when the models of the openwakeword wheel are missing or broken."""
        self.embeddings: FloatArray = np.zeros((rows, EMBEDDING_SIZE), np.float32)
        self._sound: FloatArray = np.zeros((1, _OVERLAP_SAMPLES + CHUNK_SAMPLES), np.float32)
        self._mel: FloatArray = np.ones((1, _MEL_WINDOW, _MEL_BANDS, 1), np.float32)
        self._spectrum: FloatArray = np.zeros((1, 1, _MEL_STEP, _MEL_BANDS), np.float32)
        self._first_spectrum: FloatArray = np.zeros((1, 1, _MEL_FIRST_STEP, _MEL_BANDS), np.float32)
        self._bind()
        self._silence = self._embed_silence()
        self.reset()

    def reset(self) -> None:
        """Begin a new stream, as if silence had gone before."""
        # openWakeWord starts from embeddings of random noise; silence says as little and is the same every time.
        self.embeddings[:] = self._silence
        self._sound[:] = 0.0
        self._mel[:] = 1.0
        self._first = True

    def push(self, pcm: bytes | memoryview) -> None:
        """Take the next 80 ms (1280 samples of s16le): one more embedding, the oldest is dropped."""
        sound = self._sound[0]
        sound[:_OVERLAP_SAMPLES] = sound[-_OVERLAP_SAMPLES:]
        sound[_OVERLAP_SAMPLES:] = np.frombuffer(pcm, "<i2")
        self._push_spectrum()
        self._push_embedding()

    def _bind(self) -> None:
        mel, embedding = Network(feature_model("melspectrogram")), Network(feature_model("embedding_model"))
        self._run_mel = mel.bind(self._sound, self._spectrum)
        self._run_first_mel = mel.bind(self._sound[:, _OVERLAP_SAMPLES:], self._first_spectrum)
        newest = self.embeddings[-1:].reshape(1, 1, 1, EMBEDDING_SIZE)
        self._run_embedding = embedding.bind(self._mel, newest)

    def _embed_silence(self) -> FloatArray:
        self._sound[:] = 0.0
        self._run_mel()
        self._mel[0, :, :, 0] = np.tile(_scaled(self._spectrum[0, 0]), (_MEL_WINDOW // _MEL_STEP + 1, 1))[:_MEL_WINDOW]
        self._run_embedding()
        silence: FloatArray = self.embeddings[-1].copy()
        return silence

    def _push_spectrum(self) -> None:
        if self._first:
            self._run_first_mel()
            fresh = self._first_spectrum[0, 0]
            self._first = False
        else:
            self._run_mel()
            fresh = self._spectrum[0, 0]
        mel = self._mel[0, :, :, 0]
        mel[: -len(fresh)] = mel[len(fresh) :]
        mel[-len(fresh) :] = _scaled(fresh)

    def _push_embedding(self) -> None:
        self.embeddings[:-1] = self.embeddings[1:]
        self._run_embedding()


def _scaled(spectrum: FloatArray) -> FloatArray:
    """Bring decibels to the range that the embedding model was trained on (openWakeWord's own transform)."""
    return spectrum / np.float32(10) + np.float32(2)
