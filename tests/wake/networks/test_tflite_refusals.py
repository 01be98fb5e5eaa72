"""What cannot be a word of openWakeWord's though it is a .tflite file: refused with the reason, without a crash."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import flatbuffers
import numpy as np
import pytest

from device.errors import ConfigError
from device.wake.microwakeword.models import shipped_words as micro_words
from device.wake.networks.tflite import TfliteNetwork
from device.wake.openwakeword.engine import OpenWakeWord
from device.wake.openwakeword.models import feature_model, shipped_words


def _lite(word: str) -> Path:
    return shipped_words()[word].with_suffix(".tflite")


# Models made up for the tests

FLOAT, INT8 = 0, 9
LOGISTIC, CUSTOM, SUPPRESSION = 14, 32, 120


@dataclass(frozen=True)
class Made:
    """One operation between inputs and outputs of these shapes; None is an open dimension."""

    inputs: tuple[tuple[int | None, ...], ...] = ((1, 16, 96),)
    outputs: tuple[tuple[int | None, ...], ...] = ((1, 16, 96),)
    kind: int = FLOAT
    operation: int = LOGISTIC
    version: int = 1
    custom: str = ""

    def save(self, path: Path) -> Path:
        """Write it as a .tflite file."""
        path.write_bytes(_flatbuffer(self))
        return path


def _flatbuffer(made: Made) -> bytes:
    """Return a model; slots are numbered after TensorFlow Lite's schema.fbs, version 3."""
    builder = flatbuffers.Builder()
    shapes = (*made.inputs, *made.outputs)
    tensors = [_tensor(builder, shape, made.kind) for shape in shapes]
    given, result = (
        _integers(builder, range(len(made.inputs))),
        _integers(builder, range(len(made.inputs), len(shapes))),
    )
    operator = _table(builder, {1: given, 2: result})
    operators, tensor_list = _list(builder, [operator]), _list(builder, tensors)
    graphs = _list(builder, [_table(builder, {0: tensor_list, 1: given, 2: result, 3: operators})])
    custom = builder.CreateString(made.custom) if made.custom else 0
    codes = _list(builder, [_operation(builder, made, custom)])
    buffers = _list(builder, [_table(builder, {})])
    builder.StartObject(5)
    builder.PrependUint32Slot(0, 3, 0)
    for slot, value in {1: codes, 2: graphs, 4: buffers}.items():
        builder.PrependUOffsetTRelativeSlot(slot, value, 0)
    builder.Finish(builder.EndObject(), b"TFL3")
    return bytes(builder.Output())


def _operation(builder: flatbuffers.Builder, made: Made, custom: int) -> int:
    builder.StartObject(4)
    builder.PrependInt8Slot(0, made.operation, 0)
    builder.PrependUOffsetTRelativeSlot(1, custom, 0)
    builder.PrependInt32Slot(2, made.version, 1)
    builder.PrependInt32Slot(3, made.operation, 0)
    return int(builder.EndObject())


def _tensor(builder: flatbuffers.Builder, shape: Sequence[int | None], kind: int) -> int:
    sizes = _integers(builder, [size or 1 for size in shape])
    signature = _integers(builder, [size or -1 for size in shape])
    name = builder.CreateString("tensor")
    builder.StartObject(8)
    builder.PrependInt8Slot(1, kind, 0)
    for slot, value in {0: sizes, 3: name, 7: signature if None in shape else 0}.items():
        builder.PrependUOffsetTRelativeSlot(slot, value, 0)
    return int(builder.EndObject())


def _table(builder: flatbuffers.Builder, offsets: dict[int, int]) -> int:
    builder.StartObject(8)
    for slot, value in offsets.items():
        builder.PrependUOffsetTRelativeSlot(slot, value, 0)
    return int(builder.EndObject())


def _list(builder: flatbuffers.Builder, offsets: Sequence[int]) -> int:
    builder.StartVector(4, len(offsets), 4)
    for offset in reversed(offsets):
        builder.PrependUOffsetTRelative(offset)
    return int(builder.EndVector())


def _integers(builder: flatbuffers.Builder, values: Sequence[int]) -> int:
    return int(builder.CreateNumpyVector(np.array(values, np.int32)))


# What is refused


def _refusal(path: Path) -> str:
    """Return the message with which a word is refused."""
    with pytest.raises(ConfigError) as caught:
        OpenWakeWord([str(path)])
    return str(caught.value)


