"""Speech features as openWakeWord computes them in a stream: sound -> mel spectrum -> embeddings.

Every 80 ms: 1760 samples (the new 1280 and the 480 before them) give 8 mel frames of 32 bands, and the newest 76 mel
frames give one embedding of 96 numbers. The spectrum of a window depends on the loudest part of that window (the model
limits its dynamic range), so mel frames cannot be computed apart from their 1760 samples without changing the scores.
"""

from __future__ import annotations

import numpy as np

from device.wake.networks.network import FloatArray
from device.wake.openwakeword.embedding import EMBEDDING_SIZE
from device.wake.openwakeword.featuremodels import load_feature_models
from device.wake.openwakeword.mel import CHUNK_FRAMES, CHUNK_SAMPLES, FIRST_FRAMES, OVERLAP_SAMPLES

_MEMORY_CHUNKS = 10
"""An embedding depends on 76 frames: on this chunk, the eight before, and half of the one before them."""


class Features:
    """The newest embeddings of a stream, oldest first, in `embeddings` (float32, `rows` x 96, one address for life)."""

    def __init__(self, rows: int) -> None:
        """Raise ConfigError when the wheel's models are missing or broken."""
        self.embeddings: FloatArray = np.zeros((rows, EMBEDDING_SIZE), np.float32)
        self.memory_chunks = rows + _MEMORY_CHUNKS
        """`embeddings` depend on so many chunks, the newest included, and on nothing before them."""
        self._sound: FloatArray = np.zeros(OVERLAP_SAMPLES + CHUNK_SAMPLES, np.float32)
        self._mel, self._embedding = load_feature_models(self._sound)
        self._silence = self._embed_silence()
        self.reset()

    def reset(self) -> None:
        """Begin a new stream, as if silence had gone before."""
        # openWakeWord starts from embeddings of random noise; silence says as little and is the same every time.
        self.embeddings[:] = self._silence
        self._embedding.reset()
        self._first = True

    def push(self, pcm: bytes | memoryview) -> None:
        """Take the next 80 ms (1280 samples of s16le): one more embedding, the oldest is dropped."""
        sound = self._sound
        sound[:OVERLAP_SAMPLES] = sound[-OVERLAP_SAMPLES:]
        sound[OVERLAP_SAMPLES:] = np.frombuffer(pcm, "<i2")
        self._push_spectrum()
        self._embedding.step()
        self.embeddings[:-1] = self.embeddings[1:]
        self.embeddings[-1] = self._embedding.vector

    def _push_spectrum(self) -> None:
        if self._first:
            self._first = False
            self._embedding.frames[:-FIRST_FRAMES] = 1.0
            self._embedding.frames[-FIRST_FRAMES:] = self._mel.newest(FIRST_FRAMES)
        else:
            self._embedding.frames[:] = self._mel.newest(CHUNK_FRAMES)

    def _embed_silence(self) -> FloatArray:
        self._embedding.frames[:] = self._mel.newest(CHUNK_FRAMES)
        for _ in range(_MEMORY_CHUNKS):
            self._embedding.step()
        return self._embedding.vector.copy()
