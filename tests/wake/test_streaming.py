"""The streaming graph: made, kept, and left aside when it is not what it should be."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from device.wake import frontend, onnxfile, protobuf
from device.wake.embedding import StreamingEmbedding, WindowedEmbedding
from device.wake.features import Features
from device.wake.mel import ModelMel
from device.wake.models import feature_model, find_word
from device.wake.network import Network
from device.wake.onnxfile import Node
from device.wake.openwakeword import OpenWakeWord
from device.wake.streaming import NotStreamableError, make_streaming

Sound = np.ndarray


@pytest.fixture(scope="module")
def model() -> bytes:
    """Return the wheel's embedding model."""
    return feature_model("embedding_model").read_bytes()


@pytest.fixture(autouse=True)
def _build_anew() -> None:
    frontend._build.cache_clear()


def _altered(model: bytes, change: Callable[[list[Node]], object]) -> bytes:
    """Return the model with its nodes changed."""
    fields = protobuf.read(model)
    [graph] = protobuf.every(fields, onnxfile.GRAPH)
    parts = protobuf.read(graph)
    nodes = [Node.decode(data) for data in protobuf.every(parts, onnxfile.NODE)]
    change(nodes)
    kept = [part for part in parts if part[0] != onnxfile.NODE]
    graph = protobuf.write([*((onnxfile.NODE, node.encode()) for node in nodes), *kept])
    return protobuf.write((number, graph if number == onnxfile.GRAPH else value) for number, value in fields)


def _set(nodes: list[Node], operation: str, attribute: str, values: list[int]) -> None:
    """Change an attribute of the second node of its kind."""
    node = [node for node in nodes if node.operation == operation][1]
    [fields] = [fields for fields in node.attributes if protobuf.text(fields, 1) == attribute]
    fields[:] = [field for field in fields if field[0] != 8] + [(8, value) for value in values]


def test_a_stream_gives_what_the_windows_give(model: bytes) -> None:
    """From the first frame on, loud or silent, and again after a reset."""
    path = feature_model("embedding_model")
    windowed, streaming = WindowedEmbedding(Network(path)), StreamingEmbedding(make_streaming(model), path)
    chance = np.random.default_rng(5)
    for _ in range(2):
        for step in range(30):
            frames = chance.uniform(-6, 8, (8, 32)) if step % 10 else np.zeros((8, 32))
            for embedding in (windowed, streaming):
                embedding.frames[:] = frames
                embedding.step()
            np.testing.assert_allclose(streaming.vector, windowed.vector, atol=1e-4)
        windowed.reset()
        streaming.reset()


def test_eleven_convolutions_keep_38_kb_between_them(model: bytes) -> None:
    """Two rows in front of each that is three rows high."""
    [graph] = protobuf.every(protobuf.read(make_streaming(model)), onnxfile.GRAPH)
    declared = [onnxfile.declared(data) for data in protobuf.every(protobuf.read(graph), onnxfile.INPUT)]
    (_, frames), *states = declared
    assert frames == (1, 8, 32, 1)
    assert len(states) == 11
    assert sum(4 * int(np.prod(shape)) for _, shape in states) == 37_888


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda nodes: _set(nodes, "Conv", "strides", [2, 1]), "strides"),
        (lambda nodes: _set(nodes, "Conv", "dilations", [2, 1]), "dilations"),
        (lambda nodes: _set(nodes, "Conv", "pads", [1, 1, 1, 1]), "pads in time"),
        (lambda nodes: _set(nodes, "MaxPool", "strides", [3, 2]), "pooling"),
        (lambda nodes: setattr(nodes[5], "operation", "ReduceMean"), "ReduceMean"),
        (lambda nodes: nodes.__delitem__(slice(20, None)), "one embedding"),
    ],
)
def test_a_model_of_another_kind_is_refused_with_the_reason(
    change: Callable[[list[Node]], object], problem: str, model: bytes
) -> None:
    """Nothing is rewritten whose numbers might be others."""
    with pytest.raises(NotStreamableError, match=problem):
        make_streaming(_altered(model, change))


