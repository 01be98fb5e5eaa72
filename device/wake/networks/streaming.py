"""Computes openWakeWord's embedding model as a stream, in numpy.

The model was made to compute a whole window (76 mel frames) at once. It is a chain of convolutions without padding in
time, so the part that two overlapping windows share gives the same activations in both. Here every convolution whose
kernel spans several rows keeps the last rows of its input (11 convolutions, 38 kB, in openWakeWord's model) and takes
only the new rows. The result is the one for the window that ends with the newest frame.

Each layer is one product of matrices that fit into the CPU caches. Measured on x86-64 with numpy 2.4 and one thread: a
step takes 195 us in a loop (130 of them in the products); the same graph in onnxruntime takes 147 us. In the daemon a
step comes every 80 ms, when the caches hold other data. There numpy is as fast as onnxruntime, and the whole process
uses less CPU (2.1 instead of 2.5 % of a core while somebody talks) and saves the library's 29 MB.
"""

from __future__ import annotations

import itertools

import numpy as np
from numpy.lib.stride_tricks import as_strided

from device.wake.networks.convolutions import ConvolutionLayer, read_convolutions
from device.wake.networks.network import FloatArray
from device.wake.networks.onnxfile import Graph


class StreamingNetwork:
    """Takes 8 frames a step and gives the model's output for the window that ends with them, once it has seen 76."""

    def __init__(self, model: Graph) -> None:
        """Raise NotStreamableError."""
        self._stages = [_Stage(layer) for layer in read_convolutions(model)]
        for stage, follower in itertools.pairwise(self._stages):
            stage.connect(follower)
        self.frames: FloatArray = self._stages[0].new_rows[:, :, 0]
        """Put the next frames here (8 x bands) before each step."""
        self.vector: FloatArray = self._stages[-1].convolved[0]
        """The model's output after the latest step."""

    @property
    def state(self) -> list[FloatArray]:
        """The rows that each layer keeps between steps: they may be copied, or written to."""
        return [stage.kept for stage in self._stages if stage.kept.size]

    def step(self) -> None:
        """Compute `vector` from `frames`."""
        for stage in self._stages:
            stage.run()


class _Stage:
    """Computes one layer in buffers that are allocated once."""

    def __init__(self, layer: ConvolutionLayer) -> None:
        channels, inputs, height, width = layer.weights.shape
        rows, bands = layer.rows, layer.convolved_bands
        source = np.zeros((height - 1 + rows, layer.bands + 2 * layer.pad, inputs), np.float32)
        self.new_rows: FloatArray = source[height - 1 :, layer.pad : layer.pad + layer.bands]
        """The input of one step: rows x bands x channels."""
        self.kept: FloatArray = source[: height - 1]
        """The rows before them."""
        self._newest = source[rows:]
        # The convolution as one matrix product ("im2col"): each row of `_patches` holds the inputs under the kernel in
        # one place, then a one, which the bias is multiplied by.
        size = height * width * inputs
        self._patches = np.ones((rows * bands, size + 1), np.float32)
        row_stride, band_stride, channel_stride = source.strides
        line = self._patches.strides[0]
        shape = (rows, bands, height, width * inputs)
        steps = (row_stride, band_stride, row_stride, channel_stride)
        self._windows = as_strided(source, shape, steps, writeable=False)
        steps = (bands * line, line, width * inputs * channel_stride, channel_stride)
        self._unrolled = as_strided(self._patches, shape, steps)
        weights = layer.weights.transpose(2, 3, 1, 0).reshape(size, channels)
        self._weights = np.concatenate([weights, layer.bias[None]])
        self.convolved: FloatArray = np.zeros((rows * bands, channels), np.float32)
        """The output of the convolution: (rows x bands) x channels."""
        self._target: FloatArray | None = None
        self._prepare_activation(layer)

    def _prepare_activation(self, layer: ConvolutionLayer) -> None:
        """Prepare the max pooling, then the leaky ReLU and the lower bound.

        The model pools last. The result is the same, since the other two are monotonic, and it is less work.
        """
        rows, bands, channels = layer.output_size()
        height, width = layer.pool
        blocks = self.convolved.reshape(rows, height, layer.convolved_bands, channels)[:, :, : bands * width]
        blocks = blocks.reshape(rows, height, bands, width, channels)
        neighbours = [blocks[:, row, :, band] for row in range(height) for band in range(width)]
        self._largest = neighbours[0] if len(neighbours) == 1 else neighbours[0].copy()
        self._pairs = list(zip([neighbours[0], *[self._largest] * (height * width)], neighbours[1:], strict=False))
        self._activated = np.empty(self._largest.shape, np.float32)
        self._slope = np.array(layer.slope, np.float32)
        # numpy compares two arrays three times as fast as an array and a number.
        self._floor = np.full(self._activated.shape, layer.floor, np.float32)

    def connect(self, follower: _Stage) -> None:
        """Write the output into the next layer's input; the last layer's output stays in `convolved`."""
        self._target = follower.new_rows

    def run(self) -> None:
        """Compute the output from `new_rows` and the kept rows."""
        np.copyto(self._unrolled, self._windows)
        np.matmul(self._patches, self._weights, out=self.convolved)
        if self.kept.size:
            self.kept[...] = self._newest
        if self._target is None:
            return
        for one, other in self._pairs:
            np.maximum(one, other, out=self._largest)
        np.multiply(self._largest, self._slope, out=self._activated)
        np.maximum(self._activated, self._floor, out=self._activated)
        np.maximum(self._largest, self._activated, out=self._target)
