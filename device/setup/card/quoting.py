"""Texts that people chose, written so that YAML, TOML and NetworkManager read back just them."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_PLAIN = re.compile(r"[a-z][a-z0-9_-]+")
# What YAML 1.1 takes for something else than a text.
_NOT_TEXTS = frozenset(("yes", "no", "on", "off", "true", "false", "null"))


def quoted(text: str) -> str:
    """Return it in double quotes as YAML and TOML both read it: what is not plain ASCII stands there by number."""
    return '"' + "".join(map(_escaped, text)) + '"'


def yaml(table: Mapping[str, Any]) -> str:
    """Return a table of tables, lists, texts, numbers and truths as YAML."""
    return "".join(f"{line}\n" for line in _lines(table, ""))


def base64_text(text: str) -> str:
    """Return a text as cloud-init's `encoding: b64` takes it."""
    return base64.b64encode(text.encode()).decode()


def keyfile_value(text: str) -> str:
    r"""Return it as GLib's key files have it: a space at the beginning is \s, a backslash is doubled."""
    escaped = text.replace("\\", "\\\\").replace("\t", "\\t")
    spaces = len(escaped) - len(escaped.lstrip(" "))
    return "\\s" * spaces + escaped[spaces:]


def _escaped(letter: str) -> str:
    if letter in '"\\':
        return f"\\{letter}"
    if " " <= letter <= "~":
        return letter
    code = ord(letter)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _lines(table: Mapping[str, Any], indent: str) -> Iterator[str]:
    for key, value in table.items():
        if isinstance(value, Mapping) and value:
            yield f"{indent}{_key(key)}:"
            yield from _lines(value, f"{indent}  ")
        elif isinstance(value, (list, tuple)) and value:
            yield f"{indent}{_key(key)}:"
            yield from (f"{indent}  - {_inline(item)}" for item in value)
        else:
            yield f"{indent}{_key(key)}: {_inline(value)}"


def _key(key: str) -> str:
    return key if _PLAIN.fullmatch(key) and key not in _NOT_TEXTS else quoted(key)


def _inline(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_key(key)}: {_inline(item)}" for key, item in value.items()) + "}"
    if isinstance(value, Sequence):
        return "[" + ", ".join(map(_inline, value)) + "]"
    return str(value)
