"""The far end: the sound that is really played, with the time at which it reaches the DAC."""

from __future__ import annotations

import functools
import math
import statistics
import threading
from collections import deque
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from device.audio.resample import FloatArray
from device.units import CAPTURE_RATE, Hz, Ms, samples_from_ms

# Enough for the longest buffer of a card (the future), and for the time that a captured frame takes until it is
# processed (the past).
HELD_S = 4
# The times of a card jitter by a millisecond, or by its period. When this many times in a row agree on an error, it is
# no jitter but a gap: the card ran dry on a busy machine.
NEWEST = 9
# Smaller errors are not corrected: with every slip of a few samples a canceller must adapt again (16 dB lost when
# it followed the jitter, measured).
SLIP_MS = Ms(4)
# Larger errors are corrected at once: the stream had stopped.
JUMP_MS = Ms(40)

# Pauses up to this length, as between words, do not end a cue.
CUE_PAUSE_S = 0.15

# Each 10 ms are resampled within a window of 20 ms, which ends this much later.
LOOK_AHEAD_S = 0.002
_WIDE = samples_from_ms(20, CAPTURE_RATE)


@functools.cache
def _window(count: int) -> FloatArray:
    """Return a window that fades in and out over a tenth of its length: hard edges would add all frequencies.

    It also turns 16-bit samples, `count` of which are resampled to _WIDE, into numbers (1.0 = full scale).
    """
    edge = count // 10
    fade = 0.5 - 0.5 * np.cos(np.pi * (np.arange(edge) + 0.5) / edge)
    whole = np.concatenate((fade, np.ones(count - 2 * edge), fade[::-1]))
    return np.asarray(whole * (_WIDE / count / 32_768), np.float32)


class SampleClock:
    """Gives each block of a stream its position on the time axis of `time.monotonic`, counted in samples.

    A card's samples follow each other without gaps, but the times that it reports jitter. So the position is counted on
    from block to block. It slips (is corrected) only when the median error of the newest times is larger than SLIP_MS
    and larger than their jitter.
    """

    def __init__(self, rate: Hz) -> None:
        self._rate = rate
        self.slips = 0
        """How often it has slipped."""
        self._next: int | None = None
        self._errors: deque[float] = deque(maxlen=NEWEST)

    def place(self, moment: float, count: int) -> int:
        """Return the position of a block of `count` samples, whose first sample was reported for `moment` (s)."""
        measured = moment * self._rate
        at = round(measured) if self._next is None else self._next
        self._errors.append(measured - at)
        at += self._slip()
        self._next = at + count
        return at

    def restart(self) -> None:
        """Begin anew: the next block does not continue the last one."""
        self._next = None
        self._errors.clear()

    def _slip(self) -> int:
        error = self._errors[-1]
        if abs(error) <= samples_from_ms(JUMP_MS, self._rate):
            error = self._agreed_error()
        if error:
            self.slips += 1
            self._errors.clear()
        return round(error)

    def _agreed_error(self) -> float:
        if len(self._errors) < NEWEST:
            return 0.0
        error, jitter = statistics.median(self._errors), max(self._errors) - min(self._errors)
        return error if abs(error) > max(jitter, samples_from_ms(SLIP_MS, self._rate)) else 0.0


@dataclass(frozen=True, slots=True)
class CueSpan:
    """When a cue or an announcement of our own sounds at the DAC (s); `until` grows while more of it is queued."""

    since: float
    until: float


class PlaybackObserver(Protocol):
    """Is told of everything that is written to the loudspeaker's card, in the card's thread."""

    def write(self, pcm: bytes, rate: Hz, moment: float, is_cue: bool = False) -> None:
        """Note a block (s16le mono; it may be silent) and its DAC time; `is_cue`: of our own cue or announcement."""

    def drop(self, moment: float) -> None:
        """Note that at `moment` the card dropped what it had not played yet, or ran dry: the next block starts anew."""


class NullObserver:
    """Ignores everything."""

    def write(self, pcm: bytes, rate: Hz, moment: float, is_cue: bool = False) -> None:
        """Do nothing."""

    def drop(self, moment: float) -> None:
        """Do nothing."""


