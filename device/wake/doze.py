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

from device.units import BYTES_PER_SAMPLE, Samples
from device.wake.mel import CHUNK_SAMPLES

_CHUNK_BYTES = CHUNK_SAMPLES * BYTES_PER_SAMPLE
# 2 s: a word is detected at most 0.7 s after its end, and the softest part of it may end a second before.
_AWAKE_CHUNKS = 25
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
        self._kept: deque[bytes] = deque(maxlen=-(-memory // CHUNK_SAMPLES) + _SPARE_CHUNKS)
        self._skipped = False
        self._awake = _AWAKE_CHUNKS

    def take(self, chunk: bytes) -> Heard | None:
        """Take 1280 samples of s16le. Return them and what was kept before, or None while the engine may rest."""
        self._awake = _AWAKE_CHUNKS if self._change.hears(chunk, self._awake > 0) else self._awake - 1
        if self._awake > 0:
            heard = Heard(b"".join((*self._kept, chunk)), self._skipped)
            self._kept.clear()
            self._skipped = False
            return heard
        self._skipped |= len(self._kept) == self._kept.maxlen
        self._kept.append(chunk)
        return None

    def reset(self) -> None:
        """Forget what was kept: the stream was interrupted. Stay awake for a while."""
        self._kept.clear()
        self._skipped = False
        self._awake = _AWAKE_CHUNKS


class Change:
    """Hears when the sound becomes another: any band well above its usual power, or all of them well below.

    In steady noise the power of a band over 80 ms scatters the less the wider the band is; the limits (3 to 8 dB) are
    such that it happens to noise once a day. A word that openWakeWord would detect rises far above them: some band of
    it lies 10 dB above white noise of the same power.
    """

    def __init__(self) -> None:
        widths = np.diff(_EDGES)
        self._window = np.hanning(_FRAME).astype(np.float32)
        kind = np.fft.rfft(np.zeros(_FRAME, np.float32)).real.dtype
        # Real and imaginary parts side by side.
        self._bands = np.zeros((_FRAME + 2, len(widths)), kind)
        for band, (first, stop) in enumerate(pairwise(_EDGES)):
            self._bands[2 * first : 2 * stop, band] = 1 / (_FRAMES * (stop - first))
        self._limits = 1.5 + 16 / np.sqrt(_FRAMES * widths / _BINS_PER_INDEPENDENT)
        self._usual = np.zeros(len(widths))
        self._chunks = 0

    def hears(self, chunk: bytes, awake: bool) -> bool:
        """Take 1280 samples of s16le; `awake`: a change was heard lately, so this may be more of it."""
        level = self._levels(chunk)
        above = level - self._usual
        changed = bool((above > self._limits).any()) or float(above.mean()) < _DROP
        self._adapt(above, awake or changed)
        return changed

    def _levels(self, chunk: bytes) -> npt.NDArray[np.floating]:
        frames = np.frombuffer(chunk, "<i2").reshape(_FRAMES, _FRAME) * self._window
        parts = np.fft.rfft(frames).view(self._bands.dtype)
        np.square(parts, out=parts)
        power = parts.sum(axis=0) @ self._bands
        power += _ROUNDING
        level: npt.NDArray[np.floating] = np.log10(power)
        level *= 10
        return level

    def _adapt(self, above: npt.NDArray[np.floating], awake: bool) -> None:
        self._chunks += 1
        if self._chunks <= _AWAKE_CHUNKS:
            self._usual += above / self._chunks
        elif awake:
            # What is louder may be speech: it becomes usual slowly (0.6 dB a second). What is quieter lies between.
            self._usual += np.where(above < 0, 0.2 * above, 0.01 * np.minimum(above, self._limits))
        else:
            self._usual += 0.05 * above
