"""Reads the convolutional layers of the embedding model, and refuses a model that cannot be computed as a stream."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from device.kit.protobuf import MalformedError
from device.wake.networks.network import FloatArray
from device.wake.networks.onnxfile import Graph, Node

STEP_ROWS = 8
"""New mel frames per step (80 ms). The model's stride in time must divide it: else windows would share no rows."""


class NotStreamableError(Exception):
    """The model cannot be computed as a stream; the message says why."""


@dataclass(frozen=True, slots=True)
class ConvolutionLayer:
    """A convolution, then leaky ReLU, lower bound and max pooling (each optional, in this order).

    Rows are steps in time, bands are frequencies. `rows` and `bands` are the size of its input in one step.
    """

    rows: int
    bands: int
    weights: FloatArray
    """The kernels: output channels x input channels x rows x bands."""
    bias: FloatArray
    pad: int
    """Bands of zeros added on each side."""
    slope: float = 1.0
    """Of the leaky ReLU for negative numbers, 0 to 1."""
    floor: float = -np.inf
    """Smaller numbers are raised to it."""
    pool: tuple[int, int] = (1, 1)
    """Rows and bands of the max pooling."""

    @property
    def convolved_bands(self) -> int:
        """The bands of the convolution's output, before pooling."""
        return self.bands + 2 * self.pad - int(self.weights.shape[3]) + 1

    def output_size(self) -> tuple[int, int, int]:
        """Return rows, bands and channels after pooling."""
        return self.rows // self.pool[0], self.convolved_bands // self.pool[1], len(self.weights)


def read_convolutions(graph: Graph) -> list[ConvolutionLayer]:
    """Follow the graph from its input to its output. Raise NotStreamableError."""
    try:
        [(last, shape)] = graph.inputs.items()
        layers: list[ConvolutionLayer] = []
        for node in graph.nodes:
            if node.inputs[0] != last:
                raise NotStreamableError(f"{node.operation} does not take the output of the operation before it")
            last = node.outputs[0]
            size = layers[-1].output_size() if layers else (STEP_ROWS, shape[2] or 0, 1)
            if node.operation == "Conv":
                layers.append(_convolution(node, graph, *size))
            elif node.operation != "Reshape":
                layers[-1] = _followed_by(layers[-1], node, graph)
            elif layers and size[:2] != (1, 1):
                # At the start it turns frames into rows, at the end it only renames the axes: both keep the order.
                raise NotStreamableError("Reshape changes the order of the numbers")
        if layers[-1].output_size()[:2] != (1, 1) or last not in graph.outputs:
            raise NotStreamableError("8 frames do not lead to one embedding")
    except (MalformedError, LookupError, TypeError, ValueError) as error:
        raise NotStreamableError(f"its graph is not the one expected ({error})") from error
    return layers


def _convolution(node: Node, graph: Graph, rows: int, bands: int, channels: int) -> ConvolutionLayer:
    if set(node.integers("strides") + node.integers("dilations") + node.integers("group")) - {1}:
        raise NotStreamableError("a convolution has strides, dilations or groups")
    weights, *bias = (graph.tensors[name] for name in node.inputs[1:])
    if weights.ndim != 4 or weights.shape[1] != channels:
        raise NotStreamableError("the kernels of a convolution do not fit the number of its input channels")
    outputs = len(weights)
    if bias and bias[0].shape != (outputs,):
        raise NotStreamableError("a convolution's bias has another length than its output")
    return ConvolutionLayer(rows, bands, weights, bias[0] if bias else np.zeros(outputs, np.float32), _padding(node))


def _followed_by(layer: ConvolutionLayer, node: Node, graph: Graph) -> ConvolutionLayer:
    """Add an operation to the layer; refuse one that is not in the fixed order of a layer's operations."""
    activated, limited, pooled = layer.slope != 1.0, layer.floor != -np.inf, layer.pool != (1, 1)
    match node.operation:
        case "LeakyRelu" if not (activated or limited or pooled) and 0 <= node.number("alpha", 0.01) < 1:
            return replace(layer, slope=node.number("alpha", 0.01))
        case "Max" if not (limited or pooled) and len(node.inputs) == 2:
            return replace(layer, floor=float(graph.tensors[node.inputs[1]].item()))
        case "MaxPool" if not pooled:
            return replace(layer, pool=_pool(node, layer))
    raise NotStreamableError(f"{node.operation} is not known to work row by row in this place")


def _pool(node: Node, layer: ConvolutionLayer) -> tuple[int, int]:
    """Return rows and bands of a max pooling; refuse one whose kernels overlap or do not begin with the step.

    A step adds `layer.rows` rows. The kernels of every step begin at its first row when their height divides that
    number.
    """
    height, width = node.integers("kernel_shape")
    unusual = _padding(node) or node.integers("ceil_mode", (0,)) != (0,) or set(node.integers("dilations")) - {1}
    if unusual or node.integers("strides", (1, 1)) != (height, width) or layer.rows % height:
        raise NotStreamableError("a pooling does not fit into steps of 8 frames")
    return height, width


def _padding(node: Node) -> int:
    """Return how many bands of zeros are added on each side; refuse padding in time, which a stream cannot have."""
    top, left, bottom, right = node.integers("pads", (0, 0, 0, 0))
    if top or bottom or left != right or node.string("auto_pad") not in ("", "NOTSET"):
        raise NotStreamableError("a layer pads in time")
    return left
