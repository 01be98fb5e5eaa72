"""How wake words are called: in the configuration, in files of models, and in detections."""

from __future__ import annotations

import re

_OF_FILES = (".onnx", ".tflite", ".json")
_VERSION = re.compile(r"_v\d+(\.\d+)*$")


def bare_name(word: str) -> str:
    """Return `word` without its version: "hey_jarvis" for "hey_jarvis_v0.1"."""
    return _VERSION.sub("", word)


def detected_as(name: str) -> str:
    """Return the word that a detection names where `words` has `name`, for a model of a single word.

    That of a file is its name without the suffix.
    """
    if "/" in name or name.endswith(_OF_FILES):
        return name.rpartition("/")[2].rpartition(".")[0]
    return bare_name(name.strip().lower().replace(" ", "_"))
