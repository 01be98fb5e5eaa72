"""The sound cards, and the ways from the microphone and to the loudspeaker."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Protocol

from device.core.actions import Cue
from device.units import Hz, Samples


class Microphone(Protocol):
    """A source of 16 kHz mono s16le frames, all of one length."""

    async def open(self) -> None:
        """Start capturing. Raise DeviceNotFoundError or AudioError, which is posted as DeviceFailed, too."""

    async def close(self) -> None:
        """Stop capturing and let the device go. Harmless when it is closed."""


class Speaker(Protocol):
    """A sound card's output that pulls what it plays from a source."""

    rate: Hz

    async def open(self) -> None:
        """Start pulling. Raise DeviceNotFoundError or AudioError."""

    async def close(self) -> None:
        """Stop at once, dropping what has not left the card. Harmless when it is closed."""


class Ear(Protocol):
    """The way from the microphone to everyone who listens; owns the gate."""

    def open_gate(self, since: Samples | None, until: Samples | None = None, voiced_only: bool = False) -> None:
        """Let audio out from `since` (None: from now) on, or exactly the span to `until`.

        With `voiced_only`, of what comes from now on only voices with their padding. An open gate may be switched.
        """

    def close_gate(self) -> None:
        """Let nothing out any more but the end of what was let out, which a filter may hold back."""

    def cut_gate(self) -> None:
        """Let nothing out any more, not even that."""

    def clear(self) -> None:
        """Shut the gate and forget all sound: nothing from before this moment can leave any more."""


class Mouth(Protocol):
    """The queue to the loudspeaker."""

    def warm_up(self) -> None:
        """Open the loudspeaker: there will be something to play."""

    def play_reply(self, turn: int, item: str, pcm: bytes) -> None:
        """Queue a piece of an answer."""

    def end_reply_item(self, turn: int, item: str) -> None:
        """All audio of the item was queued."""

    def end_reply(self, turn: int) -> None:
        """The answer is complete: PlaybackFinished follows when all of it has left the sound card."""

    def read_reply(self, turn: int, pcm: bytes, rate: Hz) -> None:
        """Queue what the local voice says in the place, or behind the end, of an answer (s16le mono)."""

    def stop(self) -> None:
        """Flush everything; PlaybackStopped is posted."""

    def duck(self) -> None:
        """Play quietly."""

    def unduck(self) -> None:
        """Play at full volume."""

    def play_cue(self, cue: Cue) -> None:
        """Play a short sound of our own."""

    def play_announcement(self, pcm: bytes, rate: Hz) -> None:
        """Play a sentence of our own (s16le mono)."""


class Voice(Protocol):
    """A local voice for what must be said without the provider."""

    rate: Hz

    def speak(self, text: str) -> Awaitable[bytes]:
        """Return the sentence as s16le mono PCM at `rate`. Raise SpeechError."""


class Volume(Protocol):
    """How loud the device speaks, in percent. Both raise AudioError."""

    async def get(self) -> int:
        """Return it."""

    async def set(self, percent: int) -> int:
        """Set it, 0 to 100; return what became of it."""
