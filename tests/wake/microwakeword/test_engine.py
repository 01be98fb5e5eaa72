"""microWakeWord: its scores beside the package's own, where words end, and what is refused."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pymicro_wakeword
import pytest

from device.errors import ConfigError
from device.ports.wake import Detection
from device.wake.decision import DetectionRules
from device.wake.microwakeword.engine import MicroWakeWord
from device.wake.microwakeword.models import shipped_words
from device.wake.openwakeword.models import feature_model
from device.wake.openwakeword.models import find_word as find_onnx

RATE = 16_000
STEP_BYTES = 320
WORDS = ("hey_jarvis", "alexa", "hey_mycroft", "okay_nabu")
MODELS = Path(pymicro_wakeword.__file__).parent / "models"
Sound = np.ndarray
Say = Callable[..., Sound]
Silence = Callable[[float], Sound]


def heard_in(engine: MicroWakeWord, *sounds: Sound) -> list[Detection]:
    """Return what is detected in one sound after the other."""
    return engine.process(np.concatenate(sounds).astype("<i2").tobytes())


# The package's own


def _theirs(sound: bytes, word: str) -> tuple[list[float], list[bool]]:
    """Return the package's probability after every 10 ms, and whether it says "detected" then."""
    features = pymicro_wakeword.MicroWakeWordFeatures()
    theirs = pymicro_wakeword.MicroWakeWord.from_config(MODELS / f"{word}.json")
    scores, detected, newest, fed = [], [], 0.0, 0
    for at in range(0, len(sound) - STEP_BYTES + 1, STEP_BYTES):
        for feature in features.process_streaming(sound[at : at + STEP_BYTES]):
            fed += 1
            probability = theirs.process_streaming_prob(feature)
            if fed % theirs.stride == 0:
                newest = probability or 0.0
        scores.append(newest)
        detected.append(newest > theirs.probability_cutoff)
    return scores, detected


@pytest.fixture(scope="module")
def speech(minute: Sound, say: Say, silence: Silence) -> Sound:
    """Return more than a minute of many sounds, and words in a voice that these models know well."""
    words = [say(phrase, voice, 180) for phrase in ("hey jarvis", "alexa") for voice in ("en-us+belinda", "en-us+m8")]
    return np.concatenate([minute, *(part for word in words for part in (silence(2), word)), silence(1)])


def test_scores_equal_those_of_the_package(speech: Sound) -> None:
    """Every word, after every 10 ms of more than a minute: exactly."""
    pcm = speech.tobytes()
    engine = MicroWakeWord(WORDS)
    ours: dict[str, list[float]] = {word: [] for word in WORDS}
    for at in range(0, len(pcm) - STEP_BYTES + 1, STEP_BYTES):
        engine.process(pcm[at : at + STEP_BYTES])
        for word in WORDS:
            ours[word].append(engine.scores[word])
    for word in WORDS:
        assert ours[word] == _theirs(pcm, word)[0]
    assert min(max(ours["hey_jarvis"]), max(ours["alexa"])) > 0.97


@pytest.mark.parametrize("word", ["hey_jarvis", "alexa"])
def test_a_word_is_detected_when_the_package_first_says_so(word: str, speech: Sound) -> None:
    """At the maker's threshold, which is the default; a refractory period keeps the rest of the word quiet."""
    pcm = speech.tobytes()
    _, detected = _theirs(pcm, word)
    begins = [at for at in range(len(detected)) if detected[at] and not any(detected[max(0, at - 150) : at])]
    engine, ours = MicroWakeWord([word]), []
    for index, at in enumerate(range(0, len(pcm) - STEP_BYTES + 1, STEP_BYTES)):
        ours += [index] * len(engine.process(pcm[at : at + STEP_BYTES]))
    assert begins
    assert ours == begins


# Where a word ends

