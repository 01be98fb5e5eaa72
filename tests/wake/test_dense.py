"""Word models computed in numpy: the same scores as onnxruntime's, and nothing that is not understood."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from device.errors import ConfigError
from device.wake import dense, onnxfile
from device.wake.dense import DenseNetwork, NotDenseError
from device.wake.models import feature_model, find_word, shipped_words
from device.wake.network import FloatArray, Network
from device.wake.onnxfile import Graph, Node
from device.wake.openwakeword import OpenWakeWord

WORDS = ("alexa", "hey_jarvis", "hey_mycroft", "hey_rhasspy", "timer", "weather")


def _scores(network: DenseNetwork | Network, embeddings: Sequence[FloatArray]) -> FloatArray:
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
    ours, theirs = DenseNetwork(path), Network(path)
    assert (ours.input_shape, ours.output_shape) == (theirs.input_shape, theirs.output_shape)
    assert ours.output_name == theirs.output_name
    chance = np.random.default_rng(7)
    shape = [size or 1 for size in ours.input_shape][1:]
    windows = [chance.standard_normal(shape).astype(np.float32) * scale for scale in (0, 1, 10, 30, 60) * 60]
    mine, others = _scores(ours, windows), _scores(theirs, windows)
    np.testing.assert_allclose(mine, others, atol=1e-5)


def test_a_second_opinion_has_the_last_word() -> None:
    """The model of hey_jarvis holds two networks: the second is asked when the first is sure."""
    path = find_word("hey_jarvis").path
    chance, ours = np.random.default_rng(8), DenseNetwork(path)
    windows = [chance.standard_normal((16, 96)).astype(np.float32) * 25 for _ in range(3000)]
    *first, _ = ours._layers
    sure = [window for window in windows if dense._compute(first, window.reshape(-1))[0] >= 0.5]
    assert len(sure) > 5
    np.testing.assert_allclose(_scores(ours, sure), _scores(Network(path), sure), atol=1e-5)


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
    """Rather than computed with other numbers."""
    path = find_word("hey_jarvis").path
    graph = onnxfile.read_model(path.read_bytes())
    change(graph)
    monkeypatch.setattr(onnxfile, "read_model", lambda data: graph)
    with pytest.raises(NotDenseError):
        DenseNetwork(path)


def test_the_embedding_model_is_no_word() -> None:
    """A model of quite another kind is refused."""
    with pytest.raises(NotDenseError, match="Reshape"):
        DenseNetwork(feature_model("embedding_model"))


def test_a_custom_model_says_what_it_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where onnxruntime is missing or broken."""
    copy = tmp_path / "own_word.onnx"
    copy.write_bytes(shipped_words()["alexa"].read_bytes())
    monkeypatch.delitem(dense._LAYERS, "Sigmoid")
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(ConfigError, match=r"own_word\.onnx needs onnxruntime"):
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
    assert isinstance(engine._heads[0].network, Network)
    assert "own_word.onnx is run by onnxruntime, which takes 30 MB" in caplog.text
    engine.process(bytes(2560 * 10))
    assert set(engine.scores) == {"own_word"}
