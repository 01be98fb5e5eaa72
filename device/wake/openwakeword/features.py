"""Computes speech features of a stream as openWakeWord does: sound -> mel spectrum -> embeddings.

Every 80 ms, 1760 samples (the new 1280 and the 480 before them) give 8 mel frames of 32 bands, and the newest 76 mel
frames give one embedding of 96 numbers. The mel model limits the dynamic range of its 1760 samples by their loudest
frame. So it must always be given exactly these 1760 samples: otherwise the scores change.
"""

from __future__ import annotations

import numpy as np

from device.wake.networks.network import FloatArray
from device.wake.networks.streaming import BATCH
from device.wake.openwakeword.embedding import EMBEDDING_SIZE
from device.wake.openwakeword.featuremodels import load_feature_models
from device.wake.openwakeword.mel import CHUNK_FRAMES, CHUNK_SAMPLES, FIRST_FRAMES, OVERLAP_SAMPLES

_MEMORY_CHUNKS = 10
"""An embedding depends on 76 frames: on its own chunk, the eight before, and half of the one before those."""


class Features:
    """Keeps the newest embeddings of a stream in `embeddings` (float32, `rows` x 96, oldest first, never moved)."""

    def __init__(self, rows: int) -> None:
        """Load the feature models. Raise ConfigError when they are missing or broken."""
        self.embeddings: FloatArray = np.zeros((rows, EMBEDDING_SIZE), np.float32)
        self._sound: FloatArray = np.zeros(OVERLAP_SAMPLES + BATCH * CHUNK_SAMPLES, np.float32)
        """The end of what was heard before, then the sound of the newest steps."""
        self._mel, self._embedding = load_feature_models(self._sound)
        self._ready: list[FloatArray] = []
        """Embeddings of steps that are still to be pushed, the next one last."""
        self._silence = self._embed_silence()
        self.reset()

    def reset(self) -> None:
        """Begin a new stream, as if only silence had gone before."""
        # openWakeWord starts from embeddings of random noise; with silence the start is the same every time.
        self.embeddings[:] = self._silence
        self._embedding.reset()
        self._ready.clear()
        self._first = True

    def push(self, pcm: bytes, coming: bytes = b"") -> None:
        """Append the embedding of the next 80 ms (1280 samples of s16le), and drop the oldest one.

        `coming`: the steps that are pushed next, as far as they are known, BATCH - 1 at most. All are computed
        together, which costs less than one by one.
        """
        if not self._ready:
            self._compute(pcm if self._first else pcm + coming)
        self.embeddings[:-1] = self.embeddings[1:]
        self.embeddings[-1] = self._ready.pop()

    def _compute(self, pcm: bytes) -> None:
        sound = np.frombuffer(pcm, "<i2")
        steps, end = len(sound) // CHUNK_SAMPLES, OVERLAP_SAMPLES + len(sound)
        self._sound[OVERLAP_SAMPLES:end] = sound
        self._put_spectrum(steps)
        self._sound[:OVERLAP_SAMPLES] = self._sound[end - OVERLAP_SAMPLES : end]
        self._embedding.step(steps)
        self._ready = list(self._embedding.vectors[:steps][::-1])

    def _put_spectrum(self, steps: int) -> None:
        frames = self._embedding.frames
        if self._first:
            self._first = False
            frames[: CHUNK_FRAMES - FIRST_FRAMES] = 1.0
            frames[CHUNK_FRAMES - FIRST_FRAMES : CHUNK_FRAMES] = self._mel.first_frames()
        else:
            frames[: steps * CHUNK_FRAMES] = self._mel.frames(steps)

    def _embed_silence(self) -> FloatArray:
        self._embedding.frames[:CHUNK_FRAMES] = self._mel.frames(1)
        for _ in range(_MEMORY_CHUNKS):
            self._embedding.step()
        silence: FloatArray = self._embedding.vectors[0].copy()
        return silence
