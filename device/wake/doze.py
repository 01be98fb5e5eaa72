"""Dozing: while nothing changes in the sound of the room, nobody looks for words in it.

`Change` watches the power of eleven bands; `Doze` keeps the sound that was not looked at, so that an engine can catch
up with it: from the last few seconds it computes what it would have computed of everything. In noise of any level that
stays as it is the engine rests, in speech, music and whatever else moves it works.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from device.units import Samples
from device.wake.mel import CHUNK_SAMPLES

Levels = npt.NDArray[np.floating]
"""dB of each band, of one chunk or of several."""

# 320 ms. In an idle process nothing is in the caches: to look at 80 ms of sound costs 290 us (16 us in a busy one), at
# four times as much hardly more. Words are longer than that, and what was kept makes up for the delay.
_CHUNKS_AT_A_LOOK = 4
# 1.9 s: a word is detected at most 0.7 s after its end, and the softest part of it may end a second before.
_AWAKE_LOOKS = 6
# A second more than the engine needs: should the change have been noticed late, the words are scored all the same.
_SPARE_CHUNKS = 12

_FRAME = 256
_FRAMES = CHUNK_SAMPLES // _FRAME
# Bins of 62.5 Hz: 125 Hz to 6.25 kHz, where speech is.
_EDGES = (2, 4, 6, 9, 12, 16, 22, 30, 40, 54, 72, 100)
# A Hann window makes neighbouring bins depend on each other.
_BINS_PER_INDEPENDENT = 1.5
# Below the power that rounding to 16 bit leaves in a bin (1/12 of a step squared, times the window's 96) lies nothing.
_ROUNDING = 30.0
_STEADY_CHUNKS = 25
# So much of the way to the present level in 80 ms: what is usual drifts by some dB a minute.
_DRIFT = 0.05
# dB in 80 ms.
_FALL = 1.0
# dB: the mean over the bands scatters by less than 0.5 dB.
_DROP = -3.0


@dataclass(frozen=True, slots=True)
class Heard:
    """Sound to look at. `skipped`: some of what went before it is gone."""

    pcm: bytes
    skipped: bool


class Doze:
    """Decides for every 80 ms whether an engine gets it now, later or never."""

    def __init__(self, memory: Samples) -> None:
        """`memory`: an engine's scores depend on so much sound, and on nothing before."""
        self._change = Change()
        self._unseen: list[bytes] = []
        self._kept: deque[bytes] = deque(maxlen=-(-memory // CHUNK_SAMPLES) + _SPARE_CHUNKS)
        self._skipped = False
        self._awake = _AWAKE_LOOKS

    def take(self, chunk: bytes) -> Heard | None:
        """Take 1280 samples of s16le; return what is to be scored now: what was kept, these last. None: nothing yet."""
        self._skipped |= len(self._kept) == self._kept.maxlen
        self._kept.append(chunk)
        self._unseen.append(chunk)
        if len(self._unseen) == _CHUNKS_AT_A_LOOK:
            changed = self._change.hears(b"".join(self._unseen))
            self._unseen.clear()
            self._awake = _AWAKE_LOOKS if changed else max(0, self._awake - 1)
        return self._hand_over() if self._awake else None

    def _hand_over(self) -> Heard:
        heard = Heard(b"".join(self._kept), self._skipped)
        self._kept.clear()
        self._skipped = False
        return heard

    def reset(self) -> None:
        """Forget what was kept: the stream was interrupted. Stay awake for a while."""
        self._unseen.clear()
        self._kept.clear()
        self._skipped = False
        self._awake = _AWAKE_LOOKS


class Change:
    """Hears when the sound becomes another: any band well above its usual power, or all of them well below.

    Usual is what has not changed for 2 s. In steady noise the power of a band over 80 ms scatters the less the wider
    the band is; the limits (3 to 8 dB) are such that noise passes them less than once in an hour. A word that
    openWakeWord detects rises far above them: some band of it lies 10 dB above white noise of the same power.
    """

    def __init__(self) -> None:
        widths = np.diff(_EDGES)
        self._window = np.hanning(_FRAME).astype(np.float32)
        # Before numpy 2 a spectrum always has double precision.
        kind = np.fft.rfft(np.zeros(_FRAME, np.float32)).real.dtype
        # Real and imaginary parts lie side by side: both go to the same band.
        self._bands = np.zeros((_FRAME + 2, len(widths)), kind)
        for band, (first, stop) in enumerate(pairwise(_EDGES)):
            self._bands[2 * first : 2 * stop, band] = 1 / (_FRAMES * (stop - first))
        self._limits = 1.5 + 16 / np.sqrt(_FRAMES * widths / _BINS_PER_INDEPENDENT)
        self._usual = np.full(len(widths), -np.inf)
        self._steady = np.zeros(len(widths))
        """Mean of the newest `_steady_chunks`, none of which is far from it."""
        self._steady_chunks = 0

    def hears(self, sound: bytes) -> bool:
        """Take any number of chunks (1280 samples of s16le each)."""
        levels = self._levels(sound)
        if not self._steady_chunks and not self._differs(levels):
            self._usual += _DRIFT * len(levels) * (levels.mean(axis=0) - self._usual)
            return False
        differs = [self._follow(level) for level in levels]
        return any(differs)

    def _differs(self, levels: Levels) -> bool:
        above = levels - self._usual
        return bool((above > self._limits).any()) or bool((above.mean(axis=-1) < _DROP).any())

    def _levels(self, sound: bytes) -> Levels:
        frames = np.frombuffer(sound, "<i2").reshape(-1, _FRAMES, _FRAME) * self._window
        parts = np.fft.rfft(frames).view(self._bands.dtype)
        np.square(parts, out=parts)
        power = parts.sum(axis=1) @ self._bands
        power += _ROUNDING
        level: Levels = np.log10(power)
        level *= 10
        return level

    def _follow(self, level: Levels) -> bool:
        """After a change: wait until the sound is steady again, and take that for usual. Return whether it differs."""
        differs = self._differs(level)
        if (np.abs(level - self._steady) > self._limits).any():
            self._steady_chunks = 0
        self._steady_chunks += 1
        self._steady += (level - self._steady) / self._steady_chunks
        # Between two words it is quieter than usual: the second must be heard too.
        self._usual = np.minimum(self._usual, np.maximum(level, self._usual - _FALL))
        if self._steady_chunks == _STEADY_CHUNKS:
            self._usual = self._steady.copy()
            self._steady_chunks = 0
        return differs
