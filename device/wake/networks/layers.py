"""Reads the layers of the embedding model, and refuses a model that cannot be computed as a stream."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from device.wake.networks.network import FloatArray
from device.wake.networks.onnxfile import Graph, Node
from device.wake.networks.protobuf import MalformedError

STEP_ROWS = 8
"""New mel frames in a step: 80 ms. The model's stride in time must divide it, or windows would not share rows."""


class NotStreamableError(Exception):
    """This model cannot be computed as a stream: the message says why."""


@dataclass(frozen=True, slots=True)
class Layer:
    """A convolution and what follows it, in this order. `rows` and `bands` are what one step gives it."""

    rows: int
    bands: int
    weights: FloatArray
    """Channels out x channels in x rows x bands."""
    bias: FloatArray
    pad: int
    """Bands of zeros on each side."""
    slope: float = 1.0
    """What is below zero is multiplied by it: 0 to 1."""
    floor: float = -np.inf
    pool: tuple[int, int] = (1, 1)
    """Of so many rows and bands the largest number is taken."""

    @property
    def bands_made(self) -> int:
        """By the convolution."""
        return self.bands + 2 * self.pad - int(self.weights.shape[3]) + 1

    def made(self) -> tuple[int, int, int]:
        """Return rows, bands and channels behind the pooling."""
        return self.rows // self.pool[0], self.bands_made // self.pool[1], len(self.weights)


def read_layers(graph: Graph) -> list[Layer]:
    """Follow the graph from its input to its output. Raise NotStreamableError."""
    try:
        [(last, shape)] = graph.inputs.items()
        layers: list[Layer] = []
        for node in graph.nodes:
            if node.inputs[0] != last:
                raise NotStreamableError(f"{node.operation} does not take what stands before it")
            last = node.outputs[0]
            given = layers[-1].made() if layers else (STEP_ROWS, shape[2] or 0, 1)
            if node.operation == "Conv":
                layers.append(_convolution(node, graph, *given))
            elif node.operation != "Reshape":
                layers[-1] = _followed_by(layers[-1], node, graph)
            elif layers and given[:2] != (1, 1):
                # At the start it turns frames into rows, at the end it only renames the axes.
                raise NotStreamableError("the numbers are put in another order")
        if layers[-1].made()[:2] != (1, 1) or last not in graph.outputs:
            raise NotStreamableError("8 frames do not lead to one embedding")
    except (MalformedError, LookupError, TypeError, ValueError) as error:
        raise NotStreamableError(f"it is put together in another way ({error})") from error
    return layers


def _convolution(node: Node, graph: Graph, rows: int, bands: int, channels: int) -> Layer:
    if set(node.integers("strides") + node.integers("dilations") + node.integers("group")) - {1}:
        raise NotStreamableError("a convolution has strides, dilations or groups")
    weights, *bias = (graph.tensors[name] for name in node.inputs[1:])
    if weights.ndim != 4 or weights.shape[1] != channels:
        raise NotStreamableError("a convolution takes other channels than there are")
    made = len(weights)
    if bias and bias[0].shape != (made,):
        raise NotStreamableError("a convolution's bias has another length than its output")
    return Layer(rows, bands, weights, bias[0] if bias else np.zeros(made, np.float32), _padding(node))


def _followed_by(layer: Layer, node: Node, graph: Graph) -> Layer:
    """Add an operation to a convolution; refuse one that comes too late, since their order is fixed."""
    bent, limited, pooled = layer.slope != 1.0, layer.floor != -np.inf, layer.pool != (1, 1)
    match node.operation:
        case "LeakyRelu" if not (bent or limited or pooled) and 0 <= node.number("alpha", 0.01) < 1:
            return replace(layer, slope=node.number("alpha", 0.01))
        case "Max" if not (limited or pooled) and len(node.inputs) == 2:
            return replace(layer, floor=float(graph.tensors[node.inputs[1]].item()))
        case "MaxPool" if not pooled:
            return replace(layer, pool=_pool(node, layer))
    raise NotStreamableError(f"{node.operation} is not known to work row by row where it stands")


def _pool(node: Node, layer: Layer) -> tuple[int, int]:
    """Refuse a pooling whose windows would overlap, or would not begin with the step.

    Windows overlap by whole steps of 8 frames and each begins at row 0 of every layer, so a layer's rows of one step
    begin at a multiple of their number: the pooling is in phase when its kernel divides that number.
    """
    tall, wide = node.integers("kernel_shape")
    odd = _padding(node) or node.integers("ceil_mode", (0,)) != (0,) or set(node.integers("dilations")) - {1}
    if odd or node.integers("strides", (1, 1)) != (tall, wide) or layer.rows % tall:
        raise NotStreamableError("a pooling does not fit into steps of 8 frames")
    return tall, wide


def _padding(node: Node) -> int:
    """Return how many bands are added on each side; refuse rows, which a stream does not have."""
    top, left, bottom, right = node.integers("pads", (0, 0, 0, 0))
    if top or bottom or left != right or node.string("auto_pad") not in ("", "NOTSET"):
        raise NotStreamableError("a layer pads in time")
    return left
