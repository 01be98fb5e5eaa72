"""The embedding as a stream: the same numbers as from whole windows, and what is refused."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable

import numpy as np
import pytest

from device.kit.protobuf import MalformedError
from device.wake.networks import onnxfile
from device.wake.networks.convolutions import NotStreamableError, read_convolutions
from device.wake.networks.onnx import OnnxNetwork
from device.wake.networks.onnxfile import Graph, Node
from device.wake.networks.streaming import StreamingNetwork
from device.wake.openwakeword import featuremodels
from device.wake.openwakeword.embedding import StreamingEmbedding, WindowedEmbedding
from device.wake.openwakeword.engine import OpenWakeWord
from device.wake.openwakeword.mel import FourierMel
from device.wake.openwakeword.models import feature_model, find_word

Sound = np.ndarray


@pytest.fixture
def graph() -> Graph:
    """Return the wheel's embedding model."""
    return onnxfile.read_model(feature_model("embedding_model").read_bytes())


def _set(graph: Graph, operation: str, attribute: str, values: list[int]) -> None:
    """Change an attribute of the second node of its kind."""
    node = [node for node in graph.nodes if node.operation == operation][1]
    node.attributes[attribute] = [(8, value) for value in values]


def _swap(graph: Graph, operation: str, other: str) -> None:
    """Turn round the order of the first two nodes of these kinds, wires included."""
    pairs = itertools.pairwise(graph.nodes)
    first, second = next(pair for pair in pairs if [node.operation for node in pair] == [operation, other])
    first.operation, second.operation = second.operation, first.operation
    first.attributes, second.attributes = second.attributes, first.attributes
    first.inputs[1:], second.inputs[1:] = second.inputs[1:], first.inputs[1:]


def test_a_stream_gives_what_the_windows_give(graph: Graph) -> None:
    """From the first frame on, loud or silent, and again after a reset."""
    windowed, streaming = WindowedEmbedding(OnnxNetwork(feature_model("embedding_model"))), StreamingEmbedding(graph)
    chance = np.random.default_rng(5)
    for _ in range(2):
        for step in range(30):
            frames = chance.uniform(-6, 8, (8, 32)) if step % 10 else np.zeros((8, 32))
            for embedding in (windowed, streaming):
                embedding.frames[:8] = frames
                embedding.step()
            np.testing.assert_allclose(streaming.vectors[0], windowed.vectors[0], atol=1e-4)
        windowed.reset()
        streaming.reset()


@pytest.mark.parametrize("together", [2, 3, 4])
def test_steps_computed_together_give_what_they_give_one_by_one(together: int, graph: Graph) -> None:
    """Between single steps, so that each finds the state that the others left."""
    one_by_one, batched = StreamingNetwork(graph), StreamingNetwork(graph)
    chance = np.random.default_rng(6)
    for count in (1, together, together, 1, together):
        frames = chance.uniform(-6, 8, (count * 8, 32)).astype(np.float32)
        batched.frames[: count * 8] = frames
        batched.step(count)
        for step in range(count):
            one_by_one.frames[:8] = frames[step * 8 : step * 8 + 8]
            one_by_one.step()
            np.testing.assert_allclose(batched.vectors[step], one_by_one.vectors[0], atol=1e-4)


def test_eleven_convolutions_keep_38_kb_between_them(graph: Graph) -> None:
    """Two rows for each kernel that is three rows high."""
    model = StreamingNetwork(graph)
    assert model.frames.shape == (4 * 8, 32)
    assert len(model.state) == 11
    assert sum(state.nbytes for state in model.state) == 37_904


def _operation(at: int, operation: str) -> Callable[[Graph], object]:
    return lambda graph: setattr(graph.nodes[at], "operation", operation)