@pytest.mark.parametrize(
    ("made", "problem"),
    [
        (Made(inputs=((1, 16, 96),) * 2), "it has 2 inputs and 1 outputs, where one of each is usual"),
        (Made(outputs=((1, 16, 96),) * 2), "it has 1 inputs and 2 outputs"),
        (Made(inputs=()), "it has 0 inputs"),
        (Made(kind=INT8), "it takes 1 x 16 x 96 INT8 and gives 1 x 16 x 96 INT8, where FLOAT32 is wanted; convert it"),
        (
            Made(outputs=((1, 1),)),
            "is not usable as a wake-word model: the size of its input or output differs from what it declares",
        ),
        (Made(outputs=((1, 1),), operation=SUPPRESSION), "Found NMS op with invalid num inputs: 1"),
        (Made(outputs=((1, 1),), operation=CUSTOM, custom="FlexErf"), "it has the operation FlexErf, which this"),
        (Made(outputs=((1, 1),), operation=CUSTOM, custom="MyOwn"), "it has the operation MyOwn, which this"),
        (
            Made(outputs=((1, 1),), version=99),
            "it has the operation LOGISTIC, which this TensorFlow Lite does not know",
        ),
        (
            Made(inputs=((1, None, 96),), outputs=((1, 1),)),
            "is not an openWakeWord model: it takes 1 x ? x 96 and gives",
        ),
        (
            Made(inputs=((1, 96, 16),), outputs=((1, 1),)),
            "is not an openWakeWord model: it takes 1 x 96 x 16 and gives",
        ),
        (Made(inputs=((),), outputs=((),)), "is not an openWakeWord model: it takes a single number"),
        (Made(inputs=((1, 3, 40),)), 'is a microWakeWord model; set wake.engine = "microwakeword"'),
    ],
)
def test_a_model_of_another_kind_is_refused_with_the_reason(made: Made, problem: str, tmp_path: Path) -> None:
    """Whatever is different about it."""
    message = _refusal(made.save(tmp_path / "my_word.tflite"))
    assert f"{tmp_path}/my_word.tflite" in message
    assert problem in message


@pytest.mark.parametrize("content", [b"", b"hello", b"<html>not found</html>", b"\0\0\0\0TFL3", 4, 5000, 800_000])
def test_what_is_no_model_or_half_of_one_is_refused(content: bytes | int, tmp_path: Path) -> None:
    """Without a crash: a null pointer would end the process."""
    path = tmp_path / "my_word.tflite"
    path.write_bytes(_lite("alexa").read_bytes()[:content] if isinstance(content, int) else content)
    assert "my_word.tflite is not usable as a wake-word model: it is not a TensorFlow Lite model" in _refusal(path)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """It disappears between the check and the reading."""
    with pytest.raises(ConfigError, match=r"gone\.tflite cannot be read \(No such file or directory\)"):
        TfliteNetwork(tmp_path / "gone.tflite")


@pytest.mark.parametrize("stem", ["embedding_model", "melspectrogram"])
def test_the_feature_models_are_no_words(stem: str) -> None:
    """They lie in the same folder."""
    assert "is not an openWakeWord model" in _refusal(feature_model(stem).with_suffix(".tflite"))


def test_a_word_of_microwakeword_names_its_engine() -> None:
    """Both kinds are handed on as .tflite files."""
    message = _refusal(micro_words()["alexa"].with_suffix(".tflite"))
    assert 'is a microWakeWord model; set wake.engine = "microwakeword" and name the .json file beside it' in message


def test_several_classes_without_labels_are_refused() -> None:
    """The .onnx file of the timer has them, its .tflite file has not."""
    assert "has 7 outputs without labels" in _refusal(_lite("timer"))


@pytest.mark.parametrize(
    ("source", "target", "problem"),
    [
        ((1, 15, 96), (1, 1), "it takes 1 x 16 x 96 FLOAT32, where 1 x 15 x 96 is wanted"),
        ((1, 16, 96), (1, 2), "it gives 1 x 1 FLOAT32, where 1 x 2 is wanted"),
        ((16, 96), (1, 1), "it takes 1 x 16 x 96 FLOAT32, where 16 x 96 is wanted"),
    ],
)
def test_arrays_of_another_shape_are_refused(source: tuple[int, ...], target: tuple[int, ...], problem: str) -> None:
    """The library would take them and compute something else."""
    network = TfliteNetwork(_lite("alexa"))
    with pytest.raises(ConfigError, match=problem):
        network.bind(np.zeros(source, np.float32), np.zeros(target, np.float32))
