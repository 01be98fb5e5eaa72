#!/usr/bin/env python3
"""Draw the page of all configuration keys from the Sections that declare them.

scripts/draw_settings.py          rewrites docs/configuration.md
scripts/draw_settings.py --check  exits with 1 when docs/configuration.md is stale
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from typing import Any, get_args, get_origin

import drawing
import msgspec

from device.house import complaints
from device.house.configuration import SCHEMA
from device.house.meanings import meanings

HEAD = """# Every key of the configuration

Drawn by `scripts/draw_settings.py` from the Sections that the rooms declare; do not edit. A test fails when this page
is stale.

The file is TOML, named with `--config FILE`; without that it is `/etc/hearthside/config.toml`, and where there is none
the defaults hold. It says only what differs from them. `--set SECTION.KEY=VALUE` sets a key for a single run. The log
says at the start which files were read. A wrong key or value is refused with what is meant, and exit code 78.

Files in the folder `config.d` beside it, whose names end in `.toml`, are read after it in the order of their names.
What is built in, the board (`hardware.profile`), the file, `config.d` and `--set` are laid over each other in this
order: what comes later wins, for each key by itself, also when it says what is built in. `hearthside config` prints
every setting that holds and where it was set; `hearthside config --check` only says whether the files are right (exit
code 0), or what is not.

The API key does not belong here: it is the environment variable `OPENAI_API_KEY`, or the systemd credential
`openai_api_key`.
"""


def sections(kind: type[msgspec.Struct], name: str = "") -> Iterator[tuple[str, type[msgspec.Struct]]]:
    """Yield every table: its name in the file, and the Section."""
    yield name, kind
    for field in msgspec.structs.fields(kind):
        inner, _ = complaints.plain(field.type)
        inner_name = f"{name}.{field.name}".lstrip(".")
        if complaints.is_section(inner):
            yield from sections(inner, inner_name)
        elif get_origin(inner) is dict and complaints.is_section(get_args(inner)[1]):
            yield from sections(get_args(inner)[1], f"{inner_name}.NAME")


def default(field: msgspec.structs.FieldInfo) -> str:
    """Return a default as the file would say it."""
    if field.required:
        return "must be given"
    value = {} if field.default is msgspec.NODEFAULT else field.default
    return f"`{toml(value)}`" if value is not None else "unset"


def toml(value: Any) -> str:
    """Return a value in TOML."""
    match value:
        case bool():
            return str(value).lower()
        case str():
            return f'"{value}"'
        case tuple():
            return f"[{', '.join(map(toml, value))}]"
        case dict():
            return "{}"
    return f"{value:g}" if isinstance(value, float) else str(value)


def table(name: str, kind: type[msgspec.Struct], meaning: dict[str, str]) -> str:
    """Return the keys of a Section as a Markdown table."""
    lines = [
        f"## `[{name}]`",
        "",
        # Python 3.13 takes the indentation away by itself.
        inspect.cleandoc(kind.__doc__ or ""),
        "",
        "| key | value | default | meaning |",
        "| --- | --- | --- | --- |",
    ]
    for field in msgspec.structs.fields(kind):
        if not complaints.is_section(complaints.plain(field.type)[0]):
            cells = (f"`{field.name}`", complaints.wanted(field.type), default(field), meaning.get(field.name, ""))
            lines.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")
    return "\n".join(lines)


def page() -> str:
    """Return the whole page."""
    tables = [table(name, kind, meanings(kind)) for name, kind in sections(SCHEMA) if name]
    # A section that only holds others has no keys of its own.
    return "\n\n".join([HEAD.rstrip(), *(text for text in tables if text.count("\n") > 5)]) + "\n"


if __name__ == "__main__":
    sys.exit(drawing.main(__doc__ or "", "configuration.md", page))
