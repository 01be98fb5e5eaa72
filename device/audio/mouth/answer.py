"""An answer on its way to the loudspeaker."""

from __future__ import annotations

from dataclasses import dataclass, field

from device.audio.mouth.soundqueue import Sound
from device.audio.resample import StreamResampler


@dataclass(eq=False, slots=True)
class Item:
    """An item of an answer, as received: counted at the conversation's rate."""

    name: str
    sound: Sound
    resampler: StreamResampler
    received: int = 0


@dataclass(eq=False, slots=True)
class AnswerPlayback:
    """What the conversation says in one turn."""

    turn: int
    items: list[Item] = field(default_factory=list)
    complete: bool = False
    started: bool = False
    lost: bool = False
    dry: bool = False
    sounding: int = 0
    until: float = 0.0
