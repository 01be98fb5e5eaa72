"""Finding models, and what is said when one cannot be used."""

from __future__ import annotations

import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from device.errors import ConfigError
from device.wake.decision import DetectionRules
from device.wake.openwakeword import models
from device.wake.openwakeword.engine import OpenWakeWord
from device.wake.openwakeword.models import feature_model, find_word, shipped_words


def test_shipped_words_are_found_with_and_without_version() -> None:
    """Both names lead to one model, under the short name."""
    assert find_word("hey_jarvis") == find_word("hey_jarvis_v0.1")
    assert find_word("hey jarvis").word == "hey_jarvis"
    assert find_word("hey_jarvis").path.is_file()
    assert {"alexa", "hey_jarvis", "hey_mycroft", "hey_rhasspy", "timer", "weather"} <= set(shipped_words())


def test_a_misspelt_word_gets_a_suggestion_and_the_list() -> None:
    """The message has what was wrong, what is near, and all that ships."""
    with pytest.raises(ConfigError, match=r'"hey_jarvs".*did you mean "hey_jarvis".*alexa, hey_jarvis, hey_mycroft'):
        find_word("hey_jarvs")


def test_the_feature_models_are_not_words() -> None:
    """They lie in the same folder and would load."""
    with pytest.raises(ConfigError, match="no model"):
        find_word("embedding_model")


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("/nowhere/my.onnx", "there is no file"),
        ("nowhere.tflite", "there is no file"),
        ("./my.txt", "not an .onnx or .tflite file"),
        ("my.json", 'belongs to a microWakeWord model; set wake.engine = "microwakeword"'),
    ],
)
def test_a_path_that_leads_nowhere_is_named(path: str, problem: str) -> None:
    """A path is never looked up among the names."""
    with pytest.raises(ConfigError, match=problem):
        find_word(path)


def test_a_missing_or_empty_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """openwakeword 0.6 ships no models; without the package there are none either."""

    class Empty:
        files = ()

    monkeypatch.setattr(models, "distribution", lambda name: Empty())
    with pytest.raises(ConfigError, match=r"ships none; install .*openwakeword>=0\.4,<0\.6"):
        feature_model("melspectrogram")

    def missing(name: str) -> object:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(models, "distribution", missing)
    with pytest.raises(ConfigError, match="not installed"):
        shipped_words()


def test_a_file_that_is_no_model_is_named(tmp_path: Path) -> None:
    """Cut downloads and web pages saved as models are common."""
    path = tmp_path / "my_word.onnx"
    path.write_text("<html>not found</html>")
    with pytest.raises(ConfigError, match=r"my_word\.onnx is not a readable ONNX model: .*arsing"):
        OpenWakeWord([str(path)])


def test_a_cut_off_model_is_named(tmp_path: Path) -> None:
    """Half a file."""
    path = tmp_path / "half.onnx"
    whole = find_word("alexa").path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ConfigError, match=r"half\.onnx"):
        OpenWakeWord([str(path)])


@pytest.mark.parametrize("stem", ["embedding_model", "melspectrogram", "silero_vad"])
def test_a_model_of_another_kind_is_named(stem: str, tmp_path: Path) -> None:
    """It can be loaded, but its input is no embedding."""
    path = tmp_path / f"{stem}.onnx"
    shutil.copy(find_word("alexa").path.with_name(f"{stem}.onnx"), path)
    with pytest.raises(ConfigError, match=rf"{stem}\.onnx is not a"):
        OpenWakeWord([str(path)])


def test_a_word_by_path_goes_by_its_file_name(tmp_path: Path) -> None:
    """Its threshold is given under the path, as in `words`."""
    path = tmp_path / "computer.onnx"
    shutil.copy(find_word("alexa").path, path)
    engine = OpenWakeWord([str(path), "alexa"], DetectionRules(thresholds={str(path): 0.9}))
    assert engine.words == ("computer", "alexa")


def test_the_engine_needs_neither_the_package_nor_its_dependencies() -> None:
    """Importing openwakeword costs 120 MB."""
    code = (
        "import sys; from device.wake.openwakeword.engine import OpenWakeWord; OpenWakeWord(['hey_jarvis']); "
        "print([m for m in ('openwakeword', 'scipy', 'sklearn', 'tqdm', 'requests') if m in sys.modules])"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root)
    assert done.stdout.strip() == "[]"
