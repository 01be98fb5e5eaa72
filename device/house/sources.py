"""Where layers of settings come from: files, and the command line."""

from __future__ import annotations

import contextlib
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from device.errors import ConfigError
from device.house import complaints, migrations
from device.house.layers import Layer
from device.kit.textfiles import NotTextError, is_there, read_text
from device.kit.words import shown

DEFAULT_PATH = Path("/etc/hearthside/config.toml")
OVERRIDES = "--set"
"""The place of what was set on the command line."""

_FOLDER = "config.d"


def files(path: Path | None) -> Iterator[Path]:
    """Yield the files that hold, the later over the earlier: `path`, and config.d/*.toml beside it, by their names.

    None is DEFAULT_PATH, which need not be there. Raise ConfigError when it cannot be told what is there.
    """
    first = path or DEFAULT_PATH
    if path is not None or is_there(first):
        yield first
    yield from _more_files(first.parent / _FOLDER)


def named(path: Path | None) -> str:
    """Return which files hold, for people."""
    names = ", ".join(str(file.absolute()) for file in files(path))
    return names or f"built in ({DEFAULT_PATH} is not there)"


def _more_files(folder: Path) -> list[Path]:
    try:
        # Not what editors put beside a file while they have it open.
        found = [file for file in folder.iterdir() if file.suffix == ".toml" and not file.name.startswith(".")]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise ConfigError(f"cannot read the folder of configurations {folder}: {error.strerror}") from error
    return sorted(found, key=lambda file: file.name)


def file_layers(path: Path | None) -> list[Layer]:
    """Read the files that hold. Raise ConfigError with the name of the one that cannot be read."""
    return [Layer(str(file), read_table(file)) for file in files(path)]


def readable_layers(path: Path | None) -> list[Layer]:
    """Read those of the files that can be read."""
    layers = []
    with contextlib.suppress(ConfigError):
        for file in files(path):
            with contextlib.suppress(ConfigError):
                layers.append(Layer(str(file), read_table(file)))
    return layers


def override_layers(overrides: Iterable[str]) -> list[Layer]:
    """Return what --set asks for: each is "section.key=value" with a TOML value, or a bare word. Raise ConfigError."""
    return [Layer(OVERRIDES, _moved(_table_of(override))) for override in overrides]


def read_table(path: Path) -> dict[str, Any]:
    """Return what stands in one file, under the keys that are used now. Raise ConfigError."""
    return _moved(_read(path))


def outdated(path: Path | None) -> Iterator[str]:
    """Yield what in the files is only read for old times' sake, and what to do. Raise ConfigError."""
    for file in files(path):
        for move in migrations.moved(_read(file), migrations.MOVES)[1]:
            yield f"{file}: {move}; `hearthside config --migrate` changes it in the file"


def _moved(table: dict[str, Any]) -> dict[str, Any]:
    return migrations.moved(table, migrations.MOVES)[0]


def _read(path: Path) -> dict[str, Any]:
    return _decoded(text_of(path), str(path))


def text_of(path: Path) -> str:
    """Return what is in a file. Raise ConfigError."""
    try:
        return read_text(path)
    except OSError as error:
        raise ConfigError(
            f"cannot read the configuration {path}: {error.strerror}; name another with --config"
        ) from error
    except NotTextError as error:
        raise ConfigError(f"{path}: {error}") from error


def _decoded(text: str, place: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except ValueError as error:
        # Also a number of more digits than Python takes.
        raise ConfigError(f"{place}: {complaints.about_syntax(text, str(error).split(';')[0])}") from error
    except RecursionError:
        raise ConfigError(f"{place}: lists and tables stand too deep in each other; correct its brackets") from None


def _table_of(override: str) -> dict[str, Any]:
    key, equals, text = override.partition("=")
    key = key.strip()
    if not equals or not key:
        raise ConfigError(f"--set takes KEY=VALUE, e.g. conversation.follow_up_s=0, not {shown(override)}")
    *tables, last = key.split(".")
    table = {last: _toml_value(text.strip())}
    for name in reversed(tables):
        table = {name: table}
    return table


def _toml_value(text: str) -> Any:
    try:
        found = tomllib.loads(f"value = {text}")
    except (ValueError, RecursionError):
        return text
    return found["value"] if len(found) == 1 else text
