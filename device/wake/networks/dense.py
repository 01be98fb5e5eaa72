"""openWakeWord's word models in numpy: layers in which everything depends on everything.

Every model of the wheel is of this kind, and those that people train with openWakeWord's own script are, whichever
version of PyTorch has written them: 1.13 spells a normalisation out and says Flatten, 2.x says LayerNormalization, its
newer exporter says Reshape, and other tools say MatMul and Add for a product. Others are refused; the library
`onnxruntime` runs them (see network.py), at the price of 30 MB.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from device.wake.networks import onnxfile
from device.wake.networks.network import FloatArray, shape_size
from device.wake.networks.onnxfile import Graph, Node
from device.wake.networks.protobuf import MalformedError

_Layer = Callable[[FloatArray, FloatArray], FloatArray]
"""Takes what the layer before has made, and what the network was given: rows of one, so that shapes do not matter."""

# How exporters spell a normalisation: x - mean, over the root of the variance, times and plus constants.
_NORMALISED = ("ReduceMean", "Sub", "Pow", "ReduceMean", "Add", "Sqrt", "Div", "Mul", "Add")
# Above a score another set of layers, which is given the same, has the last word.
_SECOND_OPINION = ("GreaterOrEqual", "Cast", "If")
_FLOAT_KIND = 1


class NotDenseError(Exception):
    """This model is of another kind: the message says why."""


class DenseNetwork:
    """A word's model; offers what `network.Network` does."""

    def __init__(self, path: Path) -> None:
        """Load `path`. Raise NotDenseError."""
        self.path = path
        try:
            graph = onnxfile.read_model(path.read_bytes(), path.parent)
            [(source, self.input_shape)] = graph.inputs.items()
            [(self.output_name, self.output_shape)] = graph.outputs.items()
            self._layers = _read(graph, _Constants({}, {}), source)
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


@dataclass(frozen=True, slots=True)
class _Constants:
    """What is known before anything is heard, by name."""

    floats: dict[str, FloatArray]
    integers: dict[str, tuple[int, ...]]

    def of(self, graph: Graph) -> _Constants:
        """Return these and those of a graph. Raise MalformedError."""
        nodes = [node for node in graph.nodes if node.operation == "Constant"]
        whole = {node.outputs[0]: numbers for node in nodes if (numbers := node.whole_numbers("value")) is not None}
        floats = {node.outputs[0]: node.tensor("value") for node in nodes if node.outputs[0] not in whole}
        return _Constants(self.floats | graph.tensors | floats, self.integers | graph.integers | whole)


def _read(graph: Graph, outer: _Constants, source: str) -> list[_Layer]:
    """Follow the graph from `source` to its output. Raise NotDenseError, MalformedError or LookupError."""
    constants = outer.of(graph)
    nodes = [node for node in graph.nodes if node.operation != "Constant"]
    layers: list[_Layer] = []
    last = source
    while nodes:
        first = nodes[0]
        if first.inputs[0] != last:
            raise NotDenseError(f"{first.operation} does not take what stands before it")
        if first.operation not in _LAYERS:
            raise NotDenseError(f"it has the operation {first.operation}")
        layer, count = _LAYERS[first.operation](nodes, constants, source)
        layers.append(layer)
        last, nodes = nodes[count - 1].outputs[0], nodes[count:]
    if last not in graph.outputs:
        raise NotDenseError("the last operation does not give the result")
    return layers


def _begins(nodes: Sequence[Node], kind: Sequence[str]) -> bool:
    return [node.operation for node in nodes[: len(kind)]] == list(kind)


_Found = tuple[_Layer, int]
"""A layer, and how many operations it is put together from."""


def _flatten(nodes: Sequence[Node], constants: _Constants, source: str) -> _Found:
    _demand(nodes[0].integers("axis", (1,)) == (1,), "Flatten keeps several axes")
    return _same, 1


def _reshape(nodes: Sequence[Node], constants: _Constants, source: str) -> _Found:
    """Take a change of shape that makes one row, or one row of a table; -1 stands for the rest, 0 for what it was."""
    *rows, size = constants.integers[nodes[0].inputs[1]]
    _demand(rows in ([], [1], [0], [-1]) and size != 0, "Reshape keeps several axes")
    if size == -1:
        return _same, 1

    def check(x: FloatArray, _: FloatArray) -> FloatArray:
        _demand(x.size == size, "Reshape makes several rows")
        return x

    return check, 1


