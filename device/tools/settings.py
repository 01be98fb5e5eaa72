"""What can be set about the tools."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta

from device.settings import Claim, Pin, Section


class Relay(Section, frozen=True):
    """A switch on a GPIO pin."""

    pin: Pin
    """The pin that the relay is wired to."""
    active_high: bool = True
    """Whether a high pin (3.3 V) switches it on; false for most cheap relay boards."""
    safe: bool = False
    """Its safe state, set when the program starts and ends: true = on."""

    def claims(self) -> Iterator[Claim]:
        """Yield its pin."""
        yield Claim("pin", "GPIO", self.pin)


class Tools(Section, frozen=True):
    """The home."""

    timeout_s: Annotated[float, Meta(ge=0.1, le=300.0)] = 20.0
    """How long a tool may take, in seconds, before the model is told that it failed."""
