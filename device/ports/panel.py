"""Lights and buttons."""

from __future__ import annotations

from typing import Protocol

from device.core.indication import Indication


class Panel(Protocol):
    """Lights that show an indication; the button posts its facts by itself."""

    def show(self, indication: Indication) -> None:
        """Show it until told otherwise. Never raises."""

    def close(self) -> None:
        """Lights off, pins let go. Harmless when closed."""
