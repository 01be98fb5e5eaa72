"""What each key of the configuration means: what its Section says of it in the source. For pages and the wizard."""

from __future__ import annotations

import ast
import inspect
import itertools
from typing import get_args, get_origin

import msgspec

from device.house import complaints
from device.house.catalogue import TABLES
from device.house.configuration import SCHEMA
from device.settings import Key


def meanings(kind: type[msgspec.Struct]) -> dict[str, str]:
    """Return what stands below each attribute of a Section, and of those that it is made from, on one line."""
    known = {table.name.rpartition(".")[2]: table.meaning for table in TABLES if table.meaning}
    return {**known, **{key: text for part in reversed(kind.__mro__) for key, text in _written(part).items()}}


def meaning(key: Key) -> str:
    """Return what a key means; "" for what is no key, and for the names in a table by name."""
    kind: type[msgspec.Struct] = SCHEMA
    names = list(key[:-1])
    while names:
        fields = {field.name: complaints.plain(field.type)[0] for field in msgspec.structs.fields(kind)}
        inner = fields.get(names.pop(0))
        if get_origin(inner) is dict:
            # A table by name: each name in it is a Section of one kind.
            inner, names = get_args(inner)[1], names[1:]
        if not complaints.is_section(inner):
            return ""
        kind = inner
    return meanings(kind).get(key[-1], "")


def _written(kind: type) -> dict[str, str]:
    """Return what the source of a class says below each attribute; of one that was composed there is none."""
    try:
        tree = ast.parse(inspect.getsource(kind))
    except (OSError, TypeError):
        return {}
    (section,) = tree.body
    assert isinstance(section, ast.ClassDef)
    return {
        before.target.id: " ".join(after.value.value.split())
        for before, after in itertools.pairwise(section.body)
        if isinstance(before, ast.AnnAssign)
        and isinstance(before.target, ast.Name)
        and isinstance(after, ast.Expr)
        and isinstance(after.value, ast.Constant)
        and isinstance(after.value.value, str)
    }
