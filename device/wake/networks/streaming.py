"""Computes openWakeWord's embedding model as a stream, in numpy.

The model was made to compute a whole window (76 mel frames) at once. It is a chain of convolutions without padding in
time, so the part that two overlapping windows share gives the same activations in both. Here every convolution whose
kernel spans several rows keeps the last rows of its input (11 convolutions, 38 kB, in openWakeWord's model) and takes
only the new rows. The result is the one for the window that ends with the newest frame.

Each layer is one product of matrices that fit into the CPU caches. Measured on x86-64 with numpy 2.4 and one thread: a
step takes 195 us in a loop (130 of them in the products); the same graph in onnxruntime takes 147 us. In the daemon a
step comes every 80 ms, when the caches hold other data. There numpy is as fast as onnxruntime, and the whole process
uses less CPU (2.1 instead of 2.5 % of a core while somebody talks) and saves the library's 29 MB. Steps that come
together are computed together, because fetching weights and code into the caches is most of the cost at that pace:
510 us a step, 330 with two together, 245 with four.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
from numpy.lib.stride_tricks import as_strided

from device.wake.networks.convolutions import ConvolutionLayer, read_convolutions
from device.wake.networks.network import FloatArray
from device.wake.networks.onnxfile import Graph

BATCH = 4
"""The most steps computed together. At the pace of a daemon two cost 1.3 times what one does, and four 1.9 times."""


class StreamingNetwork:
    """Takes 8 frames a step and gives the model's output for the window that ends with them, once it has seen 76.

    Several steps can be computed together: each layer's weights are then fetched only once.
    """

    def __init__(self, model: Graph) -> None:
        """Raise NotStreamableError."""
        patches: dict[tuple[int, int], FloatArray] = {}
        self._stages = [_Stage(layer, patches) for layer in read_convolutions(model)]
        for stage, follower in itertools.pairwise(self._stages):
            stage.connect(follower)
        self.frames: FloatArray = self._stages[0].new_rows[:, :, 0]
        """Put the next frames here (8 x bands for each of at most BATCH steps, from the first row on)."""
        self.vectors: FloatArray = self._stages[-1].convolved
        """The model's outputs after the latest steps, BATCH rows; those of `step(count)` are the first `count`."""

    @property
    def state(self) -> list[FloatArray]:
        """The rows that each layer keeps between steps: they may be copied, or written to."""
        return [stage.kept for stage in self._stages if stage.kept.size]

    def step(self, count: int = 1) -> None:
        """Compute the first `count` rows of `vectors` from as many steps of `frames`."""
        for stage in self._stages:
            stage.run(count)


class _Stage:
    """Computes one layer in buffers that are allocated once, for BATCH steps at most."""

    def __init__(self, layer: ConvolutionLayer, patches: dict[tuple[int, int], FloatArray]) -> None:
        """`patches`: what other stages unroll into; nothing of it is needed after a run, so equal sizes share it."""
        channels, inputs, height, width = layer.weights.shape
        self._layer, self._size = layer, height * width * inputs
        rows = BATCH * layer.rows
        self._source: FloatArray = np.zeros((height - 1 + rows, layer.bands + 2 * layer.pad, inputs), np.float32)
        self.new_rows: FloatArray = self._source[height - 1 :, layer.pad : layer.pad + layer.bands]
        """The input: rows x bands x channels."""
        self.kept: FloatArray = self._source[: height - 1]
        """The rows before them."""
        # Each row holds the inputs under the kernel in one place, then a one, which the bias is multiplied by.
        shape = (rows * layer.convolved_bands, self._size + 1)
        self._patches = patches.setdefault(shape, np.ones(shape, np.float32))
        weights = layer.weights.transpose(2, 3, 1, 0).reshape(self._size, channels)
        self._weights = np.concatenate([weights, layer.bias[None]])
        self.convolved: FloatArray = np.zeros((len(self._patches), channels), np.float32)
        """The output of the convolution: (rows x bands) x channels."""
        self._target: FloatArray | None = None
        self._runs: dict[int, Callable[[], None]] = {}

    def connect(self, follower: _Stage) -> None:
        """Write the output into the next layer's input; the last layer's output stays in `convolved`."""
        self._target = follower.new_rows

    def run(self, count: int) -> None:
        """Compute the output of `count` steps from `new_rows` and the kept rows."""
        run = self._runs.get(count)
        if run is None:
            run = self._runs[count] = self._prepare(count)
        run()

    def _prepare(self, count: int) -> Callable[[], None]:
        """Return what computes `count` steps."""
        convolve = self._prepare_convolution(count)
        if self._target is None:
            return convolve
        activate = self._prepare_activation(count, self._target)

        def run() -> None:
            convolve()
            activate()

        return run

    def _prepare_convolution(self, count: int) -> Callable[[], None]:
        """Prepare the convolution as one matrix product ("im2col")."""
        _, inputs, height, width = self._layer.weights.shape
        rows, bands = count * self._layer.rows, self._layer.convolved_bands
        patches = self._patches[: rows * bands]
        row_stride, band_stride, channel_stride = self._source.strides
        line = patches.strides[0]
        shape = (rows, bands, height, width * inputs)
        steps = (row_stride, band_stride, row_stride, channel_stride)
        windows = as_strided(self._source, shape, steps, writeable=False)
        steps = (bands * line, line, width * inputs * channel_stride, channel_stride)
        unrolled = as_strided(patches, shape, steps)
        weights, convolved = self._weights, self.convolved[: rows * bands]
        kept, newest = self.kept, self._source[rows : rows + height - 1]

        def convolve() -> None:
            np.copyto(unrolled, windows)
            np.matmul(patches, weights, out=convolved)
            if kept.size:
                kept[...] = newest

        return convolve

    def _prepare_activation(self, count: int, target: FloatArray) -> Callable[[], None]:
        """Prepare the max pooling, then the leaky ReLU and the lower bound.

        The model pools last. The result is the same, since the other two are monotonic, and it is less work.
        """
        layer = self._layer
        (rows, bands, channels), (height, width) = layer.output_size(), layer.pool
        rows *= count
        convolved = self.convolved[: rows * height * layer.convolved_bands]
        blocks = convolved.reshape(rows, height, layer.convolved_bands, channels)[:, :, : bands * width]
        blocks = blocks.reshape(rows, height, bands, width, channels)
        neighbours = [blocks[:, row, :, band] for row in range(height) for band in range(width)]
        largest = neighbours[0] if len(neighbours) == 1 else neighbours[0].copy()
        pairs = list(zip([neighbours[0], *[largest] * (height * width)], neighbours[1:], strict=False))
        activated = np.empty(largest.shape, np.float32)
        slope = np.array(layer.slope, np.float32)
        # numpy compares two arrays three times as fast as an array and a number.
        floor = np.full(activated.shape, layer.floor, np.float32)
        target = target[:rows]

        def activate() -> None:
            for one, other in pairs:
                np.maximum(one, other, out=largest)
            np.multiply(largest, slope, out=activated)
            np.maximum(activated, floor, out=activated)
            np.maximum(largest, activated, out=target)

        return activate