def test_half_a_model_is_refused(model: bytes) -> None:
    """A cut download."""
    with pytest.raises(NotStreamableError, match="put together"):
        make_streaming(model[: len(model) // 2])


def test_the_graph_is_made_once_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second start reads it; no other file is left in the folder, which need not exist before."""
    folder = tmp_path / "state" / "wake"
    Features(1, folder)
    [kept] = folder.iterdir()
    monkeypatch.setattr(frontend, "make_streaming", lambda model: pytest.fail("made again"))
    frontend._build.cache_clear()
    Features(1, folder)
    assert list(folder.iterdir()) == [kept]


def test_a_kept_graph_that_is_damaged_is_made_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A full disk, a pulled plug."""
    Features(1, tmp_path)
    [kept] = tmp_path.iterdir()
    whole = kept.read_bytes()
    for damage in (b"", whole[: len(whole) // 2], b"<html>"):
        kept.write_bytes(damage)
        Features(1, tmp_path)
        assert kept.read_bytes() == whole
    assert caplog.records == []


def test_another_model_makes_another_graph(tmp_path: Path, model: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """An update of the wheel must not meet what was made of the old one."""
    Features(1, tmp_path / "kept")
    path = tmp_path / "embedding_model.onnx"
    # A field nobody knows: other bytes, the same model.
    path.write_bytes(model + protobuf.write([(2047, 1)]))
    monkeypatch.setattr(frontend, "feature_model", lambda stem: path if stem == path.stem else feature_model(stem))
    Features(1, tmp_path / "kept")
    assert len(list((tmp_path / "kept").iterdir())) == 2


def test_a_folder_that_cannot_be_written_costs_one_line_in_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The graph is used all the same."""
    blocked = tmp_path / "file"
    blocked.write_text("")
    features = Features(1, blocked)
    assert isinstance(features._embedding, StreamingEmbedding)
    [record] = caplog.records
    assert (record.levelno, "cannot write" in record.message) == (logging.WARNING, True)


@pytest.mark.parametrize("wrong", ["refused", "other numbers", "not loadable"])
def test_without_a_streaming_graph_words_are_heard_as_before(
    wrong: str,
    model: bytes,
    tmp_path: Path,
    say: Callable[..., Sound],
    silence: Callable[[float], Sound],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """One line says that it costs more and why; nothing is kept."""

    def make(model: bytes) -> bytes:
        if wrong == "refused":
            raise NotStreamableError("Attention is not known to work row by row")
        if wrong == "not loadable":
            return b"nonsense"
        return _altered(make_streaming(model), _put_old_rows_behind)

    monkeypatch.setattr(frontend, "make_streaming", make)
    engine = OpenWakeWord(["hey_jarvis"], cache=tmp_path)
    assert isinstance(engine._features._embedding, WindowedEmbedding)
    assert isinstance(engine._features._mel, ModelMel)
    pcm = np.concatenate([silence(1.5), say("hey jarvis"), silence(1)]).tobytes()
    assert [detection.word for detection in engine.process(pcm)] == ["hey_jarvis"]
    assert ["four times the CPU" in record.message for record in caplog.records] == [True]
    assert list(tmp_path.iterdir()) == []


def _put_old_rows_behind(nodes: list[Node]) -> None:
    next(node for node in nodes if node.operation == "Concat").inputs.reverse()


def test_both_ways_give_the_same_scores(minute: Sound, monkeypatch: pytest.MonkeyPatch) -> None:
    """The windowed way is the reference that a custom model gets."""
    streaming = OpenWakeWord(["hey_jarvis", "alexa"])
    monkeypatch.setattr(frontend, "make_streaming", _refuse)
    frontend._build.cache_clear()
    windowed = OpenWakeWord(["hey_jarvis", "alexa"])
    for at in range(0, 20 * 12 * 2560, 2560):
        pcm = minute.tobytes()[at : at + 2560]
        streaming.process(pcm)
        windowed.process(pcm)
        assert streaming.scores == pytest.approx(windowed.scores, abs=1e-5)


def _refuse(model: bytes) -> bytes:
    raise NotStreamableError("for the test")


def test_a_word_model_is_no_embedding_model() -> None:
    """A model of quite another kind is refused, not rewritten."""
    with pytest.raises(NotStreamableError):
        make_streaming(find_word("alexa").path.read_bytes())
