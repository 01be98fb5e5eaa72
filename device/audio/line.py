"""A stream to or from a sound card that is wanted open, watched, and brought back when it fails."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from device.audio.devices import Direction, SoundDevice, choose_device
from device.config import Audio
from device.core.events import Device, DeviceFailed, DeviceRecovered
from device.errors import AudioError, ConfigError
from device.ports import Post
from device.units import Hz

if TYPE_CHECKING:
    from device.audio.alsa import SoundCards

# A stream that PortAudio has given up is noticed at once; this is for one that is open and silent. A PulseAudio null
# sink with its defaults falls asleep for up to 2 s, at the start of a stream and at times in the middle.
STALL_S = 4.0
HANG_S = 3.0
FIRST_RETRY_S = 0.5
LONGEST_RETRY_S = 10.0


class Line:
    """A stream that is wanted open, and is brought back when it fails."""

    device: Device
    direction: Direction
    noun: str

    def __init__(self, cards: SoundCards, audio: Audio, post: Post) -> None:
        self._cards = cards
        self._audio = audio
        self._post = post
        self._wanted = False
        self._stream: Any = None
        self._heard = 0.0
        self._opened = 0.0
        self._faulty = False
        self._retry_s = FIRST_RETRY_S
        self._next_try = 0.0

    @property
    def is_open(self) -> bool:
        """Whether there is a stream that is not known to be broken."""
        return self._stream is not None and not self._faulty

    async def open(self) -> None:
        """Start the stream. Raise DeviceNotFoundError, ConfigError or AudioError."""
        self._wanted = True
        try:
            await self._cards.call(self.ensure_open)
        except (AudioError, ConfigError):
            self._wanted = self._faulty
            raise
        self._cards.watch()

    async def close(self) -> None:
        """Stop the stream at once and let the device go. Harmless when it is closed."""
        self._wanted = self._faulty = False
        try:
            await asyncio.wait_for(self._cards.call(self.drop), HANG_S)
        except TimeoutError:
            self._stream = None

    def drop(self) -> float:
        """In PortAudio's thread: close the stream, dropping what it holds; return when (s, `time.monotonic`)."""
        stream, self._stream = self._stream, None
        begun = time.monotonic()
        if stream is not None:
            stream.close()
        return (begun + time.monotonic()) / 2

    def on_block(
        self, data: bytes | None, count: int, times: Mapping[str, float], status: int
    ) -> tuple[bytes | None, int]:
        """In the sound card's thread: a block was captured, or is wanted."""
        raise NotImplementedError

    async def look_after(self) -> None:
        """Notice that the stream stalled; when it is time, try to bring it back."""
        now = time.monotonic()
        if not self._wanted:
            return
        if not self._faulty and (now - self._heard > STALL_S or await self._is_given_up()):
            await self._fail(f"the {self.noun} stopped; is it unplugged?")
        elif self._faulty and now >= self._next_try:
            await self._try_again()

    async def _is_given_up(self) -> bool:
        """Whether PortAudio ended the stream by itself, as it does when the card is pulled out."""
        try:
            return await asyncio.wait_for(self._cards.call(self._has_ended), HANG_S)
        except TimeoutError:
            return False

    def _has_ended(self) -> bool:
        try:
            return self._stream is not None and not self._stream.is_active()
        except OSError:
            return True

    async def _fail(self, reason: str) -> None:
        self._faulty = True
        self._retry_s = FIRST_RETRY_S
        self._next_try = time.monotonic() + self._retry_s
        self._post(DeviceFailed(self.device, reason))
        await self._within_patience(self.drop)

    async def _try_again(self) -> None:
        """The first try takes the device as it was known; later ones list the devices anew."""
        if self._retry_s > FIRST_RETRY_S and not self._cards.is_playing():
            await self._within_patience(self._cards.list_again)
        opened = await self._within_patience(self.ensure_open)
        if opened and self._wanted:
            self._faulty = False
            self._post(DeviceRecovered(self.device))
            return
        self._retry_s = min(self._retry_s * 2, LONGEST_RETRY_S)
        self._next_try = time.monotonic() + self._retry_s

    async def _within_patience(self, function: Callable[[], object]) -> bool:
        """Call PortAudio; tell whether it worked. What fails or hangs here is tried again later."""
        try:
            await asyncio.wait_for(self._cards.call(function), HANG_S)
        except (AudioError, ConfigError, TimeoutError, OSError):
            return False
        return True

    def ensure_open(self) -> None:
        """In PortAudio's thread: open the stream when it is wanted. Raise AudioError or ConfigError."""
        if self._stream is not None or not self._wanted:
            return
        name = getattr(self._audio, self.direction.value)
        device = choose_device(self._cards.devices(), name, self.direction)
        self._heard = self._opened = time.monotonic()
        self._stream = self._open_at_best_rate(device)

    def _open_at_best_rate(self, device: SoundDevice) -> Any:
        reasons = []
        for rate in self._rates():
            try:
                return self._open_at(device, rate)
            except OSError as error:
                reasons.append(f"{rate} Hz: {error.args[-1]}")
        tried = "; ".join(dict.fromkeys(reasons))
        raise AudioError(f'cannot open the {self.noun} "{device.name}" ({tried}); is another program using it?')

    def _rates(self) -> Iterable[Hz]:
        raise NotImplementedError

    def _open_at(self, device: SoundDevice, rate: Hz) -> Any:
        raise NotImplementedError

    def _note_block(self) -> None:
        self._heard = time.monotonic()
