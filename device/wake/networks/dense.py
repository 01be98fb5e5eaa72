"""Computes openWakeWord's word models in numpy: fully connected layers with layer normalisation.

Every model of the wheel is of this kind, and so are those that people train with openWakeWord's own script, whichever
version of PyTorch exported them: 1.13 writes layer normalisation as nine operations and uses Flatten; 2.x writes
LayerNormalization; its newer exporter uses Reshape. Other tools write MatMul and Add instead of Gemm. Other models are
refused; onnxruntime runs them (see onnx.py), which takes 30 MB.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from device.kit.protobuf import MalformedError
from device.wake.networks import onnxfile
from device.wake.networks.network import FloatArray, shape_size
from device.wake.networks.onnxfile import Graph, Node

_Layer = Callable[[FloatArray, FloatArray], FloatArray]
"""Takes the activations of the layer before and the input of the network, both one-dimensional; returns its own."""

# Layer normalisation (Ba et al. 2016) as nine operations: (x - mean) / sqrt(variance + epsilon) * scale + bias.
_NORMALISATION = ("ReduceMean", "Sub", "Pow", "ReduceMean", "Add", "Sqrt", "Div", "Mul", "Add")
# From a score on, a second network (a verifier), given the same input, decides instead.
_VERIFICATION = ("GreaterOrEqual", "Cast", "If")
_FLOAT_KIND = 1


class NotDenseError(Exception):
    """The model is of another kind; the message says why."""


class DenseNetwork:
    """A word's model; a `Network`."""

    def __init__(self, path: Path) -> None:
        """Load `path`. Raise NotDenseError."""
        self.path = path
        try:
            graph = onnxfile.read_model(path.read_bytes(), path.parent)
            [(source, self.input_shape)] = graph.inputs.items()
            [(self.output_name, self.output_shape)] = graph.outputs.items()
            self._layers = _read(graph, _Constants({}, {}), source)
            self._check_shapes()
        except (MalformedError, LookupError, TypeError, ValueError, OSError) as error:
            raise NotDenseError(str(error)) from error

    def _check_shapes(self) -> None:
        """Raise ValueError or NotDenseError when the layers do not fit together."""
        output = _compute(self._layers, np.zeros(shape_size(self.input_shape), np.float32))
        _demand(output.size == shape_size(self.output_shape), "the result has another shape than the model declares")

    def bind(self, source: FloatArray, target: FloatArray) -> Callable[[], None]:
        """See Network."""
        inputs, output, layers = source.reshape(-1), target.reshape(-1), self._layers

        def run() -> None:
            output[:] = _compute(layers, inputs)

        return run


def _compute(layers: Sequence[_Layer], inputs: FloatArray) -> FloatArray:
    activations = inputs
    for layer in layers:
        activations = layer(activations, inputs)
    return activations


@dataclass(frozen=True, slots=True)
class _Constants:
    """The constants of a graph, by name."""

    floats: dict[str, FloatArray]
    integers: dict[str, tuple[int, ...]]

    def joined_with(self, graph: Graph) -> _Constants:
        """Return these constants and those of `graph`. Raise MalformedError."""
        nodes = [node for node in graph.nodes if node.operation == "Constant"]
        whole = {node.outputs[0]: numbers for node in nodes if (numbers := node.whole_numbers("value")) is not None}
        floats = {node.outputs[0]: node.tensor("value") for node in nodes if node.outputs[0] not in whole}
        return _Constants(self.floats | graph.tensors | floats, self.integers | graph.integers | whole)


def _read(graph: Graph, outer: _Constants, source: str) -> list[_Layer]:
    """Follow the graph from `source` to its output. Raise NotDenseError, MalformedError or LookupError."""
    constants = outer.joined_with(graph)
    nodes = [node for node in graph.nodes if node.operation != "Constant"]
    layers: list[_Layer] = []
    last = source
    while nodes:
        first = nodes[0]
        if first.inputs[0] != last:
            raise NotDenseError(f"{first.operation} does not take the output of the operation before it")
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
"""A layer, and the number of operations that it consists of."""


def _flatten(nodes: Sequence[Node], constants: _Constants, source: str) -> _Found:
    _demand(nodes[0].integers("axis", (1,)) == (1,), "Flatten keeps several axes")
    return _same, 1


def _reshape(nodes: Sequence[Node], constants: _Constants, source: str) -> _Found:
    """Accept a Reshape to one dimension, or to a matrix of one row. -1 means "the rest", 0 "as in the input"."""
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
    _demand(nodes[0].integers("to") == (_FLOAT_KIND,), "Cast is to another type than float32")
    return _same, 1