COMMANDS = ("turn on the light", "what time is it", "open the garage", "all lights off", None)
VOICES = (("en-us+belinda", 140), ("en-us+belinda", 180), ("en-us+f3", 160), ("en-us+m8", 160), ("en-us+klatt", 140))
PHRASES = (
    ("hey_jarvis", "hey jarvis"),
    ("alexa", "alexa"),
    ("hey_mycroft", "hey mycroft"),
    ("okay_nabu", "okay naboo"),
)


@pytest.mark.parametrize(("word", "phrase"), PHRASES)
@pytest.mark.parametrize("threshold", [0.7, None])
def test_the_end_of_the_word_is_never_late(
    word: str, phrase: str, threshold: float | None, say: Say, silence: Silence
) -> None:
    """Nothing of a command that follows without a pause is cut off."""
    errors_s = []
    for index, command in enumerate(COMMANDS):
        for voice, speed in VOICES:
            lead, spoken = silence(1.5 + 0.0137 * index), say(phrase, voice, speed)
            follows = [say(command, voice, speed)] if command else []
            found = heard_in(MicroWakeWord([word], DetectionRules(threshold)), lead, spoken, *follows, silence(1))
            errors_s += [(heard.end - len(lead) - len(spoken)) / RATE for heard in found[:1]]
    assert len(errors_s) >= 5
    assert max(errors_s) <= 0.0
    assert min(errors_s) >= -0.7


def test_the_end_is_never_before_the_stream(say: Say) -> None:
    """A word at its very beginning."""
    spoken = say("alexa", "en-us+m8", 140)
    found = heard_in(MicroWakeWord(["alexa"], DetectionRules(0.3)), spoken, np.zeros(RATE))
    assert all(detection.end >= 0 for detection in found)


# Words


def test_the_words_that_ship_are_known() -> None:
    """By the names of their manifests; spaces and capitals are forgiven."""
    assert sorted(shipped_words()) == sorted(WORDS)
    assert MicroWakeWord(["Hey Jarvis"]).words == ("hey_jarvis",)


def test_each_word_has_its_own_threshold(say: Say, silence: Silence) -> None:
    """One that no score exceeds keeps it quiet."""
    sounds = [silence(1.5), say("alexa", "en-us+m8", 140), silence(1)]
    assert (
        len(heard_in(MicroWakeWord(["alexa", "hey_jarvis"], DetectionRules(thresholds={"hey_jarvis": 1.0})), *sounds))
        == 1
    )
    assert heard_in(MicroWakeWord(["alexa", "hey_jarvis"], DetectionRules(thresholds={"alexa": 1.0})), *sounds) == []


@pytest.fixture
def custom(tmp_path: Path) -> Path:
    """Return the manifest of a word of one's own."""
    shutil.copy(MODELS / "alexa.tflite", tmp_path / "network.tflite")
    manifest = json.loads((MODELS / "alexa.json").read_text(encoding="utf-8")) | {"model": "network.tflite"}
    path = tmp_path / "computer.json"
    path.write_text(json.dumps(manifest), encoding="utf-8")
    return path


def test_a_word_of_ones_own_goes_by_its_file_s_name(custom: Path, say: Say, silence: Silence) -> None:
    """With the maker's threshold from its manifest."""
    engine = MicroWakeWord([str(custom)])
    assert engine.words == ("computer",)
    found = heard_in(engine, silence(1.5), say("alexa", "en-us+m8", 140), silence(1))
    assert [detection.word for detection in found] == ["computer"]


def test_a_model_stands_for_the_manifest_beside_it(custom: Path) -> None:
    """The usual pair of files."""
    network = custom.with_name("network.tflite")
    network.rename(custom.with_suffix(".tflite"))
    custom.write_text(custom.read_text(encoding="utf-8").replace("network", "computer"), encoding="utf-8")
    assert MicroWakeWord([str(custom.with_suffix(".tflite"))]).words == ("computer",)


# What is refused


def refusal(*words: str) -> str:
    """Return the message with which they are refused."""
    with pytest.raises(ConfigError) as caught:
        MicroWakeWord(words)
    return str(caught.value)