def _unchanged(nodes: Sequence[Node], constants: _Constants, source: str) -> _Found:
    return _same, 1


def _cast(nodes: Sequence[Node], constants: _Constants, source: str) -> _Found:
    _demand(nodes[0].integers("to") == (_FLOAT_KIND,), "Cast makes other numbers")
    return _same, 1


def _same(x: FloatArray, _: FloatArray) -> FloatArray:
    return x


def _product(nodes: Sequence[Node], constants: _Constants, source: str) -> _Found:
    """Multiply and, where that follows, normalise. The mean is taken off the factors, once, not off every result."""
    weights, bias, count = (_gemm if nodes[0].operation == "Gemm" else _matmul)(nodes, constants)
    rest = nodes[count:]
    if not (_begins(rest, _NORMALISED) or _begins(rest, ("LayerNormalization",))):
        return _multiplying(weights, bias), count
    times, plus, least, more = _normalisation(rest, nodes[count - 1].outputs[0], constants)
    _demand(times.shape == bias.shape, "a normalisation has another shape than what it takes")
    scale = _scaling(times, plus, least)
    multiply = _multiplying(weights - weights.mean(axis=0), bias - bias.mean())
    return lambda x, given: scale(multiply(x, given), given), count + more


def _multiplying(weights: FloatArray, bias: FloatArray) -> _Layer:
    def multiply(x: FloatArray, _: FloatArray) -> FloatArray:
        made: FloatArray = weights.dot(x)
        made += bias
        return made

    return multiply


def _scaling(times: FloatArray, plus: FloatArray, least: float) -> _Layer:
    """Return the rest of a normalisation, in place, of numbers whose mean is 0."""
    share = 1 / times.size

    def scale(x: FloatArray, _: FloatArray) -> FloatArray:
        x *= np.float32(1 / math.sqrt(x.dot(x) * share + least))
        x *= times
        x += plus
        return x

    return scale


def _gemm(nodes: Sequence[Node], constants: _Constants) -> tuple[FloatArray, FloatArray, int]:
    """Return factors (rows made x columns taken), what is added, and how many operations that is."""
    node = nodes[0]
    weights, bias = (constants.floats[name] for name in node.inputs[1:])
    is_plain = node.integers("transA", (0,)) == (0,) and node.number("alpha", 1) == node.number("beta", 1) == 1
    _demand(is_plain and weights.ndim == 2, "Gemm scales or turns what it takes")
    if node.integers("transB", (0,)) == (0,):
        weights = np.ascontiguousarray(weights.T)
    return weights, _one_row(bias, len(weights)), 1


def _matmul(nodes: Sequence[Node], constants: _Constants) -> tuple[FloatArray, FloatArray, int]:
    """Return the same of a product that is spelled as two operations, or as one when nothing is added."""
    product = nodes[0]
    weights = constants.floats[product.inputs[1]]
    _demand(weights.ndim == 2, "MatMul multiplies by something else than a table")
    weights = np.ascontiguousarray(weights.T)
    if not _begins(nodes, ("MatMul", "Add")):
        return weights, np.zeros(len(weights), np.float32), 1
    added = [name for name in nodes[1].inputs if name != product.outputs[0]]
    _demand(len(nodes[1].inputs) == 2 and len(added) == 1, "Add does not take what stands before it")
    return weights, _one_row(constants.floats[added[0]], len(weights)), 2


def _one_row(numbers: FloatArray, size: int) -> FloatArray:
    _demand(numbers.size == size, "a product adds another shape")
    return numbers.reshape(-1)


def _normalise(nodes: Sequence[Node], constants: _Constants, source: str) -> _Found:
    """Normalise what no product has made."""
    times, plus, least, count = _normalisation(nodes, nodes[0].inputs[0], constants)
    scale = _scaling(times, plus, least)

    def normalise(x: FloatArray, given: FloatArray) -> FloatArray:
        _demand(x.size == times.size, "a normalisation has another shape than what it takes")
        return scale(x - x.mean(), given)

    return normalise, count


