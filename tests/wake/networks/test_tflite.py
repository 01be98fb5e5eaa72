"""Models that are .tflite files: the same scores as .onnx files; TensorFlow Lite is loaded and freed correctly."""

from __future__ import annotations

import gc
import logging
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from device.errors import ConfigError
from device.ports.wake import Detection
from device.wake.engines import load_engine
from device.wake.networks import tflite
from device.wake.networks.network import FloatArray, Network
from device.wake.networks.onnx import OnnxNetwork
from device.wake.networks.tflite import TfliteNetwork
from device.wake.openwakeword.embedding import StreamingEmbedding, WindowedEmbedding
from device.wake.openwakeword.engine import OpenWakeWord
from device.wake.openwakeword.mel import FourierMel, ModelMel
from device.wake.openwakeword.models import feature_model, shipped_words
from device.wake.settings import Wake

RATE = 16_000
CHUNK_BYTES = 2560
WORDS = ("alexa", "hey_jarvis", "hey_mycroft", "weather")
"""Those whose two files hold the same network: hey_rhasspy's .tflite file holds another one than its .onnx file."""
Sound = np.ndarray
Say = Callable[..., Sound]
Silence = Callable[[float], Sound]


def _lite(word: str) -> Path:
    return shipped_words()[word].with_suffix(".tflite")


# The same as .onnx


def _difference(ours: Network, theirs: Network, given: Sequence[FloatArray], made: tuple[int, ...]) -> float:
    """Return how far two networks are apart at most."""
    source, mine, others = given[0].copy(), np.zeros(made, np.float32), np.zeros(made, np.float32)
    run_both = ours.bind(source, mine), theirs.bind(source, others)
    largest = 0.0
    for numbers in given:
        source[:] = numbers
        for run in run_both:
            run()
        largest = max(largest, float(np.abs(mine - others).max()))
    return largest


@pytest.mark.parametrize("word", [*WORDS, "timer"])
def test_a_network_gives_what_its_twin_gives(word: str) -> None:
    """For sense and nonsense; shapes are the same. Measured: 5e-6 at most."""
    ours, theirs = TfliteNetwork(_lite(word)), OnnxNetwork(shipped_words()[word])
    assert (ours.input_shape, ours.output_shape) == (theirs.input_shape, theirs.output_shape)
    shape = [size or 1 for size in ours.input_shape]
    chance = np.random.default_rng(7)
    windows = [chance.standard_normal(shape).astype(np.float32) * scale for scale in (0, 1, 10, 30, 60) * 60]
    assert _difference(ours, theirs, windows, tuple(size or 1 for size in ours.output_shape)) <= 2e-5


@pytest.mark.parametrize(
    ("stem", "given", "made", "loudness"),
    [
        ("embedding_model", (1, 76, 32, 1), (1, 1, 1, 96), 5),
        ("melspectrogram", (1, 1760), (1, 1, 8, 32), 3000),
        ("melspectrogram", (1, 1280), (1, 1, 5, 32), 3000),
    ],
)
def test_features_are_those_of_their_twin(
    stem: str, given: tuple[int, ...], made: tuple[int, ...], loudness: float
) -> None:
    """Embeddings (up to 80) and decibels, of any length. Measured: 3e-5 at most."""
    path, chance = feature_model(stem), np.random.default_rng(9)
    sounds = [chance.standard_normal(given).astype(np.float32) * loudness * scale for scale in (0.01, 0.3, 1.0) * 5]
    assert _difference(TfliteNetwork(path.with_suffix(".tflite")), OnnxNetwork(path), sounds, made) <= 2e-4


def test_scores_and_detections_on_speech_are_those_of_the_onnx_words(minute: Sound) -> None:
    """Two engines in step over more than a minute. Measured: 2.5e-6 at most."""
    onnx, lite = OpenWakeWord(WORDS), OpenWakeWord([str(_lite(word)) for word in WORDS])
    heard: list[list[tuple[int, int]]] = [[], []]
    for at in range(0, len(minute) * 2, CHUNK_BYTES):
        pcm = minute.tobytes()[at : at + CHUNK_BYTES]
        for engine, found in zip((onnx, lite), heard, strict=True):
            found += [(engine.words.index(detection.word), detection.end) for detection in engine.process(pcm)]
        assert list(lite.scores.values()) == pytest.approx(list(onnx.scores.values()), abs=1e-4)
    assert heard[0] == heard[1]
    assert {WORDS[word] for word, _ in heard[0]} >= {"alexa", "hey_jarvis", "weather"}


