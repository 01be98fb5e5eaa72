"""Dozing: while the sound of the room does not change, the wake-word engine does not run.

`ChangeDetector` watches the power in ten frequency bands. While it reports no change, `Doze` keeps the newest sound
instead of scoring it. When the sound changes, the engine gets the kept sound first, which begins before any word whose
beginning is noticed late. It goes on from what it heard last, which is the same room, sounding the same: so its scores
are nearly those of an engine that has heard everything. It rests in steady noise of any level, and runs in speech,
music and any other sound that varies.

A sound is followed by a second in which the engine runs on, and, if a word is expected, by another one. Else what was
kept in that other second is scored at its end, all at once, which costs a third of scoring it as it comes: a word that
ended very softly would be detected late, but not missed. In the benchmarks' scenes there is none.

While a word is awaited, everything is scored soon. Otherwise it would be detected later by what it takes to score the
kept sound: on a small Pi that is some 0.2 s, for which an answer that it interrupts would sound on.

A voice activity detector would not do: webrtcvad (mode 2) takes a fan or a hum at -30 dBFS for a voice (70 to 100 % of
the frames over two minutes), and the engine would never rest.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from operator import gt, sub

import numpy as np

from device.units import BYTES_PER_SAMPLE
from device.wake.openwakeword.mel import CHUNK_SAMPLES

Levels = list[float]
"""Power of each band in dB."""

_CHUNK_BYTES = CHUNK_SAMPLES * BYTES_PER_SAMPLE
# The sound is examined at least 240 ms at a time. In an idle process the CPU caches hold other data: to examine 80 ms
# costs 150 us (10 us in a busy process), and 240 ms hardly more. Words are longer, and the kept sound makes up for the
# delay.
_LOOK_CHUNKS = 3
# Half as often while a sound goes on: the engine runs, and will for a while.
_LONG_LOOK_CHUNKS = 6
# For how long the engine runs on after a change: 1 s, in which all but the words that end very softly are detected.
_AWAKE_CHUNKS = 12
# The same on a machine that is too slow for that.
_HURRIED_CHUNKS = 6
# After 1.9 s everything has been scored: a word is detected at most 0.7 s after its end, and its softest part may end a
# second before that.
_SCORED_CHUNKS = 24
# Deep sleep begins after 2.9 s: most pauses in a conversation are over by then.
_DEEP_CHUNKS = 36
# So much is kept of steady sound at least, the chunks in which the change is noticed included (up to four): words are
# scored from their beginning though that is noticed a second late.
_KEPT_CHUNKS = 20

_FRAME = 128
_FRAMES = CHUNK_SAMPLES // _FRAME
# In bins of 125 Hz: 250 Hz to 6.25 kHz, where speech is. The first two bins also contain rumble and the DC offset.
_EDGES = (2, 3, 4, 6, 8, 11, 15, 20, 27, 36, 50)
# Through a Hann window neighbouring bins are correlated.
_BINS_PER_INDEPENDENT = 1.5
# Added to every band: a little more than the power of the 16-bit rounding noise in a bin (1/12 of a step squared, times
# 48 for the window: 4). Otherwise the level of a microphone without noise of its own would vary widely in dB.
_ROUNDING = 15.0
_STEADY_CHUNKS = 25
# The usual level follows the present one by this share every 80 ms: steady noise drifts by some dB a minute.
_DRIFT = 0.05
# How fast the usual level may fall while the sound is not steady: dB in 80 ms.
_FALL = 1.0
# A mean over the bands this much below the usual one is a change (dB); in steady noise it varies by less than 0.5 dB.
_DROP = -3.0


@dataclass(frozen=True, slots=True)
class Unscored:
    """Sound that the engine has not scored yet. `skipped`: steady sound before it was dropped and is never scored."""

    pcm: bytes
    skipped: bool


class Doze:
    """Decides for every 80 ms of sound whether an engine gets it now, later or never."""

    def __init__(self) -> None:
        self._change = ChangeDetector()
        self._unseen = b""
        self._kept: deque[bytes] = deque()
        self._kept_bytes = 0
        self._skipped = False
        self._patience = _AWAKE_CHUNKS
        self._unchanged = 0
        """How many chunks have been looked at since the last one that differed."""
        self._is_awake = True

    @property
    def is_awake(self) -> bool:
        """Whether the engine runs."""
        return self._is_awake

    def hurry(self, is_hurried: bool) -> None:
        """Let the engine run on for half as long after each change, or for as long as usual again."""
        self._patience = _HURRIED_CHUNKS if is_hurried else _AWAKE_CHUNKS

    @property
    def is_deep(self) -> bool:
        """Whether nothing has changed for so long that a conversation is unlikely."""
        return self._unchanged >= _DEEP_CHUNKS

    def feed(self, sound: bytes, is_word_expected: bool = False, is_awaited: bool = False) -> Unscored | None:
        """Feed one or several chunks (1280 samples of s16le each); tell whether a word may be under way.

        While one `is_awaited`, no more is kept than what has not been examined: it is scored within 240 ms.

        Return the sound to be scored now: the kept sound and these chunks after it. None: nothing now.
        """
        self._keep(sound)
        self._unseen += sound
        is_due = False
        look = _LONG_LOOK_CHUNKS if self._unchanged < _LOOK_CHUNKS else _LOOK_CHUNKS
        if len(self._unseen) >= look * _CHUNK_BYTES:
            is_due = self._look(is_word_expected) or is_awaited
        return self._hand_over() if self._is_awake or is_due else None

    def _keep(self, sound: bytes) -> None:
        self._kept.append(sound)
        self._kept_bytes += len(sound)
        # What follows a sound too closely is scored yet.
        is_steady = self._unchanged >= _SCORED_CHUNKS
        while is_steady and self._kept_bytes - len(self._kept[0]) >= _KEPT_CHUNKS * _CHUNK_BYTES:
            self._kept_bytes -= len(self._kept.popleft())
            self._skipped = True

    def _look(self, is_word_expected: bool) -> bool:
        """Decide whether the engine runs. Return whether the time has come to score what it has not heard."""
        before = self._unchanged
        ago = self._change.detect(self._unseen)
        self._unchanged = self._unchanged + len(self._unseen) // _CHUNK_BYTES if ago is None else ago
        self._unseen = b""
        self._is_awake = self._unchanged < (_SCORED_CHUNKS if is_word_expected else self._patience)
        return before < _SCORED_CHUNKS <= self._unchanged

    def _hand_over(self) -> Unscored:
        unscored = Unscored(b"".join(self._kept), self._skipped)
        self._forget()
        return unscored

    def _forget(self) -> None:
        self._kept.clear()
        self._kept_bytes = 0
        self._skipped = False

    def reset(self) -> None:
        """Forget the kept sound, because the stream was interrupted, and let the engine run."""
        self._unseen = b""
        self._forget()
        self._unchanged = 0
        self._is_awake = True


class ChangeDetector:
    """Detects that the sound differs from the usual: one band is well above its usual level, or the mean well below.

    The usual level is the one that has been steady for 2 s. In steady noise the level of a band over 80 ms varies, the
    less the wider the band is; the limits (3 to 8 dB) are set so that noise exceeds them less than once an hour. A word
    that openWakeWord detects is far above them: one of its bands is at least 10 dB above white noise of equal power.
    """

    def __init__(self) -> None:
        widths = np.diff(_EDGES)
        # One matrix product for window and Fourier transform: in an idle process it costs half of what an FFT costs.
        turns = np.outer(np.arange(_FRAME), np.arange(_EDGES[0], _EDGES[-1])) / _FRAME
        waves = np.concatenate((np.cos(2 * np.pi * turns), np.sin(2 * np.pi * turns)), axis=1)
        self._waves = np.asarray(np.hanning(_FRAME)[:, np.newaxis] * waves, np.float32)
        means = np.repeat(np.diag(1 / (_FRAMES * widths)), widths, axis=0)
        # Real and imaginary parts of all frames of a chunk add up in the same bands.
        self._bands = np.asarray(np.tile(means, (2 * _FRAMES, 1)), np.float32)
        # Python lists: in an idle process a call of numpy costs more than computing ten numbers in Python.
        self._limits: list[float] = (1.5 + 16 / np.sqrt(_FRAMES * widths / _BINS_PER_INDEPENDENT)).tolist()
        self._usual = [-math.inf] * len(widths)
        self._steady = [0.0] * len(widths)
        """Mean level of the newest `_steady_chunks`, each of which is near the mean."""
        self._steady_chunks = 0

    def detect(self, sound: bytes) -> int | None:
        """Return how many of these chunks (1280 samples of s16le each) follow the newest that differs from the usual.

        None: none differs.
        """
        levels = self._levels(sound)
        if not self._steady_chunks and not any(map(self._differs, levels)):
            self._drift(levels)
            return None
        differs = [self._follow(level) for level in levels]
        return differs[::-1].index(True) if any(differs) else None

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
        """Learn the next usual level, once one is steady for 2 s. Return whether `level` differs from the old one."""
        differs = self._differs(level)
        if any(abs(a - b) > limit for a, b, limit in zip(level, self._steady, self._limits, strict=True)):
            self._steady_chunks = 0
        self._steady_chunks += 1
        self._steady = [old + (new - old) / self._steady_chunks for new, old in zip(level, self._steady, strict=True)]
        # Let the usual level fall in the pause between two words, so that the second one is noticed too.
        self._usual = [min(old, max(new, old - _FALL)) for new, old in zip(level, self._usual, strict=True)]
        if self._steady_chunks == _STEADY_CHUNKS:
            self._usual = self._steady
            self._steady_chunks = 0
        return differs
