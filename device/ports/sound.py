"""The sound cards, and the ways from the microphone and to the loudspeaker."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from device.core.actions import Cue
from device.units import Hz, Samples


class Microphone(Protocol):
    """A source of 16 kHz mono s16le frames, all of one length.

    It is made with who gets them, on the event loop's thread: `on_frame(pcm, moment)`, one or more whole frames and
    when (s, `time.monotonic`) the first of their samples was captured. Once it is to be open, a fault is posted as
    DeviceFailed and tried again until it works, which is posted as DeviceRecovered.
    """

    async def open(self) -> None:
        """Start capturing. Raise DeviceNotFoundError, ConfigError or AudioError: the fault is posted, too."""

    async def close(self) -> None:
        """Stop capturing and let the device go: no frame comes any more. Harmless when it is closed."""

    @property
    def is_closed(self) -> bool:
        """Whether it is certain that it captures nothing."""

    @property
    def losses(self) -> int:
        """How often sound was lost since it was made, because the machine was too busy."""

    @property
    def works(self) -> bool:
        """Whether it is open and sound keeps coming."""

    async def settle(self) -> bool:
        """After `open`, wait until it is known whether sound comes, some seconds at most; return `works`."""

    def adapt(self) -> None:
        """How soon its frames are needed may have changed: find out, and gather them for a longer or shorter time.

        Harmless at any time; no sound is lost or told twice.
        """


Source = Callable[[int, float], bytes]
"""Asked for a number of samples, the first of which reaches the DAC at a moment (s, `time.monotonic`); returns exactly
so many (s16le mono at the speaker's rate). Must not block, nor raise."""


class Speaker(Protocol):
    """A sound card's output that asks a source for what it plays.

    Once it is to be open, a fault is posted as DeviceFailed and tried again until it works, which is posted as
    DeviceRecovered. Then it asks the source again.
    """

    rate: Hz
    """Known for certain once it is open; settled anew with each opening."""

    def attach(self, source: Source, on_lost: Callable[[], None], on_break: Callable[[float], None]) -> None:
        """Name the source, and who is told of what is not heard; before the first opening.

        `source` and `on_break` are called in a thread of the sound card's, at most one of them at a time; `on_lost` on
        the event loop's. `on_break(moment)`: at that moment (s, `time.monotonic`) the card had nothing left to play;
        what had not sounded by then never will, and what follows does not join on. `on_lost()`: the card went away.
        """

    async def open(self) -> None:
        """Begin to ask the source. Raise DeviceNotFoundError, ConfigError or AudioError: the fault is posted, too."""

    async def close(self) -> None:
        """Stop at once, dropping what has not left the card. Harmless when it is closed."""

    @property
    def losses(self) -> int:
        """How often nothing was there to be played since it was made, because the machine was too busy."""

    async def flush(self) -> float:
        """Drop what has not left the card, which `on_break` is told; it goes on asking the source.

        Return when it fell silent (s, `time.monotonic`). Raise AudioError when the card does not.
        """


class Ear(Protocol):
    """The way from the microphone to everyone who listens; owns the gate. Nothing here waits or raises.

    Positions are samples of the capture stream (16 kHz), counted from its start.
    """

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

    def position_at(self, moment: float) -> Samples:
        """Return which sample of the capture stream is captured at `moment` (s, `time.monotonic`)."""


class Mouth(Protocol):
    """The queue to the loudspeaker. Nothing here waits or raises; without a sound card answers end unheard."""

    def warm_up(self) -> None:
        """Open the loudspeaker: there will be something to play."""

    def play_answer(self, turn: int, item: str, pcm: bytes) -> None:
        """Queue a piece of an answer (s16le mono at the conversation's `output_rate`)."""

    def end_answer_item(self, turn: int, item: str) -> None:
        """All audio of the item was queued."""

    def end_answer(self, turn: int) -> None:
        """The answer is complete: PlaybackFinished follows when all of it has left the sound card."""

    def read_answer(self, turn: int, pcm: bytes, rate: Hz) -> None:
        """Queue what the local voice says in the place, or behind the end, of an answer (s16le mono at `rate`)."""

    def stop(self) -> None:
        """Fall silent and drop all that is queued. If there was an answer, PlaybackStopped is posted, perhaps later."""

    def duck(self) -> None:
        """Play quietly."""

    def unduck(self) -> None:
        """Play at the volume that is set."""

    def play_cue(self, cue: Cue) -> None:
        """Queue a short sound of our own."""

    def play_announcement(self, pcm: bytes, rate: Hz) -> None:
        """Queue a sentence of our own (s16le mono at `rate`)."""

    def say(self, pcm: bytes, rate: Hz, on_heard: Callable[[bool], None]) -> None:
        """Queue an announcement (s16le mono at `rate`).

        `on_heard` is told once: True when all of it has left the loudspeaker, False when it never will, and nothing
        after `stop`.
        """

    def ring(self, ducked: bool) -> None:
        """Ring, beside all that is played, until told to stop; `ducked`: quietly. `stop` does not end it."""

    def stop_ringing(self) -> None:
        """Ring no more."""


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


class VolumeOfHouse(Volume, Protocol):
    """The one volume of the house, whatever it is set by."""

    async def change(self, by: int) -> int:
        """Make it louder by so many percentage points (negative: quieter), as far as the scale goes; return what became
        of it. One after the other: each begins where the one before it has led. Raise AudioError."""

    watchers: list[Callable[[int], None]]
    """Told, in percent, what became of each change."""
