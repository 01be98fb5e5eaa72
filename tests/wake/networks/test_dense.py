"""Word models computed in numpy: the same scores as onnxruntime's, and nothing that is not understood."""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from device.errors import ConfigError
from device.wake.networks import dense, onnxfile
from device.wake.networks.dense import DenseNetwork, NotDenseError
from device.wake.networks.network import FloatArray
from device.wake.networks.onnx import OnnxNetwork
from device.wake.networks.onnxfile import Graph, Node
from device.wake.openwakeword.engine import OpenWakeWord
from device.wake.openwakeword.models import feature_model, find_word, shipped_words
from tests.wake.onnx_writer import Writer

WORDS = ("alexa", "hey_jarvis", "hey_mycroft", "hey_rhasspy", "timer", "weather")


def _scores(network: DenseNetwork | OnnxNetwork, embeddings: Sequence[FloatArray]) -> FloatArray:
    source = np.zeros([size or 1 for size in network.input_shape], np.float32)
    target = np.zeros([size or 1 for size in network.output_shape], np.float32)
    run = network.bind(source, target)
    made = []
    for window in embeddings:
        source[0] = window
        run()
        made.append(target.copy())
    return np.array(made)


@pytest.mark.parametrize("word", WORDS)
def test_scores_are_those_of_onnxruntime(word: str) -> None:
    """For sense and nonsense, large and small, high scores among them; shapes and labels are the same."""
    path = find_word(word).path
    ours, theirs = DenseNetwork(path), OnnxNetwork(path)
    assert (ours.input_shape, ours.output_shape) == (theirs.input_shape, theirs.output_shape)
    assert ours.output_name == theirs.output_name
    chance = np.random.default_rng(7)
    shape = [size or 1 for size in ours.input_shape][1:]
    windows = [chance.standard_normal(shape).astype(np.float32) * scale for scale in (0, 1, 10, 30, 60) * 60]
    mine, others = _scores(ours, windows), _scores(theirs, windows)
    np.testing.assert_allclose(mine, others, atol=1e-5)


def test_a_verifier_decides_when_the_first_network_is_sure() -> None:
    """The model of hey_jarvis contains two networks; the second decides when the score of the first is high."""
    path = find_word("hey_jarvis").path
    chance, ours = np.random.default_rng(8), DenseNetwork(path)
    windows = [chance.standard_normal((16, 96)).astype(np.float32) * 25 for _ in range(3000)]
    *first, _ = ours._layers
    sure = [window for window in windows if dense._compute(first, window.reshape(-1))[0] >= 0.5]
    assert len(sure) > 5
    np.testing.assert_allclose(_scores(ours, sure), _scores(OnnxNetwork(path), sure), atol=1e-5)


# Models of one's own: the network of openWakeWord's training (three products, two of them normalised), as exporters of
# several years spell it.


def _flat(writer: Writer) -> None:
    writer.add("Flatten", axis=1)


def _reshaped(*shape: int, as_node: bool) -> Callable[[Writer], None]:
    def reshape(writer: Writer) -> None:
        writer.add("Reshape", writer.constant(np.array(shape, np.int64), as_node), allowzero=0)

    return reshape


def _gemm(writer: Writer, weights: FloatArray, bias: FloatArray) -> None:
    writer.add("Gemm", writer.constant(weights), writer.constant(bias), transB=1, alpha=1.0, beta=1.0)


def _matmul(first: bool) -> Callable[[Writer, FloatArray, FloatArray], None]:
    def multiply(writer: Writer, weights: FloatArray, bias: FloatArray) -> None:
        writer.add("MatMul", writer.constant(np.ascontiguousarray(weights.T)))
        writer.add("Add", writer.constant(bias[None]), first=first)

    return multiply


def _layer_norm(writer: Writer, times: FloatArray, plus: FloatArray) -> None:
    writer.add("LayerNormalization", writer.constant(times), writer.constant(plus), axis=-1, epsilon=1e-5)


def _spelled_out(axes_as_input: bool) -> Callable[[Writer, FloatArray, FloatArray], None]:
    def normalise(writer: Writer, times: FloatArray, plus: FloatArray) -> None:
        given = writer.last
        axes = [writer.constant(np.array([-1], np.int64))] if axes_as_input else []
        attributes: dict[str, list[int]] = {} if axes_as_input else {"axes": [-1]}
        mean = writer.add("ReduceMean", *axes, **attributes)
        centred = writer.add("Sub", mean, given=given)
        writer.add("Pow", writer.constant(np.array(2, np.float32), as_node=True))
        writer.add("ReduceMean", *axes, **attributes)
        writer.add("Add", writer.constant(np.array(1e-5, np.float32), as_node=True))
        root = writer.add("Sqrt")
        writer.add("Div", root, given=centred)
        writer.add("Mul", writer.constant(times))
        writer.add("Add", writer.constant(plus))

    return normalise