def _same(x: FloatArray, _: FloatArray) -> FloatArray:
    return x


def _fully_connected(nodes: Sequence[Node], constants: _Constants, source: str) -> _Found:
    """Read a fully connected layer and the layer normalisation that may follow it.

    Of the normalisation, subtracting the mean is done once, in weights and bias, instead of in every result.
    """
    weights, bias, count = (_gemm if nodes[0].operation == "Gemm" else _matmul)(nodes, constants)
    rest = nodes[count:]
    if not (_begins(rest, _NORMALISATION) or _begins(rest, ("LayerNormalization",))):
        return _multiplying(weights, bias), count
    scale, offset, epsilon, more = _normalisation(rest, nodes[count - 1].outputs[0], constants)
    _demand(scale.shape == bias.shape, "a normalisation has another shape than its input")
    normalise_centred = _normalising_centred(scale, offset, epsilon)
    multiply = _multiplying(weights - weights.mean(axis=0), bias - bias.mean())
    return lambda x, inputs: normalise_centred(multiply(x, inputs), inputs), count + more


def _multiplying(weights: FloatArray, bias: FloatArray) -> _Layer:
    def multiply(x: FloatArray, _: FloatArray) -> FloatArray:
        product: FloatArray = weights.dot(x)
        product += bias
        return product

    return multiply


def _normalising_centred(scale: FloatArray, offset: FloatArray, epsilon: float) -> _Layer:
    """Return a layer that normalises, in place, numbers whose mean is 0 already."""
    share = 1 / scale.size

    def normalise(x: FloatArray, _: FloatArray) -> FloatArray:
        x *= np.float32(1 / math.sqrt(x.dot(x) * share + epsilon))
        x *= scale
        x += offset
        return x

    return normalise


def _gemm(nodes: Sequence[Node], constants: _Constants) -> tuple[FloatArray, FloatArray, int]:
    """Return weights (outputs x inputs), bias (outputs), and the number of operations."""
    node = nodes[0]
    weights, bias = (constants.floats[name] for name in node.inputs[1:])
    is_plain = node.integers("transA", (0,)) == (0,) and node.number("alpha", 1) == node.number("beta", 1) == 1
    _demand(is_plain and weights.ndim == 2, "Gemm scales or transposes its input")
    if node.integers("transB", (0,)) == (0,):
        weights = np.ascontiguousarray(weights.T)
    return weights, _one_row(bias, len(weights)), 1


def _matmul(nodes: Sequence[Node], constants: _Constants) -> tuple[FloatArray, FloatArray, int]:
    """Return the same of a MatMul and the Add that may follow it; without an Add the bias is 0."""
    product = nodes[0]
    weights = constants.floats[product.inputs[1]]
    _demand(weights.ndim == 2, "MatMul multiplies by something else than a matrix")
    weights = np.ascontiguousarray(weights.T)
    if not _begins(nodes, ("MatMul", "Add")):
        return weights, np.zeros(len(weights), np.float32), 1
    added = [name for name in nodes[1].inputs if name != product.outputs[0]]
    _demand(len(nodes[1].inputs) == 2 and len(added) == 1, "Add does not take the output of the operation before it")
    return weights, _one_row(constants.floats[added[0]], len(weights)), 2


def _one_row(numbers: FloatArray, size: int) -> FloatArray:
    _demand(numbers.size == size, "a bias has another shape than what it is added to")
    return numbers.reshape(-1)


def _normalise(nodes: Sequence[Node], constants: _Constants, source: str) -> _Found:
    """Read a layer normalisation that follows no fully connected layer."""
    scale, offset, epsilon, count = _normalisation(nodes, nodes[0].inputs[0], constants)
    normalise_centred = _normalising_centred(scale, offset, epsilon)

    def normalise(x: FloatArray, inputs: FloatArray) -> FloatArray:
        _demand(x.size == scale.size, "a normalisation has another shape than its input")
        return normalise_centred(x - x.mean(), inputs)

    return normalise, count


def _normalisation(
    nodes: Sequence[Node], source: str, constants: _Constants
) -> tuple[FloatArray, FloatArray, float, int]:
    """Return scale, offset and epsilon of a layer normalisation of `source`, and its number of operations."""
    if _begins(nodes, ("LayerNormalization",)):
        scale, offset, epsilon = _layer_normalisation(nodes[0], source, constants)
        count = 1
    else:
        _demand(_begins(nodes, _NORMALISATION), "ReduceMean is not part of a layer normalisation")
        scale, offset, epsilon = _spelled_out(nodes[: len(_NORMALISATION)], source, constants)
        count = len(_NORMALISATION)
    return scale.reshape(-1), _one_row(offset, scale.size), epsilon, count


