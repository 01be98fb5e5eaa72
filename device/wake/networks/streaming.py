"""The embedding model as a stream, in numpy: the model was made to see a whole window at once.

It is a chain of convolutions without padding in time, so what two overlapping windows have in common gives the same
numbers in both. Here every convolution that sees several rows keeps the last rows of its input (11 of them, 38 kB, in
openWakeWord's model) and is given only the new ones. What comes out is what the window that ends with the newest frame
would give.

Each layer is one product of matrices that fit into the caches. Measured on x86-64 with numpy 2.4 and one thread, a step
takes 195 us in a loop, 130 of them in the products, and the same graph in onnxruntime 147. In the daemon, where a step
comes every 80 ms and finds nothing in the caches, numpy takes no longer, and the whole process less (2.1 % of a core
instead of 2.5 while somebody talks), without the library's 29 MB.
"""

from __future__ import annotations

import itertools

import numpy as np
from numpy.lib.stride_tricks import as_strided

from device.wake.networks.layers import Layer, read_layers
from device.wake.networks.network import FloatArray
from device.wake.networks.onnxfile import Graph


class StreamingModel:
    """Takes 8 frames and gives what the model gives for the window that they end, once it has seen so many frames."""

    def __init__(self, model: Graph) -> None:
        """Raise NotStreamableError."""
        self._stages = [_Stage(layer) for layer in read_layers(model)]
        for stage, follower in itertools.pairwise(self._stages):
            stage.lead_to(follower)
        self.frames: FloatArray = self._stages[0].entry[:, :, 0]
        """Put the next frames here (8 x bands), before each step."""
        self.vector: FloatArray = self._stages[-1].made[0]
        """What came of them."""

    @property
    def state(self) -> list[FloatArray]:
        """What each step hands to the next: to be copied, or written to."""
        return [stage.kept for stage in self._stages if stage.kept.size]

    def step(self) -> None:
        """Take the frames and renew the vector."""
        for stage in self._stages:
            stage.run()


class _Stage:
    """A layer at work, always in the same memory."""

    def __init__(self, layer: Layer) -> None:
        channels, given, tall, wide = layer.weights.shape
        rows, bands = layer.rows, layer.bands_made
        source = np.zeros((tall - 1 + rows, layer.bands + 2 * layer.pad, given), np.float32)
        self.entry: FloatArray = source[tall - 1 :, layer.pad : layer.pad + layer.bands]
        """Rows x bands x channels: what one step brings."""
        self.kept: FloatArray = source[: tall - 1]
        """The rows before them."""
        self._newest = source[rows:]
        # In each row side by side the numbers that one column of the result depends on; then a one, for the bias.
        size = tall * wide * given
        self._factors = np.ones((rows * bands, size + 1), np.float32)
        down, across, deep = source.strides
        line = self._factors.strides[0]
        shape = (rows, bands, tall, wide * given)
        self._seen = as_strided(source, shape, (down, across, down, deep), writeable=False)
        self._laid_out = as_strided(self._factors, shape, (bands * line, line, wide * given * deep, deep))
        weights = layer.weights.transpose(2, 3, 1, 0).reshape(size, channels)
        self._weights = np.concatenate([weights, layer.bias[None]])
        self.made: FloatArray = np.zeros((rows * bands, channels), np.float32)
        """The result: (rows x bands) x channels."""
        self._exit: FloatArray | None = None
        self._prepare_bend(layer)

    def _prepare_bend(self, layer: Layer) -> None:
        """Of neighbours the largest, then slope and floor.

        The model pools last. It comes to the same, since slope and floor keep the order of numbers, and is less work.
        """
        rows, bands, channels = layer.made()
        tall, wide = layer.pool
        parted = self.made.reshape(rows, tall, layer.bands_made, channels)[:, :, : bands * wide]
        parted = parted.reshape(rows, tall, bands, wide, channels)
        neighbours = [parted[:, row, :, band] for row in range(tall) for band in range(wide)]
        self._largest = neighbours[0] if len(neighbours) == 1 else neighbours[0].copy()
        self._pairs = list(zip([neighbours[0], *[self._largest] * (tall * wide)], neighbours[1:], strict=False))
        self._bent = np.empty(self._largest.shape, np.float32)
        self._slope = np.array(layer.slope, np.float32)
        # numpy compares two arrays three times as fast as an array and a number.
        self._floor = np.full(self._bent.shape, layer.floor, np.float32)

    def lead_to(self, follower: _Stage) -> None:
        """Put the numbers where the next layer takes them; those of the last layer stay in `made`."""
        self._exit = follower.entry

    def run(self) -> None:
        """Take what is in `entry`."""
        np.copyto(self._laid_out, self._seen)
        np.matmul(self._factors, self._weights, out=self.made)
        if self.kept.size:
            self.kept[...] = self._newest
        if self._exit is None:
            return
        for one, other in self._pairs:
            np.maximum(one, other, out=self._largest)
        np.multiply(self._largest, self._slope, out=self._bent)
        np.maximum(self._bent, self._floor, out=self._bent)
        np.maximum(self._largest, self._bent, out=self._exit)
