"""Dozing: while nothing changes in the sound of the room, nobody looks for words in it.

`Change` watches the power of ten bands; `Doze` keeps the sound that was not looked at, so that an engine can catch
up with it: from the last few seconds it computes what it would have computed of everything. In noise of any level that
stays as it is the engine rests, in speech, music and whatever else moves it works.

No voice detector is asked: webrtcvad takes a fan or a hum at -30 dBFS for a voice for as long as it runs (70 to 100 %
of the frames over two minutes, in mode 2), and the engine would never rest.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from operator import gt, sub

import numpy as np

from device.units import BYTES_PER_SAMPLE, Samples
from device.wake.openwakeword.mel import CHUNK_SAMPLES

Levels = list[float]
"""dB of each band."""

# 240 ms. In an idle process nothing is in the caches: to look at 80 ms of sound costs 150 us (10 us in a busy one), at
# three times as much hardly more. Words are longer than that, and what was kept makes up for the delay.
_LOOK_BYTES = 3 * CHUNK_SAMPLES * BYTES_PER_SAMPLE
# 1.9 s: a word is detected at most 0.7 s after its end, and the softest part of it may end a second before.
_AWAKE_LOOKS = 8
# 1.9 s asleep: most pauses in a conversation are shorter than it takes until then.
_DEEP_LOOKS = 8
# A second more than the engine needs: should the change have been noticed late, the words are scored all the same.
_SPARE_CHUNKS = 12

_FRAME = 128
_FRAMES = CHUNK_SAMPLES // _FRAME
# Bins of 125 Hz: 250 Hz to 6.25 kHz, where speech is. The first two of a Hann window hear rumble and an offset, too.
_EDGES = (2, 3, 4, 6, 8, 11, 15, 20, 27, 36, 50)
# A Hann window makes neighbouring bins depend on each other.
_BINS_PER_INDEPENDENT = 1.5
# Hardly above the power that rounding to 16 bit leaves in a bin (1/12 of a step squared, times the window's 48: 4), at
# which a microphone without a noise of its own scatters.
_ROUNDING = 15.0
_STEADY_CHUNKS = 25
# So much of the way to the present level in 80 ms: what is usual drifts by some dB a minute.
_DRIFT = 0.05
# dB in 80 ms.
_FALL = 1.0
# dB: the mean over the bands scatters by less than 0.5 dB.
_DROP = -3.0


@dataclass(frozen=True, slots=True)
class Unscored:
    """Sound to look at. `skipped`: some of what went before it is gone."""

    pcm: bytes
    skipped: bool


class Doze:
    """Decides for every 80 ms whether an engine gets it now, later or never."""

    def __init__(self, memory: Samples) -> None:
        """`memory`: an engine's scores depend on so much sound, and on nothing before."""
        self._change = Change()
        self._unseen = b""
        self._kept: deque[bytes] = deque()
        self._kept_bytes = 0
        chunks = -(-memory // CHUNK_SAMPLES) + _SPARE_CHUNKS
        self._least_kept = chunks * CHUNK_SAMPLES * BYTES_PER_SAMPLE
        self._skipped = False
        self._awake = _AWAKE_LOOKS
        self._quiet_looks = 0

    @property
    def is_deep(self) -> bool:
        """Whether it has been quiet for so long that it may well stay so."""
        return self._quiet_looks >= _DEEP_LOOKS

    def feed(self, sound: bytes) -> Unscored | None:
        """Take chunks (1280 samples of s16le each), one or several.

        Return what is to be scored now: what was kept, these last. None: nothing yet.
        """
        self._keep(sound)
        self._unseen += sound
        if len(self._unseen) >= _LOOK_BYTES:
            self._look()
        return self._hand_over() if self._awake else None

    def _keep(self, sound: bytes) -> None:
        self._kept.append(sound)
        self._kept_bytes += len(sound)
        while self._kept_bytes - len(self._kept[0]) >= self._least_kept:
            self._kept_bytes -= len(self._kept.popleft())
            self._skipped = True

    def _look(self) -> None:
        changed = self._change.hears(self._unseen)
        self._unseen = b""
        self._awake = _AWAKE_LOOKS if changed else max(0, self._awake - 1)
        self._quiet_looks = 0 if self._awake else self._quiet_looks + 1

    def _hand_over(self) -> Unscored:
        heard = Unscored(b"".join(self._kept), self._skipped)
        self._forget()
        return heard

    def _forget(self) -> None:
        self._kept.clear()
        self._kept_bytes = 0
        self._skipped = False

    def reset(self) -> None:
        """Forget what was kept: the stream was interrupted. Stay awake for a while."""
        self._unseen = b""
        self._forget()
        self._awake = _AWAKE_LOOKS
        self._quiet_looks = 0


class Change:
    """Hears when the sound becomes another: any band well above its usual power, or all of them well below.

    Usual is what has not changed for 2 s. In steady noise the power of a band over 80 ms scatters the less the wider
    the band is; the limits (3 to 8 dB) are such that noise passes them less than once in an hour. A word that
    openWakeWord detects rises far above them: some band of it lies 10 dB above white noise of the same power.
    """

    def __init__(self) -> None:
        widths = np.diff(_EDGES)
        # In an idle process one product costs half of what a window and an FFT do.
        turns = np.outer(np.arange(_FRAME), np.arange(_EDGES[0], _EDGES[-1])) / _FRAME
        waves = np.concatenate((np.cos(2 * np.pi * turns), np.sin(2 * np.pi * turns)), axis=1)
        self._waves = np.asarray(np.hanning(_FRAME)[:, np.newaxis] * waves, np.float32)
        means = np.repeat(np.diag(1 / (_FRAMES * widths)), widths, axis=0)
        # Real and imaginary parts of all frames of a chunk go to the same bands.
        self._bands = np.asarray(np.tile(means, (2 * _FRAMES, 1)), np.float32)
        # Lists of the ten bands: in an idle process a call of numpy costs more than a dozen numbers in Python.
        self._limits: list[float] = (1.5 + 16 / np.sqrt(_FRAMES * widths / _BINS_PER_INDEPENDENT)).tolist()
        self._usual = [-math.inf] * len(widths)
        self._steady = [0.0] * len(widths)
        """Mean of the newest `_steady_chunks`, none of which is far from it."""
        self._steady_chunks = 0

    def hears(self, sound: bytes) -> bool:
        """Take any number of chunks (1280 samples of s16le each)."""
        levels = self._levels(sound)
        if not self._steady_chunks and not any(map(self._differs, levels)):
            self._drift(levels)
            return False
        differs = [self._follow(level) for level in levels]
        return any(differs)

    def _levels(self, sound: bytes) -> list[Levels]:
        parts = np.frombuffer(sound, "<i2").astype(np.float32).reshape(-1, _FRAME) @ self._waves
        np.square(parts, out=parts)
        power = parts.reshape(-1, len(self._bands)) @ self._bands
        return [[10 * math.log10(band + _ROUNDING) for band in chunk] for chunk in power.tolist()]

    def _differs(self, level: Levels) -> bool:
        above = list(map(sub, level, self._usual))
        return any(map(gt, above, self._limits)) or sum(above) < _DROP * len(above)

    def _drift(self, levels: list[Levels]) -> None:
        share = min(1.0, _DRIFT * len(levels))
        means = [sum(band) / len(levels) for band in zip(*levels, strict=True)]
        self._usual = [usual + share * (mean - usual) for usual, mean in zip(self._usual, means, strict=True)]

    def _follow(self, level: Levels) -> bool:
        """After a change: wait until the sound is steady again, and take that for usual. Return whether it differs."""
        differs = self._differs(level)
        if any(abs(a - b) > limit for a, b, limit in zip(level, self._steady, self._limits, strict=True)):
            self._steady_chunks = 0
        self._steady_chunks += 1
        self._steady = [old + (new - old) / self._steady_chunks for new, old in zip(level, self._steady, strict=True)]
        # Between two words it is quieter than usual: the second must be heard too.
        self._usual = [min(old, max(new, old - _FALL)) for new, old in zip(level, self._usual, strict=True)]
        if self._steady_chunks == _STEADY_CHUNKS:
            self._usual = self._steady
            self._steady_chunks = 0
        return differs
