"""Phase and Status: what the rest of the house may see of the machine."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from device.core.events import Device, MuteHolder


class Phase(Enum):
    """Where a conversation stands."""

    IDLE = "idle"
    """No session; only the wake-word model hears the microphone."""
    WAKING = "waking"
    """A session is being opened; audio is kept, none is sent."""
    LISTENING = "listening"
    """It is the person's turn to speak."""
    THINKING = "thinking"
    """An answer is waited for, and nothing of it is audible yet."""
    SPEAKING = "speaking"
    """An answer is audible, or more of it is coming."""


@dataclass(frozen=True, slots=True)
class Status:
    """The phase and the conditions beside it."""

    phase: Phase = Phase.IDLE
    muted: bool = False
    mute_held: frozenset[MuteHolder] = field(default_factory=frozenset)
    """What keeps it muted, whatever anybody asks for."""
    online: bool = True
    faults: frozenset[Device] = field(default_factory=frozenset)
    gate_open: bool = False
    turn: int = 0
    hearing: bool = False
    """A voice is being heard by the provider or by the button's turn."""
    ducked: bool = False
    failing: bool = False
    """The last conversation ended with an error, and the person is being told."""
    ringing: bool = False
    """A timer or an alarm rings."""
    announcing: bool = False
    """A sentence that nobody asked for is being said."""
    confirming: bool = False
    """A tool waits for the person's permission."""
    pressed: bool = False
    """A button is down."""
    heeds_stop: bool = False
    """Something sounds that a stop word would end."""
    awaits_word: bool = False
    """The house answers, and a wake word might have to interrupt it."""
    persona: str = ""
    """Who answers in the next session, unless a wake word of another one opens it; "": nobody in particular."""
    wake_word: str = ""
    """The only wake word that wakes; "": all of them do."""

    def heeds(self, word: str) -> bool:
        """Tell whether this wake word wakes."""
        return self.wake_word in ("", word)
