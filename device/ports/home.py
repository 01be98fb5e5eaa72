"""The things of a home that is connected by somebody else, and who has them.

Domains, states, attributes and services are named as Home Assistant names them: whoever has things of another kind
translates.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from device.core.events import Way

NOT_THERE = ("unavailable", "unknown")
"""States of a thing that cannot be used now."""

MAKER = "Hearthside"
"""Who a speaker like this one says has made it, where it shows itself in a home: what it has there is for people."""


@dataclass(frozen=True, slots=True)
class Place:
    """A room, and the floor it is on."""

    id: str
    names: tuple[str, ...]
    """Its name, and other names for it."""
    floor: tuple[str, ...] = ()
    """The names of its floor."""

    @property
    def name(self) -> str:
        """Return what it is called."""
        return self.names[0]


@dataclass(frozen=True, slots=True)
class Thing:
    """An entity: a light, a scene, a sensor."""

    id: str
    """e.g. "light.kitchen_ceiling"."""
    names: tuple[str, ...]
    """Its name, and other names for it."""
    place: Place | None = None
    state: str = "unknown"
    attributes: Mapping[str, Any] = field(default_factory=dict)
    source: str = ""
    """The name of who has it."""
    device: str = ""
    """What is called so as a whole, where this is a part of it: a lock's battery, the second socket of a plug."""
    address: str = ""
    """Where it is reached, where another thing could come to have its id."""

    @property
    def domain(self) -> str:
        """Return what kind of thing it is: "light"."""
        return self.id.partition(".")[0]

    @property
    def name(self) -> str:
        """Return what it is called."""
        return self.names[0]


@dataclass(frozen=True, slots=True)
class Call:
    """A service of a domain ("light", "turn_on"), and what it is given beside the thing."""

    domain: str
    service: str
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Rules:
    """What a person has said about the things of a source."""

    area: str = ""
    """The room in which this device stands; "" where it was not said."""
    confirm: Way | None = None
    """How a person says yes to what `confirm_for` names; None: nobody can, and it is not done."""
    confirm_for: tuple[str, ...] = ()
    """Things, domains and rooms (`listing.is_guarded`) for which a yes is needed, unless it is harmless."""
    key: str = ""
    """Where `confirm` is set, with dots."""


class Source(Protocol):
    """Whoever has things: a server, a broker."""

    @property
    def name(self) -> str:
        """What people call it: "Home Assistant"; no two sources have the same."""

    @property
    def rules(self) -> Rules:
        """What was said of its things."""

    @property
    def is_connected(self) -> bool:
        """Whether what it says of its things is current, and something can be done with them."""

    @property
    def things(self) -> Iterable[Thing]:
        """What may be used, each with this source's name."""

    async def call(self, things: tuple[Thing, ...], call: Call) -> tuple[Thing, ...]:
        """Have it done; return those of the things that were told, but have not answered in time. Raise ToolError."""