def test_an_unknown_word_is_answered_with_a_suggestion_and_the_list() -> None:
    """And with what else is possible."""
    message = refusal("hey_jervis")
    assert 'did you mean "hey_jarvis"? known: alexa, hey_jarvis, hey_mycroft, okay_nabu; or give the path' in message


def test_the_same_word_twice_is_refused() -> None:
    """As with the other engine."""
    assert 'two models are called "alexa"' in refusal("alexa", "Alexa")


def test_a_model_of_the_other_engine_is_refused() -> None:
    """With the setting that it needs."""
    assert 'set wake.engine = "openwakeword"' in refusal(str(find_onnx("alexa").path))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """Manifest or model."""
    assert f"there is no file {tmp_path / 'x.json'}" in refusal(str(tmp_path / "x.tflite"))
    shutil.copy(MODELS / "alexa.json", tmp_path)
    assert f"there is no file {tmp_path / 'alexa.tflite'}" in refusal(str(tmp_path / "alexa.json"))


@pytest.mark.parametrize("text", ["", "[]", '{"model": "alexa.tflite"}', '{"model": 1, "micro": {}}', "\ufffd{"])
def test_a_manifest_that_is_none_is_refused(custom: Path, text: str) -> None:
    """Whatever is wrong with it."""
    custom.write_text(text, encoding="utf-8")
    assert f"{custom} is not the manifest of a microWakeWord model" in refusal(str(custom))


@pytest.mark.parametrize("content", [b"", b"hello", b"\0\0\0\0TFL3", (MODELS / "alexa.tflite").read_bytes()[:20_000]])
def test_a_damaged_model_is_refused_without_a_crash(custom: Path, content: bytes) -> None:
    """Without the check the package would use a null pointer."""
    custom.with_name("network.tflite").write_bytes(content)
    assert "is not a microWakeWord model" in refusal(str(custom))


@pytest.mark.parametrize("name", ["melspectrogram", "embedding_model"])
def test_a_model_of_another_kind_is_refused(custom: Path, name: str) -> None:
    """openWakeWord's are TensorFlow Lite too."""
    shutil.copy(feature_model(name).with_suffix(".tflite"), custom.with_name("network.tflite"))
    assert "is not a microWakeWord model" in refusal(str(custom))


def test_a_tflite_word_of_the_other_engine_is_refused(custom: Path) -> None:
    """With the setting that it needs, whether or not a manifest stands beside it."""
    word = find_onnx("alexa").path.with_suffix(".tflite")
    shutil.copy(word, custom.with_name("network.tflite"))
    for path in (word, custom):
        assert 'is an openWakeWord model; set wake.engine = "openwakeword" for it' in refusal(str(path))


def test_a_model_without_its_manifest_says_so(tmp_path: Path) -> None:
    """Many people share the model without its manifest."""
    shutil.copy(MODELS / "alexa.tflite", tmp_path)
    assert f"there is no file {tmp_path / 'alexa.json'}" in refusal(str(tmp_path / "alexa.tflite"))


def test_without_its_package_the_engine_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not among the ordinary requirements."""
    monkeypatch.setattr("device.wake.networks.tflite.find_spec", lambda name: None)
    message = refusal("alexa")
    assert 'needs the package pymicro-wakeword: it is not installed; install it (pip install "pymicro-wake' in message
    assert 'or set wake.engine = "openwakeword"' in message


def test_the_other_engine_loads_nothing_of_it() -> None:
    """And this one no onnxruntime: each costs what it costs."""
    script = (
        "import sys; from device.wake.settings import Wake; from device.wake.engines import load_engine\n"
        "load_engine(Wake(engine=sys.argv[1])); sys.exit(sys.argv[2] in sys.modules)"
    )
    others = (
        ("openwakeword", "pymicro_wakeword"),
        ("openwakeword", "device.wake.networks.tflite"),
        ("microwakeword", "onnxruntime"),
    )
    for engine, other in others:
        assert subprocess.run([sys.executable, "-c", script, engine, other], check=False).returncode == 0
