"""Computes the embedding of the newest 76 mel frames: 96 numbers, the input of the word models."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from device.wake.networks.convolutions import NotStreamableError
from device.wake.networks.network import FloatArray, Network
from device.wake.networks.onnxfile import Graph
from device.wake.networks.streaming import BATCH, StreamingNetwork
from device.wake.openwakeword.mel import BANDS, CHUNK_FRAMES

EMBEDDING_SIZE = 96
_WINDOW_FRAMES = 76
# After as many steps as fit into the window, nothing of the frames before them is left.
_STEPS_TO_FORGET = -(-_WINDOW_FRAMES // CHUNK_FRAMES)


class Embedding(Protocol):
    """Computes embeddings step by step. Before the first frame all frames are ones, as in openWakeWord."""

    frames: FloatArray
    """Put the next frames here: 8 x 32 for each of at most BATCH steps, from the first row on."""
    vectors: FloatArray
    """The embeddings of the latest steps, oldest first (96 numbers each): the first `count` rows."""

    def step(self, count: int = 1) -> None:
        """Compute `count` rows of `vectors` from as many steps of `frames`, and the frames before them."""

    def reset(self) -> None:
        """Forget all frames."""


class WindowedEmbedding:
    """Computes each embedding from all 76 frames, with any model that has this input."""

    def __init__(self, network: Network) -> None:
        """Raise ConfigError."""
        self._window: FloatArray = np.ones((1, _WINDOW_FRAMES, BANDS, 1), np.float32)
        self.frames: FloatArray = np.ones((BATCH * CHUNK_FRAMES, BANDS), np.float32)
        self.vectors: FloatArray = np.zeros((BATCH, EMBEDDING_SIZE), np.float32)
        self._vector: FloatArray = np.zeros((1, 1, 1, EMBEDDING_SIZE), np.float32)
        self._run = network.bind(self._window, self._vector)

    def step(self, count: int = 1) -> None:
        """See Embedding."""
        window = self._window[0, :, :, 0]
        for frames, vector in zip(np.split(self.frames, BATCH), self.vectors[:count], strict=False):
            window[:-CHUNK_FRAMES] = window[CHUNK_FRAMES:]
            window[-CHUNK_FRAMES:] = frames
            self._run()
            vector[:] = self._vector[0, 0, 0]

    def reset(self) -> None:
        """See Embedding."""
        self._window[:] = 1.0


class StreamingEmbedding:
    """Computes each embedding from 8 new frames and the state of the layers: a fifth of the work (see streaming.py)."""

    def __init__(self, model: Graph) -> None:
        """Raise NotStreamableError."""
        self._model = StreamingNetwork(model)
        self.frames, self.vectors = self._model.frames, self._model.vectors
        if (self.frames.shape, self.vectors.shape) != ((BATCH * CHUNK_FRAMES, BANDS), (BATCH, EMBEDDING_SIZE)):
            raise NotStreamableError(f"it takes {self.frames.shape} and gives {self.vectors.shape}")
        self.step = self._model.step
        self.frames[:] = 1.0
        for _ in range(_STEPS_TO_FORGET):
            self.step()
        self._start = [state.copy() for state in self._model.state]

    def reset(self) -> None:
        """See Embedding."""
        for state, start in zip(self._model.state, self._start, strict=True):
            state[:] = start
