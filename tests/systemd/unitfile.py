"""Reads unit files more strictly than systemd, which only warns of what it does not know, and takes the last of two."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

KEYS = {
    section: frozenset(keys.split())
    for section, keys in tomllib.loads(Path(__file__).with_name("keys_252.toml").read_text(encoding="utf-8")).items()
}
"""What systemd 252 knows in each section."""

SECTIONS = {".service": {"Unit", "Service", "Install"}, ".path": {"Unit", "Path"}, ".timer": {"Unit", "Timer"}}

ADDING = {
    *("After", "Before", "Wants", "Requires", "OnFailure", "Conflicts", "PartOf", "Documentation"),
    *("ExecStart", "ExecStartPre", "ExecStopPost", "Environment", "SupplementaryGroups"),
    *("LoadCredential", "LoadCredentialEncrypted", "SystemCallFilter", "DeviceAllow", "BindPaths", "BindReadOnlyPaths"),
    *("PathChanged", "WantedBy", "IPAddressAllow", "IPAddressDeny", "RestrictAddressFamilies", "ReadWritePaths"),
}
"""Keys that add to what was said before."""

_ASSIGNMENT = re.compile(r"([A-Za-z]+)=(.*)")


class UnitError(ValueError):
    """A file that is not as it should be."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """A line of a unit file."""

    section: str
    key: str
    value: str


class Unit:
    """A unit file, or one with drop-ins on it."""

    def __init__(self, assignments: tuple[Assignment, ...]) -> None:
        self.assignments = assignments

    def values(self, key: str) -> list[str]:
        """Return what is assigned to a key; an empty assignment forgets those before it."""
        values: list[str] = []
        for assignment in self.assignments:
            if assignment.key == key:
                values = [*values, assignment.value] if assignment.value else []
        return values

    def value(self, key: str) -> str:
        """Return what holds of a key: the last assignment. Raise UnitError."""
        values = self.values(key)
        if not values:
            raise UnitError(f"{key} is not set")
        return values[-1]

    def __add__(self, other: Unit) -> Unit:
        """Lay a drop-in over it."""
        return Unit((*self.assignments, *other.assignments))


def read(path: Path, kind: str = "") -> Unit:
    """Read a file; `kind` is the suffix of the unit that a drop-in is for. Raise UnitError."""
    return parse(path.read_text(encoding="utf-8"), kind or path.suffix)


def parse(text: str, kind: str) -> Unit:
    """Read the text of a unit. Raise UnitError."""
    assignments = tuple(_assignments(text, SECTIONS[kind]))
    for assignment in assignments:
        same = [other for other in assignments if other.key == assignment.key and other.section == assignment.section]
        if len(same) > 1 and assignment.key not in ADDING:
            raise UnitError(f"{assignment.key} stands there twice")
        if assignment.value and same.count(assignment) > 1:
            raise UnitError(f"{assignment.key}={assignment.value} stands there twice")
    return Unit(assignments)


def _assignments(text: str, sections: set[str]) -> Iterator[Assignment]:
    section, seen = "", set()
    for number, line in enumerate(text.splitlines(), 1):
        if not line or line.startswith("#"):
            continue
        if heading := re.fullmatch(r"\[(\w+)\]", line):
            section = heading[1]
            if section not in sections or section in seen:
                raise UnitError(f"line {number}: the section [{section}] does not belong here, or not twice")
            seen.add(section)
        else:
            yield _assignment(line, section, number)


def _assignment(line: str, section: str, number: int) -> Assignment:
    found = _ASSIGNMENT.fullmatch(line)
    if found is None or line != line.strip() or line.endswith("\\"):
        raise UnitError(f"line {number} is no assignment on one line: {line!r}")
    key, value = found.groups()
    if key not in KEYS.get(section, ()):
        raise UnitError(f"line {number}: systemd 252 knows no {key} in [{section}]")
    if " #" in value or value != value.strip():
        raise UnitError(f"line {number}: systemd takes a comment, and space, behind a value for a part of it")
    return Assignment(section, key, value)
