"""Which wake word is said in which recording: from an option, from a file of labels, or from the recordings' names."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatch
from pathlib import Path

from device.errors import ConfigError
from device.kit.textfiles import read_text

NONE = "none"


def labels(files: Iterable[Path], words: Sequence[str], expect: str | None, table: Path | None) -> dict[str, str]:
    """Return for each file, by its path as text, the word that is said in it, or "" when none is.

    `expect` holds for all files; `table` is a TOML file of patterns and words; without either a file is taken to hold
    the word that its name contains. Raise ConfigError.
    """
    if expect is not None:
        word = _known(expect, words, "--expect")
        return {str(file): word for file in files}
    if table is not None:
        patterns = _read(table, words)
        return {str(file): _match(file, patterns, table) for file in files}
    return {str(file): _named(file, words) for file in files}


def _read(table: Path, words: Sequence[str]) -> dict[str, str]:
    try:
        patterns = tomllib.loads(read_text(table))
    except OSError as error:
        raise ConfigError(f"--labels: cannot read {table}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"--labels: {table} is not valid TOML: {error}") from error
    return {pattern: _known(word, words, f'{table}: "{pattern}"') for pattern, word in patterns.items()}


def _known(word: object, words: Sequence[str], where: str) -> str:
    if word == NONE:
        return ""
    if word not in words or not isinstance(word, str):
        raise ConfigError(f'{where}: "{word}" is not listened for; give one of {", ".join(words)}, or "none"')
    return word


def _match(file: Path, patterns: Mapping[str, str], table: Path) -> str:
    for pattern, word in patterns.items():
        if fnmatch(file.name, pattern) or fnmatch(str(file), pattern):
            return word
    raise ConfigError(f'--labels: {table} has no pattern for {file.name}; add one, e.g. "*" = "none" as the last')


def _named(file: Path, words: Sequence[str]) -> str:
    name = _plain(file.stem)
    found = [word for word in words if _plain(word) in name]
    return max(found, key=len, default="")


def _plain(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", text.lower())