def _bias(graph: Graph) -> str:
    """Return the name of the first bias."""
    return next(node.inputs[2] for node in graph.nodes if node.operation == "Conv" and len(node.inputs) > 2)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda graph: _set(graph, "Conv", "strides", [2, 1]), "strides"),
        (lambda graph: _set(graph, "Conv", "dilations", [2, 1]), "dilations"),
        (lambda graph: _set(graph, "Conv", "group", [24]), "groups"),
        (lambda graph: _set(graph, "Conv", "pads", [1, 1, 1, 1]), "pads in time"),
        (lambda graph: _set(graph, "Conv", "pads", [0, 1, 0, 0]), "pads in time"),
        (lambda graph: _set(graph, "MaxPool", "strides", [3, 2]), "pooling"),
        (lambda graph: _set(graph, "MaxPool", "kernel_shape", [3, 2]), "pooling"),
        (lambda graph: _set(graph, "MaxPool", "ceil_mode", [1]), "pooling"),
        (lambda graph: _swap(graph, "LeakyRelu", "Max"), "LeakyRelu is not known"),
        (lambda graph: _swap(graph, "Max", "MaxPool"), "Max is not known"),
        (_operation(5, "ReduceMean"), "ReduceMean"),
        (_operation(5, "Reshape"), "changes the order"),
        (_operation(0, "Transpose"), "is not the one expected"),
        (lambda graph: graph.nodes[5].inputs.__setitem__(0, graph.nodes[3].outputs[0]), "does not take the output of"),
        (lambda graph: graph.nodes.__delitem__(4), "does not take the output of"),
        (lambda graph: graph.nodes.__delitem__(slice(20, None)), "one embedding"),
        (lambda graph: graph.inputs.update(another=(1,)), "is not the one expected"),
        (lambda graph: graph.tensors.popitem(), "is not the one expected"),
        (lambda graph: graph.tensors.update({_bias(graph): np.zeros(7, np.float32)}), "another length"),
    ],
)
def test_a_model_of_another_kind_is_refused_with_the_reason(
    change: Callable[[Graph], object], problem: str, graph: Graph
) -> None:
    """A graph that might give other numbers is not computed."""
    change(graph)
    with pytest.raises(NotStreamableError, match=problem):
        read_convolutions(graph)


def test_half_a_model_is_refused() -> None:
    """A cut download."""
    whole = feature_model("embedding_model").read_bytes()
    with pytest.raises(MalformedError):
        onnxfile.read_model(whole[: len(whole) // 2])


def test_a_model_for_other_bands_is_refused(graph: Graph) -> None:
    """Its layers fit together, but not to the mel spectrum."""
    [name] = graph.inputs
    graph.inputs[name] = (None, 76, 35, 1)
    with pytest.raises(NotStreamableError, match="it takes"):
        StreamingEmbedding(graph)


def test_the_shipped_words_need_no_onnxruntime(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would take 30 MB."""
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    engine = OpenWakeWord(["hey_jarvis", "alexa", "hey_mycroft", "hey_rhasspy", "weather", "timer"])
    engine.process(bytes(2560 * 10))


def test_without_a_stream_words_are_heard_as_before(
    say: Callable[..., Sound],
    silence: Callable[[float], Sound],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """One line says that it costs more and why."""
    monkeypatch.setattr(featuremodels, "StreamingEmbedding", _refuse)
    engine = OpenWakeWord(["hey_jarvis"])
    assert isinstance(engine._features._embedding, WindowedEmbedding)
    assert isinstance(engine._features._mel, FourierMel)
    pcm = np.concatenate([silence(1.5), say("hey jarvis"), silence(1)]).tobytes()
    assert [detection.word for detection in engine.process(pcm)] == ["hey_jarvis"]
    [record] = caplog.records
    assert "eight times the CPU" in record.message
    assert "Attention is not known" in record.message


def test_both_ways_give_the_same_scores(minute: Sound, monkeypatch: pytest.MonkeyPatch) -> None:
    """The windowed way is the reference that a custom model gets."""
    streaming = OpenWakeWord(["hey_jarvis", "alexa"])
    monkeypatch.setattr(featuremodels, "StreamingEmbedding", _refuse)
    windowed = OpenWakeWord(["hey_jarvis", "alexa"])
    for at in range(0, 20 * 12 * 2560, 2560):
        pcm = minute.tobytes()[at : at + 2560]
        streaming.process(pcm)
        windowed.process(pcm)
        assert streaming.scores == pytest.approx(windowed.scores, abs=1e-5)


def _refuse(graph: Graph) -> StreamingEmbedding:
    raise NotStreamableError("Attention is not known to work row by row")


def test_a_word_model_is_no_embedding_model() -> None:
    """A model of quite another kind is refused."""
    with pytest.raises(NotStreamableError):
        read_convolutions(onnxfile.read_model(find_word("alexa").path.read_bytes()))


def test_an_attribute_that_is_not_there_has_its_default() -> None:
    """The default of the format."""
    node = Node("Conv", [], [], {})
    assert (node.integers("group", (1,)), node.number("alpha", 0.01), node.string("auto_pad")) == ((1,), 0.01, "")
    with pytest.raises(MalformedError, match="no float32 tensor as value"):
        node.tensor("value")
    with pytest.raises(MalformedError, match="0 graphs"):
        node.graph("then_branch")
