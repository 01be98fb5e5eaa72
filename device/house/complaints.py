"""What is wrong with a table of settings, in words: which key, what it says, and what would be right.

All of it is told from the Sections themselves: their keys, their types, and what `Meta` says of them.
"""

from __future__ import annotations

import re
import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import FieldInfo, fields

from device.house.catalogue import PROVIDERS
from device.house.layers import dotted
from device.kit.words import choices, did_you_mean, nearest, shown
from device.settings import Key

# Of whom one key is most likely.
_KEY = next(name for provider in PROVIDERS for name in provider.secrets)
KEY_BELONGS = (
    "a key does not belong in the configuration, which others may read: remove it there, and put it into the "
    f"environment variable {_KEY}, or into a file that systemd hands to the service "
    f"(LoadCredential={_KEY.lower()}:FILE)"
)

# So many places are named where a key of this name would be right.
_MOST_PLACES = 3
_SECRET_NAME = re.compile(r"^(.*[-_])?(api[-_]?key|key|token|secret|password)$", re.IGNORECASE)
_SECRET_LINE = re.compile(r"^\s*(export\s+)?[\w.-]*api[-_]?key\b", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Complaint:
    """`key` is the whole one; `text` names it and says what is wrong with it and what to do."""

    key: Key
    text: str


def about_unknown(table: Mapping[str, Any], root: type[Struct]) -> Complaint | None:
    """Return what is to be said about the first key that no Section has."""
    for path, kind, value in _unknown(table, root, ()):
        return Complaint(path, _about_unknown(path, kind, value, root))
    return None


def about_misfit(table: Mapping[str, Any], root: type[Struct]) -> Complaint | None:
    """Return what is to be said about the first value that its Section does not take."""
    for path, kind, value in _misfits(table, root, ()):
        return Complaint(path, _about_misfit(path, kind, value))
    return None


def about_syntax(text: str, problem: str) -> str:
    """Return what is to be said about a file that is not TOML."""
    if _SECRET_LINE.search(text):
        return f"it is not valid TOML ({problem}); {KEY_BELONGS}"
    hint = '; text stands in quotes: name = "text"' if "Invalid value" in problem else ""
    return f"it is not valid TOML: {problem}{hint}"


def wanted(kind: Any) -> str:
    """Return what a value of this type is, in words: "a number from 0 to 1"."""
    kind, metas = plain(kind)
    if described := next((meta.description for meta in metas if meta.description), None):
        return described
    origin = get_origin(kind)
    if origin is Literal:
        return choices(get_args(kind))
    if kind in (int, float):
        return ("a whole number" if kind is int else "a number") + _range(metas)
    if origin is dict:
        return f"a table: for each name {wanted(get_args(kind)[1])}"
    if origin is tuple:
        return "a list of texts in quotes"
    return {bool: "true or false, without quotes", str: "text in quotes"}.get(kind, "a table")


def _range(metas: Sequence[Meta]) -> str:
    bounds = [(meta.ge, meta.le) for meta in metas if meta.ge is not None and meta.le is not None]
    return f" from {bounds[0][0]:.12g} to {bounds[0][1]:.12g}" if bounds else ""


def plain(kind: Any) -> tuple[Any, list[Meta]]:
    """Return a type without its Annotated and without its None, and what stood in Annotated."""
    metas: list[Meta] = []
    while True:
        if get_origin(kind) is Annotated:
            kind, *more = get_args(kind)
            metas += [meta for meta in more if isinstance(meta, Meta)]
        elif get_origin(kind) in (Union, types.UnionType):
            kind = next(part for part in get_args(kind) if part is not type(None))
        else:
            return kind, metas


@cache
def _fields(kind: type[Struct]) -> dict[str, FieldInfo]:
    # Kept, for msgspec evaluates all annotations of a class anew whenever it is asked, and every key asks.
    return {field.name: field for field in fields(kind)}


def is_section(kind: Any) -> typing.TypeGuard[type[Struct]]:
    return isinstance(kind, type) and issubclass(kind, Struct)


def _inner(kind: Any, name: str) -> Any:
    """Return the type of what a table of this type has as `name`; None when it has no tables or no such name."""
    bare, _ = plain(kind)
    if is_section(bare):
        field = _fields(bare).get(name)
        return field.type if field else None
    return get_args(bare)[1] if get_origin(bare) is dict else None


_Found = Iterator[tuple[tuple[str, ...], Any, Any]]
"""Path of the key, the type (of what is found, or of the table in which it is unknown), and its value."""


def _unknown(table: Mapping[str, Any], kind: Any, path: tuple[str, ...]) -> _Found:
    for name, value in table.items():
        inner = _inner(kind, name)
        if inner is None:
            yield (*path, name), kind, value
        elif isinstance(value, dict) and _holds_keys(inner):
            yield from _unknown(value, inner, (*path, name))


def _misfits(table: Mapping[str, Any], kind: Any, path: tuple[str, ...]) -> _Found:
    bare, _ = plain(kind)
    for name, value in table.items():
        inner = _inner(bare, name)
        if inner is not None and isinstance(value, dict) and _holds_keys(inner):
            yield from _misfits(value, inner, (*path, name))
        elif inner is not None and not _fits(value, inner):
            yield (*path, name), inner, value
    if is_section(bare):
        lacking = [field for field in _fields(bare).values() if field.required and field.name not in table]
        yield from (((*path, field.name), field.type, _LACKING) for field in lacking)


def _holds_keys(kind: Any) -> bool:
    bare, _ = plain(kind)
    return is_section(bare) or get_origin(bare) is dict


def _fits(value: object, kind: Any) -> bool:
    if any(not _is_text(text) for text in (value if isinstance(value, list) else [value]) if isinstance(text, str)):
        return False
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError:
        return False
    return True


def _is_text(text: str) -> bool:
    """Tell whether it can be a name or be sent: no zero in it, nor bytes that are no UTF-8 (from a command line)."""
    return "\0" not in text and not any("\ud800" <= letter <= "\udfff" for letter in text)


_LACKING = object()
"""In the place of a value that is not there, and must be."""


def _about_misfit(path: Sequence[str], kind: Any, value: object) -> str:
    form = _form(path, kind)
    if value is _LACKING:
        return f"[{dotted(path[:-1])}] lacks {path[-1]}; give {wanted(kind)}{form}"
    return f"{dotted(path)} = {shown(value)} is not possible; give {wanted(kind)}{form}"


def _form(path: Sequence[str], kind: Any) -> str:
    """Return how it is written, where that is not plain from what is wanted."""
    bare, metas = plain(kind)
    if is_section(bare):
        return f": [{dotted(path)}]{_required(bare)}"
    examples = [example for meta in metas for example in meta.examples or ()]
    if not examples:
        return ""
    if isinstance(examples[0], dict):
        name, value = next(iter(examples[0].items()))
        if isinstance(value, dict):
            return f", e.g. [{dotted([*path, name])}] with {_pairs(value)}"
        return f", e.g. {path[-1]} = {{ {name} = {value} }}"
    return f", e.g. {path[-1]} = {_toml(examples[0])}"


def _required(kind: type[Struct]) -> str:
    """Return " with pin = 17" for a table that must have a pin."""
    needed = [field for field in _fields(kind).values() if field.required]
    examples = {
        field.name: example for field in needed for meta in plain(field.type)[1] for example in meta.examples or ()
    }
    return f" with {_pairs(examples)}" if examples else ""


def _pairs(values: Mapping[str, object]) -> str:
    return ", ".join(f"{name} = {_toml(value)}" for name, value in values.items())


def _toml(value: object) -> str:
    return f"[{', '.join(map(shown, value))}]" if isinstance(value, list) else shown(value)


def _about_unknown(path: Sequence[str], kind: Any, value: object, root: type[Struct]) -> str:
    if any(map(_SECRET_NAME.match, _names(path[-1], value))):
        return f"{dotted(path)}: {KEY_BELONGS}"
    section = f" in [{dotted(path[:-1])}]" if path[:-1] else ""
    return f'there is no key "{_short(path[-1])}"{section}; {_meant(path[-1], list(_fields(plain(kind)[0])), root)}'


def _names(name: str, value: object) -> Iterator[str]:
    """Yield a key's name, and those of all that is in it: without recursion, for it may be deep."""
    pending = [(name, value)]
    while pending:
        name, value = pending.pop()
        yield name
        if isinstance(value, dict):
            pending += value.items()


def _short(name: str) -> str:
    return shown(name)[1:-1]


def _meant(name: str, known: Sequence[str], root: type[Struct]) -> str:
    places = dict(_places(root, ()))
    same = [key for key, last in places.items() if last == name]
    elsewhere = nearest(name, places.values())
    near = [key for key, last in places.items() if last in elsewhere]
    meant = same or nearest(name, known) or near
    return did_you_mean(meant[:_MOST_PLACES]) or f"known here: {', '.join(sorted(known))}"


def _places(kind: type[Struct], path: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Yield every key there is: whole, and its last part."""
    for name, field in _fields(kind).items():
        yield dotted([*path, name]), name
        bare, _ = plain(field.type)
        if is_section(bare):
            yield from _places(bare, (*path, name))