class FarEnd:
    """A PlaybackObserver for an echo canceller: written in the loudspeaker's thread, read in the event loop's.

    Moments are seconds of `time.monotonic`.
    """

    def __init__(self, rate: Hz) -> None:
        self._lock = threading.Lock()
        self._loud_until = -math.inf
        self._earlier_slips = 0
        self._clock = SampleClock(rate)
        self._cues: tuple[CueSpan, ...] = ()
        self._start(rate)

    @property
    def rate(self) -> Hz:
        """The rate of what is played."""
        return self._rate

    @property
    def slips(self) -> int:
        """How often positions were corrected: the sound after a slip has another delay than the sound before it."""
        return self._earlier_slips + self._clock.slips

    def cues(self) -> tuple[CueSpan, ...]:
        """Return when the cues and announcements of the last HELD_S sound, in order, without silence at their ends."""
        return self._cues

    def write(self, pcm: bytes, rate: Hz, moment: float, is_cue: bool = False) -> None:
        """See PlaybackObserver."""
        block = np.frombuffer(pcm, "<i2")
        with self._lock:
            if rate != self._rate:
                self._start(rate)
            sounds = bool(block.any())
            at = self._clock.place(moment, len(block))
            self._put(at, block)
            if sounds:
                self._loud_until = at + len(block)
            if sounds and is_cue:
                self._note_cue(moment, moment + len(block) / rate)

    def drop(self, moment: float) -> None:
        """See PlaybackObserver."""
        with self._lock:
            self._clock.restart()
            self._earlier_slips += 1
            at = round(moment * self._rate)
            if at < self._end:
                self._put(at, np.zeros(min(self._end - at, len(self._ring)), np.int16))
            self._loud_until = min(self._loud_until, at)
            self._cues = tuple(CueSpan(cue.since, min(cue.until, moment)) for cue in self._cues if cue.since < moment)

    def read(self, moment: float, count: int) -> bytes:
        """Return the `count` samples played from `moment` on; silence where nothing is known (s16le mono)."""
        # Sample times at 16 kHz lie on samples or half samples at 24 kHz. With the offset, a half sample is always
        # rounded to the same side, whatever the rounding error.
        at = math.floor(moment * self._rate + 0.25)
        with self._lock:
            first = max(at, self._end - len(self._ring))
            known = self._get(first, min(at + count, self._end))
        before = 2 * min(count, first - at)
        return bytes(before) + known + bytes(2 * count - before - len(known))

    def read_captured(self, moment: float) -> FloatArray:
        """Return the 10 ms from `moment` on, resampled to CAPTURE_RATE, 1.0 = full scale.

        It reads LOOK_AHEAD_S beyond their end.
        """
        wide = self._rate // 50
        since = moment + LOOK_AHEAD_S - 0.01
        sound = np.frombuffer(self.read(since, wide), "<i2") * _window(wide)
        resampled = np.fft.irfft(np.fft.rfft(sound), _WIDE)
        first = _WIDE // 2 - samples_from_ms(LOOK_AHEAD_S * 1000, CAPTURE_RATE)
        return np.asarray(resampled[first : first + _WIDE // 2], np.float32)

    def missing(self, until: float) -> float:
        """Return how much sound (s) before `until` is not known yet, if something sounds now; else 0."""
        sounds_on = self._loud_until == self._end
        return max(0.0, until - self._end / self._rate) if sounds_on else 0.0

    def is_silent(self, since: float) -> bool:
        """Return whether nothing sounds from `since` on, as far as is known."""
        return self._loud_until <= since * self._rate

    def _start(self, rate: Hz) -> None:
        self._rate = rate
        self._earlier_slips += self._clock.slips
        self._clock = SampleClock(rate)
        self._ring = np.zeros(HELD_S * rate, np.int16)
        self._end = 0
        self._loud_until = -math.inf

    def _note_cue(self, since: float, until: float) -> None:
        recent = [cue for cue in self._cues if cue.until > since - HELD_S]
        if recent and since - recent[-1].until < CUE_PAUSE_S:
            since = recent.pop().since
        self._cues = (*recent, CueSpan(since, until))

    def _put(self, at: int, block: np.ndarray[tuple[int], np.dtype[np.int16]]) -> None:
        gap = min(max(0, at - self._end), len(self._ring))
        if gap:
            self._set(at - gap, np.zeros(gap, np.int16))
        self._set(at, block)
        self._end = max(self._end, at + len(block))

    def _set(self, at: int, sound: np.ndarray[tuple[int], np.dtype[np.int16]]) -> None:
        begin = at % len(self._ring)
        room = len(self._ring) - begin
        self._ring[begin : begin + len(sound)] = sound[:room]
        self._ring[: max(0, len(sound) - room)] = sound[room:]

    def _get(self, first: int, end: int) -> bytes:
        """Return the samples from `first` up to `end`, all of which are held; none when they are in the wrong order."""
        count = max(0, end - first)
        begin = first % len(self._ring)
        head = self._ring[begin : begin + count].tobytes()
        return head if len(head) == 2 * count else head + self._ring[: count - len(head) // 2].tobytes()
