"""Makes a streaming graph of the embedding model, which was made to see a whole window at once.

The model is a chain of convolutions without padding in time, so what two overlapping windows have in common gives the
same numbers in both. The streaming graph takes only the new frames; in front of every convolution that sees several
rows it puts the rows kept from before, one more input and output of the graph each (11 of them, 38 kB, in
openWakeWord's model). It gives what the window that ends with the newest frame would give.
"""

from __future__ import annotations

from dataclasses import dataclass

from device.wake import onnxfile, protobuf
from device.wake.onnxfile import Node
from device.wake.protobuf import Field

STEP_ROWS = 8
"""New mel frames in a step: 80 ms. The model's stride in time must divide it, or windows would not share rows."""

# Operations that leave every row and band where it was.
_ELEMENTWISE = frozenset({"LeakyRelu", "Relu", "Max", "Min", "Clip"})
_SHAPE, _END, _TIME_AXIS = "stream/shape", "stream/end", "stream/time_axis"
_INT64_END = 2**63 - 1


class NotStreamableError(ValueError):
    """This model cannot be turned into a stream: the message says why."""


def make_streaming(model: bytes) -> bytes:
    """Rewrite an .onnx file. The new one takes 8 frames (1 x 8 x bands x 1) and gives what the old one gave.

    The states follow as further inputs and, in the same order, outputs. Raise NotStreamableError.
    """
    try:
        fields = protobuf.read(model)
        [graph] = protobuf.every(fields, onnxfile.GRAPH)
        streaming = protobuf.write(_Rewriter(protobuf.read(graph)).rewrite())
    except (protobuf.MalformedError, LookupError) as error:
        raise NotStreamableError(f"it is put together in another way ({error})") from error
    return protobuf.write((number, streaming if number == onnxfile.GRAPH else value) for number, value in fields)


@dataclass(frozen=True, slots=True)
class _Rows:
    """How much of a tensor 1 x channels x `count` x `bands` one step makes."""

    count: int
    bands: int


class _Rewriter:
    """One graph on its way."""

    def __init__(self, graph: list[Field]) -> None:
        self._graph = graph
        self._constants = dict(map(onnxfile.tensor_shape, protobuf.every(graph, onnxfile.INITIALIZER)))
        inputs = dict(map(onnxfile.declared, protobuf.every(graph, onnxfile.INPUT)))
        self._input, shape = next(item for item in inputs.items() if item[0] not in self._constants)
        self._shape = (1, STEP_ROWS, *shape[2:])
        self._nodes: list[Node] = []
        self._states: dict[str, tuple[int, ...]] = {}
        self._made: dict[str, _Rows] = {}

    def rewrite(self) -> list[Field]:
        """Return the new graph's fields."""
        for data in protobuf.every(self._graph, onnxfile.NODE):
            node = Node.decode(data)
            self._made[node.outputs[0]] = self._convert(node)
            self._nodes.append(node)
        if not self._states or self._made[self._nodes[-1].outputs[0]].count != 1:
            raise NotStreamableError("8 frames do not lead to one embedding")
        replaced = (onnxfile.NODE, onnxfile.INPUT, onnxfile.VALUE_INFO)
        nodes = [(onnxfile.NODE, node.encode()) for node in self._nodes]
        return [*nodes, *(field for field in self._graph if field[0] not in replaced), *self._declarations()]

    def _convert(self, node: Node) -> _Rows:
        """Change `node` where it must; return what it makes of one step."""
        source = node.inputs[0]
        if node.operation == "Reshape" and source == self._input:
            node.inputs[1] = _SHAPE
            return _Rows(STEP_ROWS, self._shape[2])
        given = self._made[source]
        if node.operation == "Conv":
            return self._convolve(node, given)
        if node.operation == "MaxPool":
            return _pool(node, given)
        if node.operation in _ELEMENTWISE and self._constants.keys() >= set(node.inputs[1:]):
            return given
        if node.operation == "Reshape" and given.count == 1:
            # Behind the last convolution: only the names of the axes change.
            return given
        raise NotStreamableError(f"{node.operation} is not known to work row by row")

    def _convolve(self, node: Node, given: _Rows) -> _Rows:
        rows, bands = node.integers("kernel_shape", ())
        if set(node.integers("strides", ()) + node.integers("dilations", ())) - {1}:
            raise NotStreamableError("a convolution has strides or dilations")
        if rows > 1:
            channels = self._constants[node.inputs[1]][1] * node.integers("group", (1,))[0]
            self._keep_rows(node, (1, channels, rows - 1, given.bands))
        return _Rows(given.count, given.bands + _padding(node) - bands + 1)

    def _keep_rows(self, node: Node, shape: tuple[int, ...]) -> None:
        """Put the rows kept from before in front of the node's input, and keep the last of both for the next step."""
        name = f"stream/state{len(self._states)}"
        joined, first = f"{name}/joined", f"{name}/first"
        self._states[name] = shape
        self._nodes += [
            Node("Concat", [name, node.inputs[0]], [joined], [onnxfile.axis(2)]),
            Node("Slice", [joined, first, _END, _TIME_AXIS], [f"{name}/next"], []),
        ]
        node.inputs[0] = joined

    def _declarations(self) -> list[Field]:
        integers = {_SHAPE: (1, 1, *self._shape[1:3]), _END: (_INT64_END,), _TIME_AXIS: (2,)}
        integers |= {f"{name}/first": (-shape[2],) for name, shape in self._states.items()}
        inputs = {self._input: self._shape, **self._states}
        return [
            *((onnxfile.INITIALIZER, onnxfile.int64_tensor(*item)) for item in integers.items()),
            *((onnxfile.INPUT, onnxfile.float_input(*item)) for item in inputs.items()),
            *((onnxfile.OUTPUT, onnxfile.float_input(f"{name}/next", shape)) for name, shape in self._states.items()),
        ]


def _pool(node: Node, given: _Rows) -> _Rows:
    """Refuse a pooling whose windows would not begin with the step.

    Windows overlap by whole steps of 8 frames and each begins at row 0 of every layer, so a layer's rows of one step
    begin at a multiple of their number: the pooling is in phase when its kernel divides that number.
    """
    kernel, strides = node.integers("kernel_shape", ()), node.integers("strides", (1, 1))
    if kernel[0] != strides[0] or given.count % kernel[0]:
        raise NotStreamableError("a pooling does not fit into steps of 8 frames")
    return _Rows(given.count // kernel[0], (given.bands + _padding(node) - kernel[1]) // strides[1] + 1)


def _padding(node: Node) -> int:
    """Return how many bands are added; refuse rows, which a stream does not have."""
    top, left, bottom, right = node.integers("pads", (0, 0, 0, 0))
    if top or bottom or node.string("auto_pad") not in ("", "NOTSET"):
        raise NotStreamableError("a layer pads in time")
    return left + right
