"""The loudspeaker: a sound card's output that pulls what it plays."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from device.audio.cardthread import hurry
from device.audio.devices import Direction, SoundDevice, rates_to_try
from device.audio.line import ABORT, CONTINUE, HANG_S, OUTPUT_UNDERFLOW, Answer, Line
from device.config import Audio
from device.core.events import Device
from device.ports import Post
from device.units import Hz, samples_from_ms

if TYPE_CHECKING:
    from device.audio.alsa import SoundCards

Source = Callable[[int, float], bytes]
"""Called in the sound card's thread: samples wanted, moment (s, `time.monotonic`) the first reaches the DAC."""

# PortAudio makes four periods of it: 15 to 20 ms lie in the card's buffer. 10 ms would add that to every answer.
BLOCK_MS = 5


class AlsaSpeaker(Line):
    """Plays what a source hands out. See device.ports.Speaker."""

    device = Device.SPEAKER
    direction = Direction.OUTPUT
    noun = "loudspeaker"
    gives = "takes"
    # A PulseAudio null sink with its defaults, waking up, takes 2 s at once, and then nothing for as long.
    farthest_ahead_s = 4.0
    xrun = OUTPUT_UNDERFLOW

    def __init__(self, cards: SoundCards, audio: Audio, post: Post, rate: Hz) -> None:
        super().__init__(cards, audio, post)
        self._best_rate = rate
        self.rate = rate
        self._source: Source = _silence
        self._on_lost: Callable[[], None] = _nothing
        self._reopening: asyncio.Task[None] | None = None

    def attach(self, source: Source, on_lost: Callable[[], None]) -> None:
        """Name where the sound comes from, and who is told (on the event loop) that the card went away."""
        self._source = source
        self._on_lost = on_lost

    @property
    def in_use(self) -> bool:
        """Whether it may be sounding."""
        return self.is_open

    async def flush(self) -> float:
        """Drop what has not left the card; return when it fell silent (s, `time.monotonic`). It goes on pulling.

        Closing is PyAudio's one way to drop the card's buffer, and takes 0.5 to 1 ms. But a PulseAudio sink that
        rewinds was seen to race through the next sound after every third such stop: only for cards with long buffers.
        """
        moment: float = await asyncio.wait_for(self._cards.call(self.drop), HANG_S)
        self._reopening = asyncio.create_task(self._reopen(), name="reopen the loudspeaker")
        return moment

    def on_block(self, data: bytes | None, count: int, times: Mapping[str, float], status: int) -> Answer:
        """Hand the card its next block."""
        if self._heard == self._opened:
            hurry()
        if not self.note_block(status, count / self.rate):
            return bytes(2 * count), ABORT
        # PortAudio's clock is the wall's; only the difference is worth anything.
        delay = times["output_buffer_dac_time"] - times["current_time"]
        return self._source(count, time.monotonic() + delay), CONTINUE

    async def _reopen(self) -> None:
        if not await self._within_patience(self.ensure_open) and self._wanted and not self._faulty:
            await self._fail("the loudspeaker cannot be opened again; is another program using it?")

    def _note_gap(self) -> None:
        self._on_lost()

    def _rates(self, device: SoundDevice) -> Iterable[Hz]:
        return rates_to_try(self._best_rate, device)

    def _open_at(self, device: SoundDevice, rate: Hz) -> Any:
        stream = self._cards.open(self, device, rate, 1, samples_from_ms(BLOCK_MS, rate), self.on_block)
        self.rate = rate
        return stream


def _silence(count: int, moment: float) -> bytes:
    return bytes(2 * count)


def _nothing() -> None:
    """Nobody wants to know."""
