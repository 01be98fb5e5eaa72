"""Writes small .onnx files: word models as the exporters that people use put them together.

Field numbers are those of onnx.proto; only what such models hold.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

Array = np.ndarray
FLOAT, INT64 = 1, 7
Attribute = int | float | Sequence[int] | Array


def _varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    made = b""
    while value > 0x7F:
        made += bytes([value & 0x7F | 0x80])
        value >>= 7
    return made + bytes([value])


def _field(number: int, value: int | bytes | str) -> bytes:
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    data = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _tensor(name: str, array: Array, raw: bool = True) -> bytes:
    """Return a tensor; its numbers as raw bytes, or as the protocol's own numbers, as some tools write them."""
    kind = INT64 if array.dtype == np.int64 else FLOAT
    head = b"".join(_field(1, size) for size in array.shape) + _field(2, kind) + _field(8, name)
    if raw:
        return head + _field(9, array.tobytes())
    if kind == INT64:
        return head + _field(7, b"".join(map(_varint, array.reshape(-1).tolist())))
    return head + _field(4, array.tobytes())


def _attribute(name: str, value: Attribute) -> bytes:
    if isinstance(value, np.ndarray):
        return _field(1, name) + _field(5, _tensor("", value)) + _field(20, 4)
    if isinstance(value, float):
        return _field(1, name) + _varint(2 << 3 | 5) + np.float32(value).tobytes() + _field(20, 1)
    if isinstance(value, int):
        return _field(1, name) + _field(3, value) + _field(20, 2)
    return _field(1, name) + b"".join(_field(8, number) for number in value) + _field(20, 7)


def _declared(name: str, shape: Sequence[int]) -> bytes:
    dims = b"".join(_field(1, _field(1, size)) for size in shape)
    return _field(1, name) + _field(2, _field(1, _field(1, FLOAT) + _field(2, dims)))


def _outside(name: str, array: Array, file: str, begin: int) -> bytes:
    """Return a tensor whose numbers are in a file beside the model."""
    places = {"location": file, "offset": str(begin), "length": str(array.nbytes)}
    head = b"".join(_field(1, size) for size in array.shape)
    head += _field(2, INT64 if array.dtype == np.int64 else FLOAT) + _field(8, name)
    return head + b"".join(_field(13, _field(1, key) + _field(2, at)) for key, at in places.items()) + _field(14, 1)


@dataclass
class Writer:
    """A graph that grows operation by operation, each taking what the last one has made."""

    opset: int
    raw: bool = True
    beside: str = ""
    """A file beside the model for the numbers of float constants."""
    last: str = "onnx::Flatten_0"
    _nodes: list[bytes] = field(default_factory=list)
    _constants: list[bytes] = field(default_factory=list)
    _count: int = 0
    _numbers: bytes = b""

    def constant(self, array: Array, as_node: bool = False) -> str:
        """Add a constant, as an initialiser or as an operation of its own; return its name."""
        name = self._name("constant")
        if as_node:
            self._nodes.append(_field(4, "Constant") + _field(2, name) + _field(5, _attribute("value", array)))
        elif self.beside and array.dtype != np.int64:
            self._constants.append(_outside(name, array, self.beside, len(self._numbers)))
            self._numbers += array.tobytes()
        else:
            self._constants.append(_tensor(name, array, self.raw))
        return name

    def add(self, operation: str, *others: str, given: str = "", first: bool = True, **attributes: Attribute) -> str:
        """Add an operation on what the last one has made (or `given`) and `others`; return what it makes."""
        name, given = self._name(operation), given or self.last
        inputs = (given, *others) if first else (*others, given)
        parts = [_field(1, one) for one in inputs] + [_field(2, name), _field(4, operation)]
        parts += [_field(5, _attribute(key, value)) for key, value in attributes.items()]
        self._nodes.append(b"".join(parts))
        self.last = name
        return name

    def write(self, path: Path, taken: Sequence[int], made: Sequence[int]) -> Path:
        """Write the file."""
        graph = b"".join(_field(1, node) for node in self._nodes) + _field(2, "graph")
        graph += b"".join(_field(5, constant) for constant in self._constants)
        graph += _field(11, _declared("onnx::Flatten_0", taken)) + _field(12, _declared(self.last, made))
        opset = _field(1, "") + _field(2, self.opset)
        if self.beside:
            path.with_name(self.beside).write_bytes(self._numbers)
        path.write_bytes(_field(1, 8) + _field(7, graph) + _field(8, opset))
        return path

    def _name(self, kind: str) -> str:
        self._count += 1
        return f"{kind}_{self._count}"