EXPORTERS = {
    "PyTorch 1.13": (14, _flat, _gemm, _spelled_out(axes_as_input=False)),
    "PyTorch 2": (17, _flat, _gemm, _layer_norm),
    "PyTorch 2, a view": (17, _reshaped(-1, 1536, as_node=True), _gemm, _layer_norm),
    "PyTorch 2.9": (18, _reshaped(1, 1536, as_node=False), _gemm, _layer_norm),
    "a view of what is left": (17, _reshaped(1, -1, as_node=True), _gemm, _spelled_out(axes_as_input=False)),
    "a view of the batch": (17, _reshaped(0, -1, as_node=True), _gemm, _spelled_out(axes_as_input=False)),
    "operator set 18, spelled out": (18, _flat, _gemm, _spelled_out(axes_as_input=True)),
    "TensorFlow": (14, _reshaped(-1, 1536, as_node=False), _matmul(first=True), _spelled_out(axes_as_input=False)),
    "TensorFlow, turned": (17, _reshaped(-1, 1536, as_node=False), _matmul(first=False), _layer_norm),
}


def _own_word(path: Path, exporter: str, raw: bool = True, classes: int = 1, beside: str = "") -> Path:
    opset, flatten, multiply, normalise = EXPORTERS[exporter]
    writer, chance = Writer(opset, raw, beside), np.random.default_rng(9)

    def numbers(*shape: int) -> FloatArray:
        return (chance.standard_normal(shape) / 8).astype(np.float32)

    flatten(writer)
    for taken in (1536, 32):
        multiply(writer, numbers(32, taken), numbers(32))
        normalise(writer, numbers(32) + 1, numbers(32))
        writer.add("Relu")
    multiply(writer, numbers(classes, 32), numbers(classes))
    writer.add("Sigmoid") if classes == 1 else writer.add("Softmax", axis=1)
    return writer.write(path, (1, 16, 96), (1, classes))


@pytest.mark.parametrize("raw", [True, False])
@pytest.mark.parametrize("exporter", EXPORTERS)
def test_words_of_ones_own_are_computed_however_they_were_exported(tmp_path: Path, exporter: str, raw: bool) -> None:
    """With the scores of onnxruntime, and without it."""
    path = _own_word(tmp_path / "own_word.onnx", exporter, raw)
    chance = np.random.default_rng(10)
    windows = [chance.standard_normal((16, 96)).astype(np.float32) * scale for scale in (0, 1, 10, 60) * 20]
    mine, others = _scores(DenseNetwork(path), windows), _scores(OnnxNetwork(path), windows)
    np.testing.assert_allclose(mine, others, atol=1e-5)
    assert np.ptp(others) > 0.1


def test_numbers_in_a_file_beside_the_model_are_read(tmp_path: Path) -> None:
    """PyTorch 2.9 puts them there; without that file nothing can be computed, and the message names it."""
    path = _own_word(tmp_path / "own_word.onnx", "PyTorch 2.9", beside="own_word.onnx.data")
    windows = [np.random.default_rng(13).standard_normal((16, 96)).astype(np.float32) * scale for scale in (1, 10)]
    np.testing.assert_allclose(_scores(DenseNetwork(path), windows), _scores(OnnxNetwork(path), windows), atol=1e-5)
    path.with_name("own_word.onnx.data").unlink()
    with pytest.raises(ConfigError, match=r"own_word\.onnx\.data"):
        OpenWakeWord([str(path)])


@pytest.mark.parametrize("elsewhere", ["../secret", "/etc/hostname", ""])
def test_numbers_anywhere_else_are_refused(tmp_path: Path, elsewhere: str) -> None:
    """A model that was fetched from somewhere reads no other file."""
    path = _own_word(tmp_path / "own_word.onnx", "PyTorch 2.9", beside="own_word.onnx.data")
    data = path.read_bytes()
    name = b"own_word.onnx.data"
    path.write_bytes(data.replace(name, elsewhere.encode().ljust(len(name), b"/") if elsewhere else b"\0" * len(name)))
    with pytest.raises(NotDenseError):
        DenseNetwork(path)


def test_several_classes_are_computed_too(tmp_path: Path) -> None:
    """Softmax over what a Reshape has made flat."""
    path = _own_word(tmp_path / "own_words.onnx", "PyTorch 2.9", classes=3)
    windows = [np.random.default_rng(11).standard_normal((16, 96)).astype(np.float32)]
    np.testing.assert_allclose(_scores(DenseNetwork(path), windows), _scores(OnnxNetwork(path), windows), atol=1e-5)


