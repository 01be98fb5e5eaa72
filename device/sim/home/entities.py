"""What a simulated home has: its things, rooms and floors, and the services that were called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


class RefusedError(Exception):
    """A command is refused, with a code and a message as Home Assistant writes them."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass
class Entity:
    """What it is in the registries, and its state."""

    name: str
    """What its device is called, and it is as well."""
    state: str = "off"
    area: str | None = None
    """That of its device."""
    aliases: tuple[str, ...] = ()
    exposed: bool = True
    attributes: dict[str, Any] = field(default_factory=dict)
    renamed: str | None = None
    """What somebody calls its device instead."""
    own_name: str | None = None
    """What it is called beside its device."""
    maker: str | None = None
    """Who has made its device."""
    registered: bool = True
    """Whether the registries know it; what is written in a file without an id of its own, they do not."""
    does: Mapping[str, tuple[str, Mapping[str, Any]]] = field(default_factory=dict)
    """Of a scene or a script: the state and the attributes that things have afterwards."""

    @property
    def friendly_name(self) -> str:
        """What is shown of it."""
        device = self.renamed or self.name
        return f"{device} {self.own_name}" if self.own_name else device


@dataclass
class Area:
    """A room."""

    name: str
    floor: str | None = None
    aliases: tuple[str, ...] = ()


@dataclass
class Floor:
    """A floor."""

    name: str
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ServiceCall:
    """A service that was called."""

    service: str
    """With its domain: "light.turn_on"."""
    entities: tuple[str, ...]
    data: Mapping[str, Any]
