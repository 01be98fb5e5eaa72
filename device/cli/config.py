"""hearthside config: the configuration that holds, and where each value was set that is not built in."""

from __future__ import annotations

import argparse
import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from device.cli.run import add_configuration
from device.errors import ConfigError
from device.house import configuration, migrations, sources
from device.house.configuration import PROFILE, Effective
from device.kit.tomltext import toml_key, toml_value
from device.kit.words import masked
from device.settings import Key, Section

_DESCRIPTION = (
    "Prints every setting that holds, as TOML; behind those that are not built in stands what has set them: the board, "
    "a file, or --set. What looks like a key is not shown."
)


def add_to(commands: Any) -> None:
    """Add the command to the parser's subcommands."""
    parser = commands.add_parser(
        "config", help="print the settings that hold, and where from", description=_DESCRIPTION
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--check", action="store_true", help="only say whether it is right, or what is not")
    what.add_argument("--migrate", action="store_true", help="rename, in the files, keys that have other names by now")
    add_configuration(parser)
    parser.set_defaults(command=_run)


def _run(options: argparse.Namespace) -> int:
    effective = configuration.read(options.config, options.overrides)
    if options.migrate:
        for file in sources.files(options.config):
            _migrate(file)
    elif options.check:
        print(f"the configuration is right: {sources.named(options.config)}")
    else:
        print("\n".join(lines(effective)))
    return 0


def _migrate(file: Path) -> None:
    try:
        text, moves = migrations.rewritten(sources.text_of(file), migrations.MOVES)
        if moves:
            _replace(file.resolve(), text)
    except ConfigError as error:
        raise ConfigError(f"{file}: {error}") from error
    except OSError as error:
        raise ConfigError(f"{file} cannot be changed: {error.strerror}") from error
    for move in moves:
        print(f"{file}: {move}")


def _replace(file: Path, text: str) -> None:
    """Write a file anew, in one step, with its owner and its rights."""
    new = file.with_name(f".{file.name}.new")
    there = file.stat()
    with new.open("w", encoding="utf-8") as written:
        os.fchown(written.fileno(), there.st_uid, there.st_gid)
        os.fchmod(written.fileno(), stat.S_IMODE(there.st_mode))
        written.write(text)
        written.flush()
        os.fsync(written.fileno())
    new.replace(file)


def lines(effective: Effective) -> Iterator[str]:
    """Yield it as TOML, with a comment behind each value that was set. Read again, it is the same."""
    yield "# Behind a value stands where it was set; without that it is built in."
    for path, table in _tables(effective.config, ()):
        values = {name: value for name, value in table.items() if not _is_table(value)}
        if values:
            yield ""
            yield f"[{_toml_key(path)}]"
        for name, value in values.items():
            yield _line((*path, name), value, _origin(effective, (*path, name)))


def _tables(value: Any, path: Key) -> Iterator[tuple[Key, Mapping[str, Any]]]:
    """Yield every table with what is in it, from the outside to the inside."""
    table = {name: getattr(value, name) for name in value.__struct_fields__} if isinstance(value, Section) else value
    yield path, table
    for name, inner in table.items():
        if _is_table(inner):
            yield from _tables(inner, (*path, name))


def _origin(effective: Effective, key: Key) -> str:
    """Return where a value was set; of "auto" also what was found."""
    set_in, board = effective.layers.origins.get(key, ""), effective.board
    found = [board.said] if key == PROFILE and board.why else []
    return "; ".join(filter(None, [set_in, *found, *([board.to_do] if found else [])]))


def _is_table(value: object) -> bool:
    return isinstance(value, (Section, dict))


def _line(key: Key, value: Any, origin: str) -> str:
    name = _toml_key(key[-1:])
    if value is None:
        return f"# {name} is not set"
    return f"{name} = {_toml(value)}" + (f"  # {_printable(origin)}" if origin else "")


def _toml_key(key: Key) -> str:
    return toml_key([masked(name) for name in key])


def _toml(value: Any) -> str:
    return toml_value(tuple(map(_masked, value)) if isinstance(value, tuple) else _masked(value))


def _masked(value: Any) -> Any:
    return masked(value) if isinstance(value, str) else value


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else "?" for letter in text)
