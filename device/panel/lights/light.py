"""What every driver of lights offers."""

from __future__ import annotations

from typing import Protocol

from device.foreign.pixels import Frame


class Light(Protocol):
    """Lights that can be written to; a single LED has one pixel. After its creation it belongs to one thread."""

    @property
    def count(self) -> int:
        """How many pixels there are."""

    @property
    def dimmable(self) -> bool:
        """False: whatever is not dark is fully lit."""

    def write(self, frame: Frame) -> None:
        """Show a frame of `count` colours; opens what went away before. Raise PanelError: who knows what it shows."""

    def close(self) -> None:
        """Switch off, and let everything go. Harmless when closed. Raise PanelError."""