def _layer_normalisation(node: Node, source: str, constants: _Constants) -> tuple[FloatArray, FloatArray, float]:
    _demand(node.inputs[0] == source, "LayerNormalization does not take the output of the operation before it")
    _demand(node.integers("axis", (-1,)) in ((-1,), (1,)), "a normalisation is of another kind")
    scale = constants.floats[node.inputs[1]]
    offset = constants.floats[node.inputs[2]] if node.inputs[2:] else np.zeros(scale.size, np.float32)
    return scale, offset, node.number("epsilon", 1e-5)


def _spelled_out(nodes: Sequence[Node], source: str, constants: _Constants) -> tuple[FloatArray, FloatArray, float]:
    """Read a layer normalisation that is written as nine operations."""
    floats = constants.floats
    mean, centred, squared, variance, added, root, quotient, scaled, _ = (node.outputs[0] for node in nodes)
    power, epsilon, scale, offset = (nodes[at].inputs[-1] for at in (2, 4, 7, 8))
    wired = [[source], [source, mean], [centred, power], [squared], [variance, epsilon], [added], [centred, root]]
    wired += [[quotient, scale], [scaled, offset]]
    # From operator set 18 on the axes are an input.
    axes = [node.integers("axes") or constants.integers[node.inputs[1]] for node in (nodes[0], nodes[3])]
    inputs = [node.inputs[:1] if node.operation == "ReduceMean" else node.inputs for node in nodes]
    _demand(inputs == wired, "the operations of a normalisation are connected in another way")
    _demand(axes == [(-1,), (-1,)] and floats[power].item() == 2, "a normalisation is of another kind")
    return floats[scale], floats[offset], floats[epsilon].item()


def _verification(nodes: Sequence[Node], constants: _Constants, source: str) -> _Found:
    _demand(_begins(nodes, _VERIFICATION), "GreaterOrEqual is not followed by Cast and If")
    compare, cast, choose = nodes[: len(_VERIFICATION)]
    first, limit = compare.inputs
    verifier, unchanged = choose.graph("then_branch"), choose.graph("else_branch")
    is_wired = cast.inputs == compare.outputs and choose.inputs == cast.outputs
    otherwise = [(node.operation, node.inputs, *node.outputs) for node in unchanged.nodes]
    is_known = is_wired and otherwise == [("Identity", [first], *unchanged.outputs)]
    _demand(is_known, "If is connected in another way")
    layers, threshold = _read(verifier, constants, source), constants.floats[limit].item()
    return lambda x, inputs: _compute(layers, inputs) if x[0] >= threshold else x, len(_VERIFICATION)


def _softmax(nodes: Sequence[Node], constants: _Constants, source: str) -> _Found:
    _demand(nodes[0].integers("axis", (-1,)) in ((-1,), (1,)), "Softmax is over another axis")

    def softmax(x: FloatArray, _: FloatArray) -> FloatArray:
        powers = np.exp(x - x.max())
        probabilities: FloatArray = powers / powers.sum()
        return probabilities

    return softmax, 1


def _relu(nodes: Sequence[Node], constants: _Constants, source: str) -> _Found:
    zero = np.float32(0)
    return lambda x, _: np.maximum(x, zero), 1


def _sigmoid(nodes: Sequence[Node], constants: _Constants, source: str) -> _Found:
    # 1 / (1 + exp(-x)), in a form that does not overflow.
    return lambda x, _: np.array([0.5 + 0.5 * math.tanh(0.5 * number) for number in x.tolist()], np.float32), 1


def _demand(condition: bool, problem: str) -> None:
    if not condition:
        raise NotDenseError(problem)


_LAYERS: dict[str, Callable[[Sequence[Node], _Constants, str], _Found]] = {
    "Cast": _cast,
    "Dropout": _unchanged,
    "Flatten": _flatten,
    "Gemm": _fully_connected,
    "GreaterOrEqual": _verification,
    "Identity": _unchanged,
    "LayerNormalization": _normalise,
    "MatMul": _fully_connected,
    "ReduceMean": _normalise,
    "Relu": _relu,
    "Reshape": _reshape,
    "Sigmoid": _sigmoid,
    "Softmax": _softmax,
}
