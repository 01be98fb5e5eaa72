"""Reads the manifest, a JSON file beside a model: the engine that the model is for, and what its maker recommends.

There are three kinds: version 2 of ESPHome's manifest for microWakeWord, which is used here; version 1, whose models
take other features; and the one of linux-voice-assistant, which exists for openWakeWord models too.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from device.errors import ConfigError
from device.kit.textfiles import read_text, unreadable


class _Micro(msgspec.Struct, frozen=True):
    """What the maker of a model recommends."""

    probability_cutoff: Annotated[float, Meta(ge=0.0, le=1.0)]
    sliding_window_size: Annotated[int, Meta(ge=1, le=1000)]


class _Manifest(msgspec.Struct, frozen=True):
    """The part of a manifest that is used here."""

    model: str
    micro: _Micro


@dataclass(frozen=True, slots=True)
class MicroWordModel:
    """A word of microWakeWord, its model's file, and what the maker recommends."""

    word: str
    path: Path
    cutoff: float
    """The threshold, 0 to 1."""
    window: int
    """How many probabilities are averaged to a score."""


def read_manifest(path: Path) -> MicroWordModel:
    """Read the manifest of a microWakeWord model. Raise ConfigError, which names the kind of any other manifest."""
    table = _table(path)
    if _is_for_openwakeword(table):
        raise ConfigError(
            f'wake.words: {path} belongs to an openWakeWord model; set wake.engine = "openwakeword", and name the '
            f"model itself, {_model_of(path, table)}"
        )
    if _is_version_1(table):
        raise ConfigError(
            f"wake.words: {path} is the manifest of a microWakeWord model of version 1, which needs other features "
            "than version 2 and does not work here; give one of version 2 (its maker may have both), or train anew"
        )
    try:
        manifest = msgspec.convert(table, _Manifest)
        model = path.parent / manifest.model
        if "\0" in manifest.model:
            raise ValueError("the model's name holds a zero byte")
    except ValueError as error:
        raise _not_a_manifest(path, str(error)) from error
    return MicroWordModel(path.stem, model, manifest.micro.probability_cutoff, manifest.micro.sliding_window_size)


def explain_manifest(path: Path) -> ConfigError:
    """Return the error for a manifest that was given to the engine openwakeword, which needs the model itself."""
    if unreadable(path) or not _is_for_openwakeword(table := _table(path)):
        return ConfigError(
            f'wake.words: {path} belongs to a microWakeWord model; set wake.engine = "microwakeword" for it'
        )
    return ConfigError(
        f"wake.words: {path} only describes an openWakeWord model; name the model itself, {_model_of(path, table)}"
    )


def _table(path: Path) -> dict[str, Any]:
    try:
        table = msgspec.json.decode(read_text(path))
    except OSError as error:
        raise ConfigError(f"wake.words: {path} cannot be read: {error.strerror}; correct the path") from error
    except (ValueError, RecursionError) as error:
        raise _not_a_manifest(path, str(error)) from error
    if not isinstance(table, dict):
        raise _not_a_manifest(path, "it holds no object in braces")
    return table


def _is_for_openwakeword(table: dict[str, Any]) -> bool:
    return str(table.get("type", "")).lower() == "openwakeword"


def _is_version_1(table: dict[str, Any]) -> bool:
    """Tell whether it is version 1, by its version or by the name that the window's size has there."""
    micro = table.get("micro")
    return table.get("version") == 1 or (isinstance(micro, dict) and "sliding_window_average_size" in micro)


def _model_of(path: Path, table: dict[str, Any]) -> Path:
    model = table.get("model")
    return path.parent / model if isinstance(model, str) else path.with_suffix(".tflite")


def _not_a_manifest(path: Path, problem: str) -> ConfigError:
    return ConfigError(f"wake.words: {path} is not the manifest of a microWakeWord model: {problem}; give another file")
