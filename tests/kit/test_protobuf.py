"""Messages encoded and decoded."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.kit import protobuf
from device.kit.protobuf import Fixed, MalformedError
from device.wake.openwakeword.models import feature_model, shipped_words

NUMBERS = st.integers(1, (1 << 29) - 1)
FIXED = st.builds(Fixed, st.binary(min_size=4, max_size=4) | st.binary(min_size=8, max_size=8))
FIELDS = st.lists(st.tuples(NUMBERS, st.integers(0, (1 << 64) - 1) | st.binary(max_size=300) | FIXED))


def write(fields: Iterable[protobuf.Field]) -> bytes:
    """Put a message together, as every library writes it."""
    parts = bytearray()
    for number, value in fields:
        match value:
            case int():
                parts += _varint(number << 3) + _varint(value & (1 << 64) - 1)
            case Fixed():
                parts += _varint(number << 3 | (5 if len(value) == 4 else 1)) + value
            case _:
                parts += _varint(number << 3 | 2) + _varint(len(value)) + value
    return bytes(parts)


def _varint(value: int) -> bytes:
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


@given(FIELDS)
def test_what_was_put_together_comes_apart_again(fields: list[protobuf.Field]) -> None:
    """Numbers, order, values and kinds."""
    read = protobuf.read(write(fields))
    assert read == fields
    assert [type(value) for _, value in read] == [type(value) for _, value in fields]


@given(NUMBERS, st.integers(0, (1 << 64) - 1), st.binary(max_size=300))
def test_what_is_written_is_read_again(number: int, value: int, data: bytes) -> None:
    """A number and bytes."""
    written = protobuf.integer(number, value) + protobuf.piece(number, data)
    assert written == write([(number, value), (number, data)])
    assert protobuf.read(written) == [(number, value), (number, data)]


@given(st.binary(max_size=60))
def test_any_bytes_are_a_message_or_malformed(data: bytes) -> None:
    """Nothing else is raised."""
    try:
        fields = protobuf.read(data)
    except MalformedError:
        return
    assert protobuf.read(write(fields)) == fields


def test_every_model_of_the_wheel_survives_unchanged() -> None:
    """Byte for byte, down to the graph's nodes and constants."""
    models = [feature_model("melspectrogram"), feature_model("embedding_model"), *shipped_words().values()]
    for path in models:
        data = path.read_bytes()
        fields = protobuf.read(data)
        assert write(fields) == data
        [graph] = protobuf.every(fields, 7)
        assert write(protobuf.read(graph)) == graph


@given(st.lists(st.integers(-(1 << 63), (1 << 63) - 1)))
def test_integers_are_read_packed_or_one_by_one(values: list[int]) -> None:
    """Writers may choose; negative ones are two's complement of 64 bits."""
    single = write((8, value) for value in values)
    packed = b"".join(write([(1, value)])[1:] for value in values)
    assert protobuf.integers(protobuf.read(single), 8) == values
    assert protobuf.integers([(8, packed)], 8) == values


def test_what_onnx_wrote_is_read_as_it_meant_it() -> None:
    """The wire format by its own documentation: field 1 holds 150, field 2 the text "testing"."""
    fields = protobuf.read(bytes.fromhex("089601 120774657374696e67"))
    assert fields == [(1, 150), (2, b"testing")]
    assert protobuf.text(fields, 2) == "testing"
    assert protobuf.text(fields, 3) == ""


@pytest.mark.parametrize("data", ["08", "0880", "1203ab", "0d0000", "0b", "08" + "80" * 10 + "01", "12ff"])
def test_cut_off_or_wrong_bytes_are_refused(data: str) -> None:
    """Half a number, half a text, half a float, a group, a number without end."""
    with pytest.raises(MalformedError):
        protobuf.read(bytes.fromhex(data))


def test_bytes_that_are_no_text_are_refused() -> None:
    """A name must be UTF-8."""
    with pytest.raises(MalformedError):
        protobuf.text([(1, b"\xff")], 1)
