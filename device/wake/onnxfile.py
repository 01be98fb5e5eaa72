"""What rewriting a graph needs to know of the .onnx format: nodes, tensors and the shapes of inputs.

Field numbers are those of onnx.proto (IR version 3 and later), which never change.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from device.wake import protobuf
from device.wake.network import FloatArray
from device.wake.protobuf import Field

GRAPH = 7
"""Of a model."""
NODE, INITIALIZER, INPUT, OUTPUT, VALUE_INFO = 1, 5, 11, 12, 13
"""Of a graph."""

_INPUT, _OUTPUT, _OPERATION, _ATTRIBUTE = 1, 2, 4, 5
_NAME, _INT, _STRING, _INTS, _KIND, _KIND_INT = 1, 3, 4, 8, 20, 2
_DIMS, _DATA_TYPE, _TENSOR_NAME, _RAW_DATA, _FLOAT, _INT64 = 1, 2, 8, 9, 1, 7
_TYPE, _TENSOR_TYPE, _ELEMENT, _SHAPE, _DIM, _DIM_VALUE = 2, 1, 1, 2, 1, 1


@dataclass(slots=True)
class Node:
    """One operation."""

    operation: str
    inputs: list[str]
    outputs: list[str]
    attributes: list[list[Field]]

    @classmethod
    def decode(cls, data: bytes) -> Node:
        """Raise MalformedError."""
        fields = protobuf.read(data)
        return cls(
            protobuf.text(fields, _OPERATION),
            [value.decode() for value in protobuf.every(fields, _INPUT)],
            [value.decode() for value in protobuf.every(fields, _OUTPUT)],
            [protobuf.read(value) for value in protobuf.every(fields, _ATTRIBUTE)],
        )

    def encode(self) -> bytes:
        """Return the field's value; the node's name, which nothing refers to, is left out."""
        return protobuf.write(
            [
                *((_INPUT, name.encode()) for name in self.inputs),
                *((_OUTPUT, name.encode()) for name in self.outputs),
                (_OPERATION, self.operation.encode()),
                *((_ATTRIBUTE, protobuf.write(attribute)) for attribute in self.attributes),
            ]
        )

    def integers(self, attribute: str, default: Sequence[int]) -> tuple[int, ...]:
        """Return an attribute of one or several integers."""
        for fields in self.attributes:
            if protobuf.text(fields, _NAME) == attribute:
                return tuple(protobuf.integers(fields, _INTS) or protobuf.integers(fields, _INT))
        return tuple(default)

    def string(self, attribute: str) -> str:
        """Return an attribute of text, "" when it is not there."""
        found = (fields for fields in self.attributes if protobuf.text(fields, _NAME) == attribute)
        return "".join(protobuf.text(fields, _STRING) for fields in found)


def axis(value: int) -> list[Field]:
    """Return the attribute that Concat takes."""
    return [(_NAME, b"axis"), (_INT, value), (_KIND, _KIND_INT)]


def float_input(name: str, shape: Sequence[int]) -> bytes:
    """Return the declaration of a float32 input or output."""
    dims = [(_DIM, protobuf.write([(_DIM_VALUE, size)])) for size in shape]
    tensor = protobuf.write([(_ELEMENT, _FLOAT), (_SHAPE, protobuf.write(dims))])
    return protobuf.write([(1, name.encode()), (_TYPE, protobuf.write([(_TENSOR_TYPE, tensor)]))])


def declared(data: bytes) -> tuple[str, tuple[int, ...]]:
    """Return name and shape of an input or output; 0 where the shape is open. Raise MalformedError."""
    fields = protobuf.read(data)
    shape = [fields]
    for number in (_TYPE, _TENSOR_TYPE, _SHAPE, _DIM):
        shape = [protobuf.read(value) for message in shape for value in protobuf.every(message, number)]
    return protobuf.text(fields, 1), tuple(sum(protobuf.integers(dim, _DIM_VALUE)) for dim in shape)


def int64_tensor(name: str, values: Sequence[int]) -> bytes:
    """Return a constant: a list of integers."""
    raw = np.array(values, "<i8").tobytes()
    return protobuf.write([(_DIMS, len(values)), (_DATA_TYPE, _INT64), (_TENSOR_NAME, name.encode()), (_RAW_DATA, raw)])


def tensor_shape(data: bytes) -> tuple[str, tuple[int, ...]]:
    """Return name and shape of a constant. Raise MalformedError."""
    fields = protobuf.read(data)
    return protobuf.text(fields, _TENSOR_NAME), tuple(protobuf.integers(fields, _DIMS))


def float_tensors(model: bytes) -> dict[str, FloatArray]:
    """Return the float32 constants of a model. Raise MalformedError."""
    graphs = (protobuf.read(data) for data in protobuf.every(protobuf.read(model), GRAPH))
    tensors = (protobuf.read(data) for graph in graphs for data in protobuf.every(graph, INITIALIZER))
    found = {}
    for fields in tensors:
        dims, raw = protobuf.integers(fields, _DIMS), protobuf.every(fields, _RAW_DATA)
        if protobuf.integers(fields, _DATA_TYPE) == [_FLOAT] and raw and len(raw[0]) == 4 * int(np.prod(dims)):
            found[protobuf.text(fields, _TENSOR_NAME)] = np.frombuffer(raw[0], "<f4").reshape(dims)
    return found