@pytest.mark.parametrize("exporter", EXPORTERS)
def test_a_word_of_ones_own_costs_no_library(tmp_path: Path, exporter: str) -> None:
    """A Reshape needs no onnxruntime, which takes 30 MB."""
    path = _own_word(tmp_path / "own_word.onnx", exporter)
    script = (
        "import sys; from device.wake.openwakeword.engine import OpenWakeWord\n"
        "OpenWakeWord([sys.argv[1]]).process(bytes(25600)); sys.exit('onnxruntime' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script, path], check=False).returncode == 0


@pytest.mark.parametrize("shape", [(16, 96), (16, -1), (1, 16, 96), (1, 1, -1), (0, 0, -1), (-1, 96)])
def test_a_reshape_that_keeps_several_rows_is_refused(tmp_path: Path, shape: tuple[int, ...]) -> None:
    """The layers after it would be computed for each row."""
    writer = Writer(17)
    _reshaped(*shape, as_node=False)(writer)
    writer.add("Softmax", axis=-1)
    path = writer.write(tmp_path / "rows.onnx", (1, 16, 96), (16, 96))
    with pytest.raises(NotDenseError, match="Reshape"):
        DenseNetwork(path)


def test_a_normalisation_without_a_product_is_computed(tmp_path: Path) -> None:
    """Some networks begin with a normalisation."""
    writer, chance = Writer(17), np.random.default_rng(12)
    writer.add("Flatten", axis=1)
    _layer_norm(writer, *chance.standard_normal((2, 1536)).astype(np.float32))
    _gemm(writer, chance.standard_normal((1, 1536)).astype(np.float32) / 30, np.zeros(1, np.float32))
    writer.add("Sigmoid")
    path = writer.write(tmp_path / "own_word.onnx", (1, 16, 96), (1, 1))
    windows = [chance.standard_normal((16, 96)).astype(np.float32) for _ in range(20)]
    np.testing.assert_allclose(_scores(DenseNetwork(path), windows), _scores(OnnxNetwork(path), windows), atol=1e-5)


def _first(graph: Graph, operation: str) -> Node:
    return next(node for node in graph.nodes if node.operation == operation)


def _rename(graph: Graph, operation: str, other: str) -> None:
    _first(graph, operation).operation = other


def _set(graph: Graph, operation: str, attribute: str, value: int) -> None:
    _first(graph, operation).attributes[attribute] = [(3, value)]


def _normalise_the_input(graph: Graph) -> None:
    """Let the first normalisation take what the first product takes."""
    product, centred = _first(graph, "Gemm"), _first(graph, "Sub")
    for node in (_first(graph, "ReduceMean"), centred):
        node.inputs[0] = product.inputs[0]


@pytest.mark.parametrize(
    "change",
    [
        lambda graph: _rename(graph, "Relu", "Gelu"),
        lambda graph: _rename(graph, "Sqrt", "Exp"),
        lambda graph: _rename(graph, "If", "Loop"),
        lambda graph: _rename(graph, "Flatten", "Sqrt"),
        lambda graph: _set(graph, "Flatten", "axis", 2),
        lambda graph: _set(graph, "Gemm", "transB", 0),
        lambda graph: _set(graph, "Gemm", "transA", 1),
        lambda graph: _first(graph, "Gemm").inputs.pop(),
        lambda graph: _set(graph, "ReduceMean", "axes", 0),
        lambda graph: _first(graph, "Sub").inputs.reverse(),
        lambda graph: _normalise_the_input(graph),
        lambda graph: graph.tensors.update({_first(graph, "Mul").inputs[1]: np.ones(1, np.float32)}),
        lambda graph: _first(graph, "GreaterOrEqual").inputs.reverse(),
        lambda graph: graph.nodes.pop(),
        lambda graph: graph.nodes.__delitem__(1),
        lambda graph: graph.inputs.update(another=(1,)),
        lambda graph: graph.outputs.update(another=(1,)),
        lambda graph: graph.outputs.update(dict.fromkeys(graph.outputs, (1, 2))),
        lambda graph: graph.tensors.clear(),
    ],
)
def test_a_model_of_another_kind_is_refused(change: Callable[[Graph], object], monkeypatch: pytest.MonkeyPatch) -> None:
    """Instead of computed with wrong results."""
    path = find_word("hey_jarvis").path
    graph = onnxfile.read_model(path.read_bytes())
    change(graph)
    monkeypatch.setattr(onnxfile, "read_model", lambda *_: graph)
    with pytest.raises(NotDenseError):
        DenseNetwork(path)


def test_the_embedding_model_is_no_word() -> None:
    """A model of quite another kind is refused."""
    with pytest.raises(NotDenseError, match="Reshape"):
        DenseNetwork(feature_model("embedding_model"))


def test_a_custom_model_says_what_it_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where onnxruntime is missing, as on most devices, or broken."""
    copy = tmp_path / "own_word.onnx"
    copy.write_bytes(shipped_words()["alexa"].read_bytes())
    monkeypatch.delitem(dense._LAYERS, "Sigmoid")
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(ConfigError, match=r"own_word\.onnx needs onnxruntime .*: run scripts/install --with onnx"):
        OpenWakeWord([str(copy)])


def test_what_numpy_cannot_compute_onnxruntime_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A custom model keeps working, and the log says what it costs."""
    caplog.set_level(logging.INFO)
    copy = tmp_path / "own_word.onnx"
    copy.write_bytes(shipped_words()["alexa"].read_bytes())
    monkeypatch.delitem(dense._LAYERS, "Sigmoid")
    engine = OpenWakeWord([str(copy)])
    assert isinstance(engine._heads[0].network, OnnxNetwork)
    assert "own_word.onnx is run by onnxruntime, which takes 30 MB" in caplog.text
    engine.process(bytes(2560 * 10))
    assert set(engine.scores) == {"own_word"}
