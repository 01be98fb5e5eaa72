"""Status -> Indication by fixed priority: the one truth for LEDs and buttons."""

from __future__ import annotations

from enum import Enum

from device.core.events import Device
from device.core.status import Phase, Status


class Indication(Enum):
    """What the lights say, most important first."""

    MUTED = "muted"
    LISTENING = "listening"
    CONFIRMING = "confirming"
    """A tool waits for the person's permission."""
    WAKING = "waking"
    THINKING = "thinking"
    SPEAKING = "speaking"
    RINGING = "ringing"
    """A timer or an alarm is due."""
    ANNOUNCING = "announcing"
    """The device says something that nobody asked for."""
    DEAF = "deaf"
    """The microphone or the wake-word engine does not work."""
    ERROR = "error"
    """The last conversation failed."""
    FAULT = "fault"
    """Something else does not work (speaker, light, disk)."""
    PRESSED = "pressed"
    """A button is down, and there is nothing else to show: the press was felt."""
    OFFLINE = "offline"
    """The last session could not be opened."""
    IDLE = "idle"


_OF_PHASE = {
    Phase.WAKING: Indication.WAKING,
    Phase.LISTENING: Indication.LISTENING,
    Phase.THINKING: Indication.THINKING,
    Phase.SPEAKING: Indication.SPEAKING,
}


def indication(status: Status) -> Indication:
    """Return what the lights must say.

    Mute comes before everything, and a conversation before faults: while the gate may be open the person must see it.
    A question for permission stands before the rest of a conversation, but not before the person's turn to speak.
    """
    if status.muted:
        return Indication.MUTED
    if status.confirming and status.phase is not Phase.LISTENING:
        return Indication.CONFIRMING
    if status.phase is not Phase.IDLE:
        return _OF_PHASE[status.phase]
    return _speaking_first(status) or _trouble(status) or Indication.IDLE


def _speaking_first(status: Status) -> Indication | None:
    if status.ringing:
        return Indication.RINGING
    return Indication.ANNOUNCING if status.announcing else None


def _trouble(status: Status) -> Indication | None:
    if status.faults & {Device.MICROPHONE, Device.WAKE_WORD}:
        return Indication.DEAF
    if status.failing:
        return Indication.ERROR
    if status.faults:
        return Indication.FAULT
    if status.pressed:
        return Indication.PRESSED
    return None if status.online else Indication.OFFLINE
