"""openWakeWord's word models in numpy: layers in which everything depends on everything.

Every model of the wheel is of this kind, and those that people train with openWakeWord's own script are. Others are
refused; the library `onnxruntime` runs them (see network.py), at the price of 30 MB.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from device.wake import onnxfile
from device.wake.network import FloatArray, shape_size
from device.wake.onnxfile import Graph, Node
from device.wake.protobuf import MalformedError

_Layer = Callable[[FloatArray, FloatArray], FloatArray]
"""Takes what the layer before has made, and what the network was given."""

# How exporters spell a layer that is normalised: x - mean, over the root of the variance, times and plus constants.
_NORMALISED = ("Gemm", "ReduceMean", "Sub", "Pow", "ReduceMean", "Add", "Sqrt", "Div", "Mul", "Add")
# Above a score another set of layers, which is given the same, has the last word.
_SECOND_OPINION = ("GreaterOrEqual", "Cast", "If")


class NotDenseError(Exception):
    """This model is of another kind: the message says why."""


class DenseNetwork:
    """A word's model; offers what `network.Network` does."""

    def __init__(self, path: Path) -> None:
        """Load `path`. Raise NotDenseError."""
        self.path = path
        try:
            graph = onnxfile.read_model(path.read_bytes())
            [(source, self.input_shape)] = graph.inputs.items()
            [(self.output_name, self.output_shape)] = graph.outputs.items()
            self._layers = _read(graph, graph.tensors, source)
            self._try()
        except (MalformedError, LookupError, TypeError, ValueError, OSError) as error:
            raise NotDenseError(str(error)) from error

    def _try(self) -> None:
        """Raise ValueError when the layers do not fit together."""
        made = _compute(self._layers, np.zeros(shape_size(self.input_shape), np.float32))
        _demand(made.size == shape_size(self.output_shape), "the result has another shape than it should")

    def bind(self, source: FloatArray, target: FloatArray) -> Callable[[], None]:
        """Return a function that computes `target` from what `source` holds at that moment. As `Network.bind`."""
        given, made, layers = source.reshape(-1), target.reshape(-1), self._layers

        def run() -> None:
            made[:] = _compute(layers, given)

        return run


def _compute(layers: Sequence[_Layer], given: FloatArray) -> FloatArray:
    numbers = given
    for layer in layers:
        numbers = layer(numbers, given)
    return numbers


def _read(graph: Graph, outer: dict[str, FloatArray], source: str) -> list[_Layer]:
    """Follow the graph from `source` to its output. Raise NotDenseError, MalformedError or LookupError."""
    constants = {node.outputs[0]: node.tensor("value") for node in graph.nodes if node.operation == "Constant"}
    tensors = outer | graph.tensors | constants
    nodes = [node for node in graph.nodes if node.operation != "Constant"]
    layers: list[_Layer] = []
    last = source
    while nodes:
        count = next((len(kind) for kind in (_NORMALISED, _SECOND_OPINION) if _begins(nodes, kind)), 1)
        taken, nodes = nodes[:count], nodes[count:]
        if taken[0].inputs[0] != last:
            raise NotDenseError(f"{taken[0].operation} does not take what stands before it")
        layers.append(_LAYERS[taken[0].operation](taken, tensors, source))
        last = taken[-1].outputs[0]
    if last not in graph.outputs:
        raise NotDenseError("the last operation does not give the result")
    return layers


def _begins(nodes: Sequence[Node], kind: Sequence[str]) -> bool:
    return [node.operation for node in nodes[: len(kind)]] == list(kind)


def _flatten(nodes: Sequence[Node], tensors: dict[str, FloatArray], source: str) -> _Layer:
    _demand(nodes[0].integers("axis", (1,)) == (1,), "Flatten keeps several axes")
    return lambda x, _: x


def _product(nodes: Sequence[Node], tensors: dict[str, FloatArray], source: str) -> _Layer:
    if len(nodes) > 1:
        return _centred_product(nodes, tensors)
    weights, bias = _factors(nodes[0], tensors)

    def multiply(x: FloatArray, _: FloatArray) -> FloatArray:
        made: FloatArray = weights.dot(x)
        made += bias
        return made

    return multiply