def _normalisation(
    nodes: Sequence[Node], given: str, constants: _Constants
) -> tuple[FloatArray, FloatArray, float, int]:
    """Return what the normalised is multiplied by, what is added, what to the variance, and how many operations."""
    if _begins(nodes, ("LayerNormalization",)):
        times, plus, least = _layer_normalisation(nodes[0], given, constants)
        count = 1
    else:
        _demand(_begins(nodes, _NORMALISED), "ReduceMean stands alone")
        times, plus, least = _spelled_out(nodes[: len(_NORMALISED)], given, constants)
        count = len(_NORMALISED)
    return times.reshape(-1), _one_row(plus, times.size), least, count


def _layer_normalisation(node: Node, given: str, constants: _Constants) -> tuple[FloatArray, FloatArray, float]:
    _demand(node.inputs[0] == given, "something else is normalised than what stands before it")
    _demand(node.integers("axis", (-1,)) in ((-1,), (1,)), "a normalisation is of another kind")
    times = constants.floats[node.inputs[1]]
    plus = constants.floats[node.inputs[2]] if node.inputs[2:] else np.zeros(times.size, np.float32)
    return times, plus, node.number("epsilon", 1e-5)


def _spelled_out(nodes: Sequence[Node], given: str, constants: _Constants) -> tuple[FloatArray, FloatArray, float]:
    floats = constants.floats
    mean, centred, squared, variance, added, root, quotient, scaled, _ = (node.outputs[0] for node in nodes)
    power, epsilon, scale, offset = (nodes[at].inputs[-1] for at in (2, 4, 7, 8))
    wired = [[given], [given, mean], [centred, power], [squared], [variance, epsilon], [added], [centred, root]]
    wired += [[quotient, scale], [scaled, offset]]
    # From operator set 18 on the axes are an input.
    axes = [node.integers("axes") or constants.integers[node.inputs[1]] for node in (nodes[0], nodes[3])]
    inputs = [node.inputs[:1] if node.operation == "ReduceMean" else node.inputs for node in nodes]
    _demand(inputs == wired, "a normalisation is put together otherwise")
    _demand(axes == [(-1,), (-1,)] and floats[power].item() == 2, "a normalisation is of another kind")
    return floats[scale], floats[offset], floats[epsilon].item()


def _second_opinion(nodes: Sequence[Node], constants: _Constants, source: str) -> _Found:
    _demand(_begins(nodes, _SECOND_OPINION), "GreaterOrEqual stands alone")
    compare, cast, choose = nodes[: len(_SECOND_OPINION)]
    first, limit = compare.inputs
    other, same = choose.graph("then_branch"), choose.graph("else_branch")
    is_wired = cast.inputs == compare.outputs and choose.inputs == cast.outputs
    keeps = [(node.operation, node.inputs, *node.outputs) for node in same.nodes]
    _demand(is_wired and keeps == [("Identity", [first], *same.outputs)], "If is put together otherwise")
    layers, threshold = _read(other, constants, source), constants.floats[limit].item()
    return lambda x, given: _compute(layers, given) if x[0] >= threshold else x, len(_SECOND_OPINION)


def _softmax(nodes: Sequence[Node], constants: _Constants, source: str) -> _Found:
    _demand(nodes[0].integers("axis", (-1,)) in ((-1,), (1,)), "Softmax is over another axis")

    def softmax(x: FloatArray, _: FloatArray) -> FloatArray:
        powers = np.exp(x - x.max())
        made: FloatArray = powers / powers.sum()
        return made

    return softmax, 1


def _relu(nodes: Sequence[Node], constants: _Constants, source: str) -> _Found:
    nothing = np.float32(0)
    return lambda x, _: np.maximum(x, nothing), 1


def _sigmoid(nodes: Sequence[Node], constants: _Constants, source: str) -> _Found:
    # 1 / (1 + exp -x), without what overflows.
    return lambda x, _: np.array([0.5 + 0.5 * math.tanh(0.5 * number) for number in x.tolist()], np.float32), 1


def _demand(condition: bool, problem: str) -> None:
    if not condition:
        raise NotDenseError(problem)


_LAYERS: dict[str, Callable[[Sequence[Node], _Constants, str], _Found]] = {
    "Cast": _cast,
    "Dropout": _unchanged,
    "Flatten": _flatten,
    "Gemm": _product,
    "GreaterOrEqual": _second_opinion,
    "Identity": _unchanged,
    "LayerNormalization": _normalise,
    "MatMul": _product,
    "ReduceMean": _normalise,
    "Relu": _relu,
    "Reshape": _reshape,
    "Sigmoid": _sigmoid,
    "Softmax": _softmax,
}
