"""Finding openWakeWord models: those in the openwakeword wheel by name, others by path.

The package `openwakeword` itself is not imported: it would import scikit-learn and scipy (1.6 s and 120 MB on x86-64).
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path, PurePath

from device.errors import ConfigError
from device.kit.textfiles import expanded, unreadable
from device.kit.words import hint
from device.wake.manifests import explain_manifest
from device.wake.names import bare_name

_FOLDER = "openwakeword/resources/models"
# The first is preferred: numpy can compute it; the other needs TensorFlow Lite.
_SUFFIXES = (".onnx", ".tflite")
_NOT_WORDS = frozenset({"embedding_model", "melspectrogram", "silero_vad"})


@dataclass(frozen=True, slots=True)
class WordModel:
    """A word's name, as detections report it, and its model's file."""

    word: str
    path: Path


def find_word(name: str) -> WordModel:
    """Find a model by its word ("hey_jarvis", "hey_jarvis_v0.1") or by the path of an .onnx or .tflite file.

    With a path, the file's name without its suffix is the word's name. Raise ConfigError.
    """
    if "/" in name or name.endswith((*_SUFFIXES, ".json")):
        return _by_path(expanded(name, "wake.words"))
    return _by_name(name)


def shipped_words() -> dict[str, Path]:
    """Return the words (without version) whose models are in the wheel, and their files. Raise ConfigError."""
    return {bare_name(stem): path for stem, path in _shipped().items() if stem not in _NOT_WORDS}


def feature_model(stem: str) -> Path:
    """Return the path of "melspectrogram" or "embedding_model" in the openwakeword wheel. Raise ConfigError.

    It is a .tflite file where there is no .onnx file.
    """
    try:
        return _shipped()[stem]
    except KeyError:
        raise _no_models(f"it lacks {stem}.onnx") from None


def _by_path(path: Path) -> WordModel:
    if path.suffix == ".json":
        raise explain_manifest(path)
    if path.suffix not in _SUFFIXES:
        raise ConfigError(f"wake.words: {path} is not an .onnx or .tflite file")
    if problem := unreadable(path):
        raise ConfigError(f"wake.words: {problem}; correct the path, or name a word that ships")
    return WordModel(path.stem, path)


def _by_name(name: str) -> WordModel:
    words = shipped_words()
    wanted = name.strip().lower().replace(" ", "_")
    for word, path in words.items():
        if wanted in (word, path.stem):
            return WordModel(word, path)
    near, known = hint(wanted, words), ", ".join(sorted(words))
    raise ConfigError(
        f'wake.words: no model "{name}" ships; {near}known: {known}; or give the path of an .onnx or .tflite file'
    )


def _shipped() -> dict[str, Path]:
    try:
        files = distribution("openwakeword").files or []
    except PackageNotFoundError:
        raise _no_models("it is not installed") from None
    paths = [Path(str(file.locate())) for file in files if _is_model(file)]
    # The preferred suffix comes last, so it is the one that the dict keeps.
    paths.sort(key=lambda path: _SUFFIXES.index(path.suffix), reverse=True)
    found = {path.stem: path for path in paths if path.is_file()}
    if not found:
        raise _no_models("this version ships none")
    return found


def _is_model(file: PurePath) -> bool:
    return file.suffix in _SUFFIXES and file.parent.as_posix() == _FOLDER


def _no_models(problem: str) -> ConfigError:
    remedy = 'install "openwakeword>=0.4,<0.6"'
    return ConfigError(f"wake-word models come from the package openwakeword: {problem}; {remedy}")