def test_a_word_by_path_is_detected(
    say: Say, silence: Silence, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It goes by its file's name, and the log says what it costs."""
    caplog.set_level(logging.INFO)
    path = shutil.copy(_lite("hey_rhasspy"), tmp_path / "computer.tflite")
    engine = load_engine(Wake(words=(str(path), "alexa"), thresholds={str(path): 0.6}))
    assert engine.words == ("computer", "alexa")
    assert engine.rules["computer"].threshold == 0.6
    [detection] = _hear(engine, silence(1.5), say("hey raspy"), silence(1))
    assert detection.word == "computer"
    assert "computer.tflite is run by TensorFlow Lite, which takes 3 MB" in caplog.text


def _hear(engine: object, *sounds: Sound) -> list[Detection]:
    return engine.process(np.concatenate(sounds).tobytes())  # type: ignore[attr-defined,no-any-return]


# An installation without .onnx files


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return `install("a.tflite", ...)`: the package openwakeword with these models and no others."""
    models = shipped_words()["alexa"].parent

    def put(*names: str) -> None:
        folder = tmp_path / "openwakeword/resources/models"
        folder.mkdir(parents=True)
        for name in names:
            (folder / name).symlink_to(models / name)
        about = tmp_path / "openwakeword-0.5.1.dist-info"
        about.mkdir()
        (about / "METADATA").write_text("Name: openwakeword\nVersion: 0.5.1\n")
        (about / "RECORD").write_text("".join(f"openwakeword/resources/models/{name},,\n" for name in names))
        monkeypatch.syspath_prepend(tmp_path)

    return put


def test_without_onnx_files_all_is_computed_from_tflite_files(
    install: Callable[..., None], minute: Sound, caplog: pytest.LogCaptureFixture
) -> None:
    """The same scores, words by name included; one line says what it costs. Measured: 2e-5 apart at most."""
    usual = OpenWakeWord(["hey_jarvis", "alexa"])
    install("embedding_model.tflite", "melspectrogram.tflite", "hey_jarvis_v0.1.tflite", "alexa_v0.1.tflite")
    engine = OpenWakeWord(["hey_jarvis", "alexa"])
    assert isinstance(engine._features._embedding, WindowedEmbedding)
    assert isinstance(engine._features._mel, ModelMel)
    [record] = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert "up to eight times the CPU" in record.message
    assert "embedding_model.tflite cannot run as a stream: it is a TensorFlow Lite model" in record.message
    heard: list[str] = []
    for at in range(0, 20 * RATE * 2, CHUNK_BYTES):
        pcm = minute.tobytes()[at : at + CHUNK_BYTES]
        usual.process(pcm)
        heard += [detection.word for detection in engine.process(pcm)]
        assert engine.scores == pytest.approx(usual.scores, abs=1e-3)
    assert {"hey_jarvis", "alexa"} <= set(heard)


def test_a_tflite_embedding_leaves_the_spectrum_to_numpy(
    install: Callable[..., None], say: Say, silence: Silence
) -> None:
    """Each of the two is computed as well as its own file allows."""
    install("embedding_model.tflite", "melspectrogram.onnx", "hey_jarvis_v0.1.onnx")
    engine = OpenWakeWord(["hey_jarvis"])
    assert isinstance(engine._features._embedding, WindowedEmbedding)
    assert isinstance(engine._features._mel, FourierMel)
    assert [found.word for found in _hear(engine, silence(1.5), say("hey jarvis"), silence(1))] == ["hey_jarvis"]


def test_an_onnx_file_is_preferred(install: Callable[..., None]) -> None:
    """It costs an eighth of the CPU."""
    install("embedding_model.tflite", "embedding_model.onnx", "melspectrogram.onnx", "alexa_v0.1.onnx")
    assert isinstance(OpenWakeWord(["alexa"])._features._embedding, StreamingEmbedding)


def test_features_from_neither_file_are_named(install: Callable[..., None]) -> None:
    """With what to do."""
    install("embedding_model.tflite", "alexa_v0.1.tflite")
    with pytest.raises(ConfigError, match=r"it lacks melspectrogram\.onnx; install"):
        OpenWakeWord(["alexa"])


# The library


def _refusal(path: Path) -> str:
    """Return the message with which a word is refused."""
    with pytest.raises(ConfigError) as caught:
        OpenWakeWord([str(path)])
    return str(caught.value)


def test_without_its_package_it_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """It comes with scripts/setup."""
    monkeypatch.setattr(tflite, "find_spec", lambda name: None)
    message = _refusal(_lite("alexa"))
    assert "needs TensorFlow Lite of the package pymicro-wakeword: it is not installed; run scripts/setup" in message


@pytest.mark.parametrize(
    ("file", "problem"),
    [
        ("readme.txt", "it lacks TensorFlow Lite for this machine; run scripts/setup again"),
        ("libtensorflowlite_c.so", "its TensorFlow Lite is not usable here"),
    ],
)
def test_a_package_without_a_usable_library_is_named(
    file: str, problem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Made for another machine, or not there."""
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / file).write_bytes(b"nothing")
    monkeypatch.setattr(tflite, "package_folder", lambda: tmp_path)
    assert f"needs TensorFlow Lite of the package pymicro-wakeword: {problem}" in _refusal(_lite("alexa"))


def test_a_network_runs_on_when_only_its_function_is_kept() -> None:
    """The library's memory lives as long as the function, not only as long as the network."""
    source, target = np.zeros((1, 16, 96), np.float32), np.full((1, 1), 7, np.float32)
    run = TfliteNetwork(_lite("alexa")).bind(source, target)
    gc.collect()
    first = target.copy()
    source[:] = np.random.default_rng(1).standard_normal(source.shape) * 30
    run()
    assert 0 <= first.item() <= 1
    assert target.item() != first.item()


def test_what_a_network_took_is_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Interpreters first, then the model, each once."""
    deleted: list[str] = []
    delete = tflite._delete

    def note(free: Callable[[int], None], pointer: int, kept: tuple[object, ...]) -> None:
        deleted.append(free.__name__)
        delete(free, pointer, kept)

    monkeypatch.setattr(tflite, "_delete", note)
    network = TfliteNetwork(_lite("alexa"))
    run = network.bind(np.zeros((1, 16, 96), np.float32), np.zeros((1, 1), np.float32))
    assert deleted == ["TfLiteInterpreterDelete"]
    del network, run
    gc.collect()
    assert deleted == ["TfLiteInterpreterDelete"] * 2 + ["TfLiteModelDelete"]