def _factors(node: Node, tensors: dict[str, FloatArray]) -> tuple[FloatArray, FloatArray]:
    weights, bias = (tensors[name] for name in node.inputs[1:])
    is_plain = node.integers("transA", (0,)) == (0,) and node.number("alpha", 1) == node.number("beta", 1) == 1
    _demand(is_plain and weights.ndim == 2, "Gemm scales or turns what it takes")
    if node.integers("transB", (0,)) == (0,):
        weights = np.ascontiguousarray(weights.T)
    _demand(bias.shape == weights.shape[:1], "Gemm adds another shape")
    return weights, bias


def _centred_product(nodes: Sequence[Node], tensors: dict[str, FloatArray]) -> _Layer:
    """Multiply and normalise. The mean is taken off the factors, once, instead of off every result."""
    weights, bias = _factors(nodes[0], tensors)
    weights, bias = weights - weights.mean(axis=0), bias - bias.mean()
    times, plus, least = _normalisation(nodes[1:], tensors)
    _demand(nodes[1].inputs == nodes[0].outputs, "something else is normalised than what stands before it")
    _demand(times.shape == plus.shape == bias.shape, "a normalisation has another shape than what it takes")
    share = 1 / times.size

    def multiply(x: FloatArray, _: FloatArray) -> FloatArray:
        made: FloatArray = weights.dot(x)
        made += bias
        made *= np.float32(1 / math.sqrt(made.dot(made) * share + least))
        made *= times
        made += plus
        return made

    return multiply


def _normalisation(nodes: Sequence[Node], tensors: dict[str, FloatArray]) -> tuple[FloatArray, FloatArray, float]:
    """Return what the normalised is multiplied by, what is added, and what to the variance."""
    mean, centred, squared, variance, added, root, quotient, scaled, _ = (node.outputs[0] for node in nodes)
    given = nodes[0].inputs[0]
    power, epsilon, scale, offset = (nodes[at].inputs[-1] for at in (2, 4, 7, 8))
    wired = [[given], [given, mean], [centred, power], [squared], [variance, epsilon], [added], [centred, root]]
    wired += [[quotient, scale], [scaled, offset]]
    _demand([node.inputs for node in nodes] == wired, "a normalisation is put together otherwise")
    over_all = all(node.integers("axes") == (-1,) for node in (nodes[0], nodes[3]))
    _demand(over_all and tensors[power].item() == 2, "a normalisation is of another kind")
    return tensors[scale], tensors[offset], tensors[epsilon].item()


def _second_opinion(nodes: Sequence[Node], tensors: dict[str, FloatArray], source: str) -> _Layer:
    _demand(_begins(nodes, _SECOND_OPINION), "GreaterOrEqual stands alone")
    compare, cast, choose = nodes
    first, limit = compare.inputs
    other, same = choose.graph("then_branch"), choose.graph("else_branch")
    is_wired = cast.inputs == compare.outputs and choose.inputs == cast.outputs
    keeps = [(node.operation, node.inputs, *node.outputs) for node in same.nodes]
    _demand(is_wired and keeps == [("Identity", [first], *same.outputs)], "If is put together otherwise")
    layers, threshold = _read(other, tensors, source), tensors[limit].item()
    return lambda x, given: _compute(layers, given) if x[0] >= threshold else x


def _softmax(nodes: Sequence[Node], tensors: dict[str, FloatArray], source: str) -> _Layer:
    _demand(nodes[0].integers("axis", (-1,)) in ((-1,), (1,)), "Softmax is over another axis")

    def softmax(x: FloatArray, _: FloatArray) -> FloatArray:
        powers = np.exp(x - x.max())
        made: FloatArray = powers / powers.sum()
        return made

    return softmax


def _relu(nodes: Sequence[Node], tensors: dict[str, FloatArray], source: str) -> _Layer:
    nothing = np.float32(0)
    return lambda x, _: np.maximum(x, nothing)


def _sigmoid(nodes: Sequence[Node], tensors: dict[str, FloatArray], source: str) -> _Layer:
    # 1 / (1 + exp -x), without what overflows.
    return lambda x, _: np.array([0.5 + 0.5 * math.tanh(0.5 * number) for number in x.tolist()], np.float32)


def _demand(condition: bool, problem: str) -> None:
    if not condition:
        raise NotDenseError(problem)


_LAYERS = {
    "Flatten": _flatten,
    "Gemm": _product,
    "Relu": _relu,
    "Sigmoid": _sigmoid,
    "Softmax": _softmax,
    "GreaterOrEqual": _second_opinion,
}
