"""Computes the embedding of the newest 76 mel frames: 96 numbers, the input of the word models."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from device.wake.networks.convolutions import NotStreamableError
from device.wake.networks.network import FloatArray, Network
from device.wake.networks.onnxfile import Graph
from device.wake.networks.streaming import StreamingNetwork
from device.wake.openwakeword.mel import BANDS, CHUNK_FRAMES

EMBEDDING_SIZE = 96
_WINDOW_FRAMES = 76
# After as many steps as fit into the window, nothing of the frames before them is left.
_STEPS_TO_FORGET = -(-_WINDOW_FRAMES // CHUNK_FRAMES)


class Embedding(Protocol):
    """Computes embeddings step by step. Before the first frame all frames are ones, as in openWakeWord."""

    frames: FloatArray
    """Put the next 8 frames here (8 x 32)."""
    vector: FloatArray
    """The newest embedding (96)."""

    def step(self) -> None:
        """Compute `vector` from `frames` and the frames before them."""

    def reset(self) -> None:
        """Forget all frames."""


class WindowedEmbedding:
    """Computes each embedding from all 76 frames, with any model that has this input."""

    def __init__(self, network: Network) -> None:
        """Raise ConfigError."""
        self._window: FloatArray = np.ones((1, _WINDOW_FRAMES, BANDS, 1), np.float32)
        self.frames: FloatArray = np.ones((CHUNK_FRAMES, BANDS), np.float32)
        self.vector: FloatArray = np.zeros(EMBEDDING_SIZE, np.float32)
        self._run = network.bind(self._window, self.vector.reshape(1, 1, 1, -1))

    def step(self) -> None:
        """See Embedding."""
        window = self._window[0, :, :, 0]
        window[:-CHUNK_FRAMES] = window[CHUNK_FRAMES:]
        window[-CHUNK_FRAMES:] = self.frames
        self._run()

    def reset(self) -> None:
        """See Embedding."""
        self._window[:] = 1.0


class StreamingEmbedding:
    """Computes each embedding from 8 new frames and the state of the layers: a fifth of the work (see streaming.py)."""

    def __init__(self, model: Graph) -> None:
        """Raise NotStreamableError."""
        self._model = StreamingNetwork(model)
        self.frames, self.vector = self._model.frames, self._model.vector
        if (self.frames.shape, self.vector.shape) != ((CHUNK_FRAMES, BANDS), (EMBEDDING_SIZE,)):
            raise NotStreamableError(f"it takes {self.frames.shape} and gives {self.vector.shape}")
        self.step = self._model.step
        self.frames[:] = 1.0
        for _ in range(_STEPS_TO_FORGET):
            self.step()
        self._start = [state.copy() for state in self._model.state]

    def reset(self) -> None:
        """See Embedding."""
        for state, start in zip(self._model.state, self._start, strict=True):
            state[:] = start
