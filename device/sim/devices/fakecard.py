"""A fake sound card: microphone and loudspeaker in memory, without a sound system; time is virtual."""

from __future__ import annotations

import time
from collections.abc import Callable

from device.audio.cards.capture import Pace
from device.ports.sound import Source
from device.units import BYTES_PER_SAMPLE, CAPTURE_RATE, Hz, Ms, Samples, samples_from_ms


class FakeMicrophone:
    """A `device.ports.sound.Microphone` that hears what is pushed into it."""

    def __init__(
        self,
        on_frame: Callable[[bytes, float], None],
        frame_ms: int = 20,
        pace: Callable[[], Pace] = lambda: Pace.HURRIED,
    ) -> None:
        self._on_frame = on_frame
        self._frame_ms = frame_ms
        self._pace = pace
        self._held = b""
        self.is_open = False

    async def open(self) -> None:
        """Start hearing."""
        self._held = b""
        self.is_open = True

    async def close(self) -> None:
        """Stop hearing."""
        self.is_open = False

    @property
    def is_closed(self) -> bool:
        """Whether it is not open."""
        return not self.is_open

    @property
    def losses(self) -> int:
        """It loses nothing."""
        return 0

    @property
    def works(self) -> bool:
        """Whether it is open."""
        return self.is_open

    async def settle(self) -> bool:
        """Return whether it works, which is known at once."""
        return self.works

    def adapt(self) -> None:
        """Hand over the sound held, if it is enough for the present pace."""
        self._hand_over()

    def push(self, pcm: bytes) -> None:
        """Make a sound (16 kHz mono s16le); it is lost while the microphone is closed."""
        if self.is_open:
            self._held += pcm
            self._hand_over()

    def _hand_over(self) -> None:
        size = samples_from_ms(Ms(max(self._pace(), self._frame_ms)), CAPTURE_RATE) * BYTES_PER_SAMPLE
        while self.is_open and len(self._held) >= size:
            frames, self._held = self._held[:size], self._held[size:]
            self._on_frame(frames, time.monotonic())


class FakeSpeaker:
    """A `device.ports.sound.Speaker` that plays into memory, `delay_ms` after it pulled; its time is virtual."""

    def __init__(self, rate: Hz = Hz(24_000), block_ms: int = 5, delay_ms: int = 15) -> None:
        self.rate = rate
        self._block = samples_from_ms(block_ms, rate)
        self._ahead = samples_from_ms(delay_ms, rate)
        self._now = Samples(0)
        self._buffer = bytearray()
        self._heard = bytearray()
        self._source: Source = _silence
        self._on_lost: Callable[[], None] | None = None
        self._on_break: Callable[[float], None] | None = None
        self._is_wanted = False
        self.is_open = False

    @property
    def heard(self) -> bytes:
        """Everything that was played while the card was open, s16le mono."""
        return bytes(self._heard)

    def clock(self) -> float:
        """The virtual time, in seconds."""
        return self._now / self.rate

    def attach(self, source: Source, on_lost: Callable[[], None], on_break: Callable[[float], None]) -> None:
        """See device.ports.sound.Speaker. The source is called on the event loop's thread, too."""
        self._source = source
        self._on_lost = on_lost
        self._on_break = on_break

    async def open(self) -> None:
        """Start pulling."""
        self._is_wanted = self.is_open = True
        self._fill()

    async def close(self) -> None:
        """Stop at once."""
        self._is_wanted = self.is_open = False
        self._buffer.clear()

    @property
    def losses(self) -> int:
        """It loses nothing by itself."""
        return 0

    async def flush(self) -> float:
        """Drop what has not been played; return the virtual time."""
        self.run_dry()
        return self.clock()

    def run_dry(self) -> None:
        """Let the card run dry: what it held is lost."""
        self._buffer.clear()
        if self._on_break:
            self._on_break(self.clock())

    def advance(self, milliseconds: float) -> None:
        """Let time pass, block by block."""
        left = samples_from_ms(Ms(milliseconds), self.rate)
        while left > 0:
            step = min(left, self._block)
            self._play(step)
            left = Samples(left - step)

    def unplug(self) -> None:
        """Remove the card."""
        self.is_open = False
        self._buffer.clear()
        if self._on_lost:
            self._on_lost()

    def replug(self) -> None:
        """Put the card back; it pulls again if it was open and was not closed meanwhile."""
        self.is_open = self._is_wanted
        if self.is_open:
            self._fill()

    def _play(self, count: int) -> None:
        self._now = Samples(self._now + count)
        if not self.is_open:
            return
        size = count * BYTES_PER_SAMPLE
        self._heard += self._buffer[:size].ljust(size, b"\0")
        del self._buffer[:size]
        self._fill()

    def _fill(self) -> None:
        while (held := len(self._buffer) // BYTES_PER_SAMPLE) < self._ahead:
            self._buffer += self._source(self._block, (self._now + held) / self.rate)


def _silence(count: int, moment: float) -> bytes:
    return bytes(count * BYTES_PER_SAMPLE)
