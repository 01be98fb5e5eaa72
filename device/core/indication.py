"""Status -> Indication by fixed priority: the one truth for LEDs and buttons."""

from __future__ import annotations

from enum import Enum

from device.core.status import Phase, Status


class Indication(Enum):
    """What the lights say, most important first."""

    MUTED = "muted"
    DEAF = "deaf"
    """The microphone or the wake-word engine does not work."""
    FAULT = "fault"
    """Something else does not work (speaker, panel)."""
    ERROR = "error"
    """The last conversation failed."""
    LISTENING = "listening"
    WAKING = "waking"
    THINKING = "thinking"
    SPEAKING = "speaking"
    OFFLINE = "offline"
    IDLE = "idle"
