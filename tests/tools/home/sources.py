"""A source of things that does what it is told, and remembers it."""

from __future__ import annotations

from dataclasses import dataclass, field

from device.errors import ToolError
from device.ports.home import Call, Rules, Thing


@dataclass
class FakeSource:
    """Implements ports.home.Source."""

    name: str
    things: tuple[Thing, ...] = ()
    rules: Rules = field(default_factory=Rules)
    is_connected: bool = True
    silent: tuple[str, ...] = ()
    """The ids of those that do not answer."""
    refuses: str = ""
    calls: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)

    async def call(self, things: tuple[Thing, ...], call: Call) -> tuple[Thing, ...]:
        """Note it."""
        if self.refuses:
            raise ToolError(self.refuses)
        self.calls.append((call.service, tuple(thing.id for thing in things)))
        return tuple(thing for thing in things if thing.id in self.silent)
