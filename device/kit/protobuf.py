"""Reads and writes protocol buffers, as far as ONNX files and the library of livekit need it.

Their packages could do it too. But `onnx` takes 17 MB on disk, for one short use at each start, and `livekit` 5 MB of
memory. A message is a list of fields; the caller knows what each field number means.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

Field = tuple[int, int | bytes]
"""Field number and value: an int for a varint, `Fixed` for 4 or 8 bytes, bytes for a field with a length."""


class Fixed(bytes):
    """The value of a field of fixed length, 4 or 8 bytes: float, double, fixed32, fixed64."""


class MalformedError(ValueError):
    """The bytes are not a valid message."""


_VARINT, _EIGHT, _LENGTH, _FOUR = 0, 1, 2, 5
_LONGEST_VARINT = 10


def read(data: bytes) -> list[Field]:
    """Return the fields of a message, in order. Raise MalformedError."""
    return list(_fields(data))


def integer(number: int, value: int) -> bytes:
    """Return a field that holds a number (bool, uint32, uint64; no negative one)."""
    return _varint(number << 3 | _VARINT) + _varint(value)


def piece(number: int, data: bytes) -> bytes:
    """Return a field that holds bytes: a message, a string."""
    return _varint(number << 3 | _LENGTH) + _varint(len(data)) + data


def every(fields: Iterable[Field], number: int) -> list[bytes]:
    """Return the bytes (of messages, strings, bytes, fixed) of all fields with this number."""
    return [value for found, value in fields if found == number and isinstance(value, bytes)]


def text(fields: Iterable[Field], number: int) -> str:
    """Return a string field, "" when it is missing. Raise MalformedError."""
    return (texts(fields, number) or [""])[-1]


def texts(fields: Iterable[Field], number: int) -> list[str]:
    """Return a repeated string field. Raise MalformedError."""
    try:
        return [value.decode() for value in every(fields, number)]
    except UnicodeDecodeError:
        raise MalformedError(f"field {number} is not text") from None


def integers(fields: Iterable[Field], number: int) -> list[int]:
    """Return a repeated int64 field, packed or not. Raise MalformedError."""
    values: list[int] = []
    for found, value in fields:
        if found == number:
            values += [value] if isinstance(value, int) else _packed(value)
    return [value - (1 << 64) if value >> 63 else value for value in values]


def _packed(data: bytes) -> Iterator[int]:
    at = 0
    while at < len(data):
        value, at = _read_varint(data, at)
        yield value


def _fields(data: bytes) -> Iterator[Field]:
    at = 0
    while at < len(data):
        key, at = _read_varint(data, at)
        number, kind = key >> 3, key & 7
        if kind == _VARINT:
            value, at = _read_varint(data, at)
            yield number, value
            continue
        length, at = _length(kind, data, at)
        if at + length > len(data):
            raise MalformedError("the data ends within a field")
        piece = data[at : at + length]
        at += length
        yield number, piece if kind == _LENGTH else Fixed(piece)


def _length(kind: int, data: bytes, at: int) -> tuple[int, int]:
    if kind == _LENGTH:
        return _read_varint(data, at)
    if kind in (_FOUR, _EIGHT):
        return (4 if kind == _FOUR else 8), at
    raise MalformedError(f"there is no wire type {kind}")


def _varint(value: int) -> bytes:
    low = []
    while value > 0x7F:
        low.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes((*low, value))


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for index in range(_LONGEST_VARINT):
        if at + index >= len(data):
            raise MalformedError("the data ends within a number")
        byte = data[at + index]
        value |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:
            return value, at + index + 1
    raise MalformedError("a number is longer than 64 bits")
