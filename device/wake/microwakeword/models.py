"""Finding microWakeWord models: those in the package pymicro-wakeword by name, others by path; and checking them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from device.errors import ConfigError
from device.kit.textfiles import expanded, unreadable
from device.kit.words import hint
from device.wake.manifests import MicroWordModel, read_manifest
from device.wake.networks import tflite
from device.wake.networks.network import shape_size
from device.wake.networks.tflite import LibraryMissingError, UnusableModelError

FEATURES = 40
"""Features of each 10 ms of sound."""


def find_word(name: str) -> MicroWordModel:
    """Find a model by its word ("hey_jarvis") or by the path of its .json manifest (ESPHome's format, version 2).

    A path to a .tflite file means the .json file beside it. The name of that file is then the word's name. Raise
    ConfigError.
    """
    if "/" in name or name.endswith((".json", ".tflite", ".onnx")):
        return read_manifest(_manifest_of(expanded(name, "wake.words")))
    shipped = shipped_words()
    wanted = name.strip().lower().replace(" ", "_")
    if wanted in shipped:
        return read_manifest(shipped[wanted])
    raise ConfigError(
        f'wake.words: no microWakeWord model "{name}" ships; {hint(wanted, shipped)}'
        f"known: {', '.join(sorted(shipped))}; or give the path of a .json file"
    )


def shipped_words() -> dict[str, Path]:
    """Return the words whose models are in the package, with their manifests. Raise ConfigError."""
    return {path.stem: path for path in (_package_folder() / "models").glob("*.json")}


def _manifest_of(path: Path) -> Path:
    if path.suffix == ".onnx":
        raise ConfigError(f'wake.words: {path} is an openWakeWord model; set wake.engine = "openwakeword" for it')
    manifest = path.with_suffix(".json")
    if problem := unreadable(manifest):
        if path.suffix == ".tflite" and not unreadable(path):
            check_file(path)
        raise ConfigError(f"wake.words: {problem}; a microWakeWord model is a .tflite and a .json file side by side")
    return manifest


def check_file(path: Path) -> None:
    """Raise ConfigError unless the file is a microWakeWord model: with some files the package crashes the process."""
    if problem := unreadable(path):
        raise ConfigError(f"wake.words: {problem}; put the model beside its .json file")
    try:
        model = tflite.Model(path)
        model.interpreter().prepare()
    except LibraryMissingError as error:
        raise unusable(str(error)) from error
    except (UnusableModelError, OSError) as error:
        raise not_a_model(path, str(error)) from error
    if model.engine() == "openwakeword":
        raise ConfigError(f'wake.words: {path} is an openWakeWord model; set wake.engine = "openwakeword" for it')
    are_bytes = {model.source.kind, model.target.kind} <= {"INT8", "UINT8"}
    is_one = shape_size(model.target.shape) == 1
    if model.engine() != "microwakeword" or not (are_bytes and is_one):
        raise not_a_model(
            path, f"it takes {model.source} and gives {model.target}, where 1 x 3 x {FEATURES} and 1 x 1 are usual"
        )


def not_a_model(path: Path, problem: str) -> ConfigError:
    return ConfigError(f"wake.words: {path} is not a microWakeWord model: {problem}; give another file")


def refuse_same_names(models: Sequence[MicroWordModel]) -> None:
    words = [model.word for model in models]
    for word in words:
        if words.count(word) > 1:
            raise ConfigError(f'wake.words: two models are called "{word}"; leave one out, or rename its file')


def _package_folder() -> Path:
    try:
        return tflite.package_folder()
    except LibraryMissingError as error:
        raise unusable(str(error)) from error


def unusable(problem: str) -> ConfigError:
    return ConfigError(
        f'wake.engine = "microwakeword" needs the package pymicro-wakeword: {problem}; '
        'install it (pip install "pymicro-wakeword>=2.5,<3"), or set wake.engine = "openwakeword"'
    )
