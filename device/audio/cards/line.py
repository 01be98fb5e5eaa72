"""A stream to or from a sound card that is wanted open, watched, and brought back when it fails."""

from __future__ import annotations

import asyncio
import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

from device.audio.cards.alsa.chatter import hear_alsa
from device.audio.cards.devices import Direction, SoundDevice
from device.audio.cards.owner import HANG_S, Owner, Stream
from device.audio.cards.rush import Rush
from device.core.events import Device, DeviceFailed, DeviceRecovered
from device.errors import AudioError, ConfigError
from device.units import Hz

log = logging.getLogger(__name__)

# A stream that PortAudio has given up is noticed at once; this is for one that is open and silent. A PulseAudio null
# sink with its defaults falls asleep for up to 2 s, at the start of a stream and at times in the middle.
STALL_S = 4.0
# A stream that has given no block for so long is looked at: the longest blocks are of 280 ms.
DOUBT_S = 0.5
# A first open may have to list every device of a slow machine, behind a sound server that is just starting.
OPEN_LIMIT_S = 10.0
FIRST_RETRY_S = 0.5
LONGEST_RETRY_S = 10.0
# A device that opens and then gives nothing, or breaks, again and again is looked at less and less often.
LONGEST_DOUBT_S = 60.0
# A stream works when blocks have kept coming for so long; one that worked for so much longer is trusted to do so again.
PROOF_S = 0.1
TRUST_S = 60.0
# A stream that is so far ahead of time may yet turn out to have no end.
FAST_S = 0.5
# How often it is said at most that sound was lost because the machine was too busy.
XRUN_NOTE_S = 60.0

FAILURES = (AudioError, ConfigError, OSError, TimeoutError)

# PortAudio's error for a device that is in use (portaudio.h).
UNAVAILABLE = -9985

AnyStream = TypeVar("AnyStream", bound=Stream)


