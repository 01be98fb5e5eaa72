"""Lights and buttons."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from device.core.indication import Indication
from device.units import Degrees

Direction = Callable[[], Degrees | None]
"""Say where a voice comes from, as the microphone array counts; None: it is not known now. Never waits; may be asked in
any thread."""


class Panel(Protocol):
    """Lights that show an indication; the button posts its facts by itself."""

    def show(self, indication: Indication) -> None:
        """Show it until told otherwise. Never raises.

        When this returns in an indication in which sound may leave, a light is lit, or DeviceFailed has been posted.
        """

    def show_volume(self, percent: int) -> None:
        """Show how loud the device speaks, for a moment, where there are lights enough. Never raises."""

    def close(self) -> None:
        """Lights off, pins let go. Harmless when closed."""
