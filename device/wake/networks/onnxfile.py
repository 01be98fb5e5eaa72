"""Reads an .onnx file: the operations, the constants, and the shapes of inputs and outputs.

The field numbers are those of onnx.proto (IR version 3 and later); they never change.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from device.kit import protobuf
from device.kit.protobuf import Field, Fixed, MalformedError
from device.wake.networks.network import FloatArray, Shape

# Field numbers: of a model, a graph, a node, an attribute, a tensor.
_GRAPH = 7
_NODE, _INITIALIZER, _GRAPH_INPUT, _GRAPH_OUTPUT = 1, 5, 11, 12
_INPUT, _OUTPUT, _OPERATION, _ATTRIBUTE = 1, 2, 4, 5
_NAME, _FLOAT, _INT, _STRING, _TENSOR, _SUBGRAPH, _INTS = 1, 2, 3, 4, 5, 6, 8
_DIMS, _DATA_TYPE, _FLOAT_DATA, _INT64_DATA, _TENSOR_NAME, _RAW_DATA = 1, 2, 4, 7, 8, 9
# External data: numbers in a file beside the model, as PyTorch 2.9 and later write it.
_EXTERNAL_DATA, _DATA_LOCATION, _IS_EXTERNAL, _KEY, _VALUE = 13, 14, 1, 1, 2
# Values of _DATA_TYPE.
_FLOAT_KIND, _INT64_KIND = 1, 7
# Field numbers: of the declaration of an input or output.
_TYPE, _TENSOR_TYPE, _SHAPE, _DIM, _DIM_VALUE = 2, 1, 2, 1, 1


@dataclass(slots=True)
class Node:
    """One operation. Its inputs and outputs are names of tensors."""

    operation: str
    inputs: list[str]
    outputs: list[str]
    attributes: dict[str, list[Field]]

    def integers(self, attribute: str, default: Sequence[int] = ()) -> tuple[int, ...]:
        """Return an attribute of one or several integers, `default` when it is missing."""
        fields = self.attributes.get(attribute)
        return tuple(default if fields is None else protobuf.integers(fields, _INTS) or protobuf.integers(fields, _INT))

    def number(self, attribute: str, default: float) -> float:
        """Return an attribute of one float, `default` when it is missing."""
        values = [value for value in protobuf.every(self.attributes.get(attribute, []), _FLOAT) if len(value) == 4]
        return float(np.frombuffer(values[-1], "<f4")[0]) if values else default

    def string(self, attribute: str) -> str:
        """Return an attribute of text, "" when it is missing."""
        return protobuf.text(self.attributes.get(attribute, []), _STRING)

    def tensor(self, attribute: str) -> FloatArray:
        """Return an attribute that is a float32 tensor. Raise MalformedError."""
        for data in protobuf.every(self.attributes.get(attribute, []), _TENSOR):
            for tensor in _float_tensors([data]).values():
                return tensor
        raise MalformedError(f"{self.operation} has no float32 tensor as {attribute}")

    def whole_numbers(self, attribute: str) -> tuple[int, ...] | None:
        """Return an attribute that is an int64 tensor, flattened; None when there is none. Raise MalformedError."""
        found = _int64_tensors(protobuf.every(self.attributes.get(attribute, []), _TENSOR))
        return next(iter(found.values()), None)

    def graph(self, attribute: str) -> Graph:
        """Return an attribute that is a graph. Raise MalformedError."""
        return _one_graph(protobuf.every(self.attributes.get(attribute, []), _SUBGRAPH))


@dataclass(slots=True)
class Graph:
    """Operations in the order in which they are carried out, their constants, inputs and outputs."""

    nodes: list[Node]
    tensors: dict[str, FloatArray]
    """The float32 constants."""
    integers: dict[str, tuple[int, ...]]
    """The int64 constants, flattened: shapes and axes."""
    inputs: dict[str, Shape]
    """By name, without the constants."""
    outputs: dict[str, Shape]


def read_model(data: bytes, folder: Path | None = None) -> Graph:
    """Read the content of an .onnx file; external data lie in `folder`. Raise MalformedError or OSError."""
    return _one_graph(protobuf.every(protobuf.read(data), _GRAPH), folder)


def _one_graph(found: Sequence[bytes], folder: Path | None = None) -> Graph:
    if len(found) != 1:
        raise MalformedError(f"there are {len(found)} graphs")
    fields = protobuf.read(found[0])
    constants = protobuf.every(fields, _INITIALIZER)
    names = {protobuf.text(protobuf.read(data), _TENSOR_NAME) for data in constants}
    inputs = dict(map(_declared, protobuf.every(fields, _GRAPH_INPUT)))
    return Graph(
        nodes=list(map(_node, protobuf.every(fields, _NODE))),
        tensors=_float_tensors(constants, folder),
        integers=_int64_tensors(constants, folder),
        inputs={name: shape for name, shape in inputs.items() if name not in names},
        outputs=dict(map(_declared, protobuf.every(fields, _GRAPH_OUTPUT))),
    )


def _node(data: bytes) -> Node:
    fields = protobuf.read(data)
    attributes = map(protobuf.read, protobuf.every(fields, _ATTRIBUTE))
    return Node(
        protobuf.text(fields, _OPERATION),
        protobuf.texts(fields, _INPUT),
        protobuf.texts(fields, _OUTPUT),
        {protobuf.text(attribute, _NAME): attribute for attribute in attributes},
    )


def _declared(data: bytes) -> tuple[str, Shape]:
    """Return name and shape from the declaration of an input or output."""
    fields = protobuf.read(data)
    shape = [fields]
    for number in (_TYPE, _TENSOR_TYPE, _SHAPE, _DIM):
        shape = [protobuf.read(value) for message in shape for value in protobuf.every(message, number)]
    return protobuf.text(fields, 1), tuple(sum(protobuf.integers(dim, _DIM_VALUE)) or None for dim in shape)


def _float_tensors(messages: Iterable[bytes], folder: Path | None = None) -> dict[str, FloatArray]:
    found = {}
    for fields in map(protobuf.read, messages):
        dims = protobuf.integers(fields, _DIMS)
        raw = _raw(fields, folder) or b"".join(protobuf.every(fields, _FLOAT_DATA))
        if protobuf.integers(fields, _DATA_TYPE) == [_FLOAT_KIND] and len(raw) == 4 * int(np.prod(dims)):
            found[protobuf.text(fields, _TENSOR_NAME)] = np.frombuffer(raw, "<f4").reshape(dims)
    return found


def _int64_tensors(messages: Iterable[bytes], folder: Path | None = None) -> dict[str, tuple[int, ...]]:
    found = {}
    for fields in map(protobuf.read, messages):
        raw = _raw(fields, folder)
        if protobuf.integers(fields, _DATA_TYPE) == [_INT64_KIND] and len(raw) % 8 == 0:
            numbers = np.frombuffer(raw, "<i8").tolist() if raw else protobuf.integers(fields, _INT64_DATA)
            found[protobuf.text(fields, _TENSOR_NAME)] = tuple(numbers)
    return found


def _raw(fields: Sequence[Field], folder: Path | None) -> bytes:
    if folder is not None and protobuf.integers(fields, _DATA_LOCATION) == [_IS_EXTERNAL]:
        return _read_external(fields, folder)
    return next((value for value in protobuf.every(fields, _RAW_DATA) if not isinstance(value, Fixed)), b"")


def _read_external(fields: Sequence[Field], folder: Path) -> bytes:
    entries = list(map(protobuf.read, protobuf.every(fields, _EXTERNAL_DATA)))
    values = {protobuf.text(entry, _KEY): protobuf.text(entry, _VALUE) for entry in entries}
    name = values.get("location", "")
    if Path(name).name != name:
        raise MalformedError(f"its external data are not in the same folder, but in {name}")
    data = (folder / name).read_bytes()
    begin = int(values.get("offset", "0"))
    return data[begin : begin + int(values.get("length", str(len(data))))]