class Line(ABC, Generic[AnyStream]):
    """A stream that is wanted open, and is brought back when it fails."""

    device: Device
    direction: Direction
    noun: str
    gives: str
    """What it does with sound."""
    farthest_ahead_s: float
    """How far its sound may be ahead of time when it begins."""

    def __init__(self, owner: Owner) -> None:
        self._owner = owner
        self._wanted = False
        self._let_go = True
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stream: AnyStream | None = None
        self._heard = 0.0
        self._opened = 0.0
        # The stream is broken, and will be tried again; what was posted of it outlives a close.
        self._faulty = False
        self._reported = False
        # Whether the stream has shown that it works, since when, and that it is known whether it does.
        self._proven = False
        self._proven_at = float("inf")
        self._settled = asyncio.Event()
        self._rush = Rush(0.0, self.farthest_ahead_s)
        self._is_endless = False
        self._retry_s = FIRST_RETRY_S
        self._next_try = 0.0
        self._losses = 0
        self._xruns = 0
        self._xruns_noted_at = float("-inf")
        owner.add(self)

    @property
    def is_open(self) -> bool:
        """Whether there is a stream that is not known to be broken."""
        return self._stream is not None and not self._faulty

    @property
    def is_closed(self) -> bool:
        """Whether the card has let it go. Not when it hung at the last `close`: nothing of its sound is used then."""
        return self._let_go

    @property
    def losses(self) -> int:
        """How often sound was lost since the line was made, because the machine was too busy."""
        return self._losses

    @property
    def works(self) -> bool:
        """Whether blocks keep coming, at the speed of time."""
        return self.is_open and self._proven

    @property
    def is_on_trial(self) -> bool:
        """Whether it has failed, and not been seen to work since."""
        return self._reported

    async def settle(self) -> bool:
        """Wait until it is known whether an open stream works, STALL_S and a little at most; tell whether it does."""
        await self._settled.wait()
        return self.works

    @property
    @abstractmethod
    def in_use(self) -> bool:
        """Whether somebody speaks or listens: it must not be interrupted."""

    @property
    def is_calm(self) -> bool:
        """Whether it would not matter for some seconds if the stream stood still."""
        return not self._wanted

    async def open(self) -> None:
        """Start the stream. Raise DeviceNotFoundError, ConfigError or AudioError.

        What fails is reported all the same, and tried again until it works or the line is closed. Whether blocks come
        is known later: see `settle`.
        """
        self._wanted, self._let_go = True, False
        self._retry_s = FIRST_RETRY_S
        if not self.works:
            self._settled.clear()
        self._loop = asyncio.get_running_loop()
        self._heard = time.monotonic()
        self._owner.watch()
        try:
            await asyncio.wait_for(self._owner.call(self.ensure_open), OPEN_LIMIT_S)
        except (AudioError, ConfigError) as error:
            await self._report(str(error))
            raise
        except TimeoutError as error:
            reason = f"the {self.noun} cannot be opened: the sound system does not answer"
            await self._report(reason)
            raise AudioError(reason) from error
        self._faulty = False

    async def close(self) -> None:
        """Stop the stream at once and let the device go. Harmless when it is closed."""
        self._wanted = self._faulty = self._proven = False
        self._proven_at = float("inf")
        self._settled.set()
        try:
            await asyncio.wait_for(self._owner.call(self.drop), HANG_S)
            self._let_go = not self._wanted
        except TimeoutError:
            self._stream = None

    def drop(self) -> float:
        """In PortAudio's thread: close the stream, dropping what it holds; return when (s, `time.monotonic`)."""
        stream, self._stream = self._stream, None
        begun = time.monotonic()
        if stream is not None:
            stream.close()
        return (begun + time.monotonic()) / 2

    async def look_after(self) -> None:
        """Notice that the stream stalled; when it is time, try to bring it back."""
        now = time.monotonic()
        if not self._wanted:
            return
        if self._faulty:
            if now >= self._next_try:
                await self._try_again()
        elif reason := await self._find_fault(now):
            await self._fail(reason)
        else:
            self._note_xruns(now)

    def reopen(self) -> None:
        """In PortAudio's thread: after a stream that was well was closed for others, open it again."""
        self._cross_over(self._note_gap)
        try:
            self.ensure_open()
        except FAILURES:
            # To be noticed as a stream that stands still.
            self._heard = 0.0

    @property
    def is_forlorn(self) -> bool:
        """In any thread: whether there is no event loop any more, and so nobody to take or give sound."""
        return self._loop is None or self._loop.is_closed()

    def _cross_over(self, function: Callable[..., object], *arguments: object) -> None:
        """In any thread: have it called on the event loop's, while there is one."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(function, *arguments)

    async def _find_fault(self, now: float) -> str:
        """Return what is wrong with an open stream; nothing: empty."""
        silent_s = now - self._heard
        if self._is_endless:
            return (
                f"the {self.noun} {self.gives} sound faster than time passes: it is no sound card but something like "
                f'a file or ALSA\'s "null"; set audio.{self.direction.value} to another device'
            )
        if silent_s <= STALL_S and not (silent_s > DOUBT_S and await self._is_given_up()):
            return ""
        if self._heard == self._opened:
            return f"the {self.noun} can be opened, but {self.gives} no sound; does its driver suit the system?"
        return f"the {self.noun} stopped; is it unplugged?"

    async def _is_given_up(self) -> bool:
        """Whether PortAudio ended the stream by itself, as it does when the card is pulled out."""
        try:
            return await asyncio.wait_for(self._owner.call(self._has_ended), HANG_S)
        except TimeoutError:
            return False

    def _has_ended(self) -> bool:
        try:
            return self._stream is not None and not self._stream.is_active()
        except OSError:
            return True

    async def _fail(self, reason: str) -> None:
        """A stream that ran has broken."""
        self._note_gap()
        await self._report(reason)

    async def _report(self, reason: str) -> None:
        if not self._wanted:
            return
        now = time.monotonic()
        if now - self._proven_at > TRUST_S:
            self._retry_s = FIRST_RETRY_S
        self._faulty, self._proven, self._proven_at = True, False, float("inf")
        self._xruns = 0
        self._next_try = now + self._retry_s
        self._settled.set()
        try:
            if not self._reported:
                self._reported = True
                self._owner.post(DeviceFailed(self.device, reason))
        finally:
            # Else the next try would find a stream and be content.
            await self._within_patience(self.drop)

    async def _try_again(self) -> None:
        """The first try takes the device as it was known; later ones may list the devices anew."""
        if self._retry_s > FIRST_RETRY_S:
            await self._within_patience(self._owner.list_for, self)
        is_open = await self._within_patience(self.ensure_open) and self._wanted
        self._retry_s = min(self._retry_s * 2, LONGEST_DOUBT_S if is_open else LONGEST_RETRY_S)
        self._next_try = time.monotonic() + self._retry_s
        if is_open:
            self._faulty = False

    def _await_proof(self, opened: float) -> None:
        """The stream that was opened then has given its first block."""
        asyncio.get_running_loop().call_later(PROOF_S, self._judge, opened)

    def _judge(self, opened: float) -> None:
        """Blocks have come for a while: it works, unless it runs ahead of time."""
        if opened != self._opened or not self.is_open or self._is_endless or self._proven:
            return
        now = time.monotonic()
        if self._rush.is_ahead(FAST_S, now):
            self._await_proof(opened)
            return
        self._proven = True
        self._proven_at = now
        self._settled.set()
        if self._reported:
            self._reported = False
            self._owner.post(DeviceRecovered(self.device))

    @abstractmethod
    def _note_gap(self) -> None:
        """On the event loop's thread: tell who must know that the sound does not join on."""

    def _note_xruns(self, now: float) -> None:
        if self._xruns and now - self._xruns_noted_at >= XRUN_NOTE_S:
            log.warning("the %s lost sound %d times: the machine was too busy", self.noun, self._xruns)
            self._xruns, self._xruns_noted_at = 0, now

    async def _within_patience(self, function: Callable[..., object], *arguments: object) -> bool:
        """Call PortAudio; tell whether it worked. What fails or hangs here is tried again later."""
        try:
            await asyncio.wait_for(self._owner.call(function, *arguments), HANG_S)
        except FAILURES:
            return False
        return True

    def ensure_open(self) -> None:
        """In PortAudio's thread: open the stream when it is wanted. Raise AudioError or ConfigError."""
        if self._stream is not None or not self._wanted:
            return
        device = self._owner.choose(self.direction)
        self._heard = self._opened = time.monotonic()
        self._rush, self._is_endless = Rush(self._opened, self.farthest_ahead_s), False
        self._stream = self._open_at_best_rate(device)

    def _open_at_best_rate(self, device: SoundDevice) -> AnyStream:
        reasons = []
        is_busy = False
        with hear_alsa() as said:
            for rate in self._rates(device):
                try:
                    return self._open_at(device, rate)
                except OSError as error:
                    reasons.append(f"{rate} Hz: {error.args[-1]}")
                    is_busy |= error.args[0] == UNAVAILABLE
        tried = "; ".join(dict.fromkeys([*reasons, *said]))
        advice = "; is another program using it?" if is_busy else ""
        raise AudioError(f'cannot open the {self.noun} "{device.name}" ({tried}){advice}')

    @abstractmethod
    def _rates(self, device: SoundDevice) -> Iterable[Hz]:
        """Return the rates to try, best first."""

    @abstractmethod
    def _open_at(self, device: SoundDevice, rate: Hz) -> AnyStream:
        """In PortAudio's thread: open and start a stream. Raise OSError."""

    def _log_opened(self, device: SoundDevice, rate: Hz, details: str) -> None:
        """Say what was opened; of a stream that comes and goes only to those who look for faults."""
        level = logging.DEBUG if self.is_open or self.is_on_trial else logging.INFO
        log.log(level, "%s: %s, %d Hz, %s", self.noun, device.name, rate, details)

    def note_block(self, seconds: float, lost_sound: bool = False) -> bool:
        """In the sound card's thread: a block of so many seconds was captured, or is wanted.

        `lost_sound`: the machine took the one before too late. Return False for a stream without end.
        """
        now = time.monotonic()
        if self._heard == self._opened:
            self._cross_over(self._await_proof, self._opened)
        self._heard = now
        self._xruns += lost_sound
        self._losses += lost_sound
        if not self._rush.note(seconds, now) and not self._is_endless:
            self._is_endless = True
            self._cross_over(self._owner.watch_closely)
        return not self._is_endless
