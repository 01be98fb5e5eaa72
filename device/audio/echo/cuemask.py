"""Silences our own cues in the outgoing audio unless an echo canceller removes them. Computes only: no I/O."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from device.audio.cues import FREQUENCIES_HZ
from device.audio.echo.farend import CueSpan
from device.units import BYTES_PER_SAMPLE, CAPTURE_RATE, samples_from_ms

BLOCK_S = 0.01
_BLOCK = samples_from_ms(10, CAPTURE_RATE) * BYTES_PER_SAMPLE
# The times that cards report jitter, and are wrong by up to this much when a card has run dry (`slip.py`).
EARLY_S = 0.04
# The longest delay of an echo, and the error of a card's times.
LONGEST_DELAY_S = 0.15 + EARLY_S
# In this time the longest reverberation of a living room (RT60 of 0.5 s) falls by 30 dB. A person who answers a cue is
# silenced for no longer than this after the end of its echo.
LONGEST_FADE_S = 0.25
# An echo is over when it is this far below its loudest level: a canceller does not reduce it by more either.
FALLEN_DB = 40.0
# An echo has begun when the level is this far above the room's level before; the noise of a room mostly varies by less.
ABOVE_ROOM_DB = 6.0
# Digital silence, and the least level of a room.
SILENT_DBFS = -90.0
# Anything longer is an announcement: its last sound may have no power at the notes' frequencies.
LONGEST_CUE_S = 0.5
# Blocks of 10 ms below the limit after which the echo is over: gaps in a cue or in its reverberation are shorter.
QUIET_BLOCKS = 3
# A canceller is proven when it attenuates the echo by PROVEN_DB in PROVEN_BLOCKS blocks in a row. They are as long as
# _WINDOW, so that the last windows do not contain the beginning of the echo.
PROVEN_DB = 30.0
PROVEN_BLOCKS = 3
# Long enough to tell the cues' notes from a room's noise: at the notes' frequencies that is 15 dB lower in this window.
_WINDOW = samples_from_ms(30, CAPTURE_RATE)
# The room's level is the lower quartile of this time: the person may have said the wake word in it.
_REMEMBERED = 16 * _WINDOW * BYTES_PER_SAMPLE
_QUARTER = 4


def _make_note_filters() -> np.ndarray[tuple[int, int], np.dtype[np.complex64]]:
    seconds = np.arange(_WINDOW)[:, np.newaxis] / CAPTURE_RATE
    waves = np.exp(-2j * np.pi * seconds * np.asarray(FREQUENCIES_HZ))
    fade = np.hanning(_WINDOW)[:, np.newaxis]
    return np.asarray(waves * fade * (np.sqrt(2) / fade.sum() / 32_768), np.complex64)


_NOTE_FILTERS = _make_note_filters()


def notes_dbfs(pcm: bytes) -> list[float]:
    """Return the level of our cues' notes (dBFS) in every whole _WINDOW of s16le PCM at CAPTURE_RATE."""
    whole = len(pcm) // (_WINDOW * BYTES_PER_SAMPLE) * _WINDOW
    windows = np.frombuffer(pcm, "<i2", whole).astype(np.float32).reshape(-1, _WINDOW)
    power = np.square(np.abs(windows @ _NOTE_FILTERS)).sum(axis=1)
    return [float(level) for level in 10 * np.log10(power + 10 ** (SILENT_DBFS / 10))]


class CueEcho:
    """Tells while a cue sounds, and after it, whether its echo may still be heard.

    Feed the level of every 10 ms, in order. All that is known about the room is its level before (`room_dbfs`) and how
    long echoes are at most.
    """

    def __init__(self, since: float, room_dbfs: float) -> None:
        """`since`: when the cue begins at the DAC (s)."""
        self._room = room_dbfs
        self.since = since
        self._loudest = room_dbfs
        self._delay_s: float | None = None
        self._quiet = 0
        self._gone_with = 0.0
        """End of the cue (s) whose echo was found to be over: later sound is not taken for it."""

    def may_be_heard(self, moment: float, until: float, dbfs: float) -> bool:
        """Judge the 10 ms from `moment` on by their level; `until`: when the cue ends, as far as is known yet."""
        self._loudest = max(self._loudest, dbfs)
        if self._delay_s is None and moment >= self.since and dbfs > self._room + ABOVE_ROOM_DB:
            self._delay_s = min(moment - self.since, LONGEST_DELAY_S)
        gone_dbfs = max(self._room + ABOVE_ROOM_DB, self._loudest - FALLEN_DB)
        self._quiet = self._quiet + 1 if dbfs <= gone_dbfs else 0
        if self._is_gone(moment, until):
            self._gone_with = until
        return until > self._gone_with

    def _is_gone(self, moment: float, until: float) -> bool:
        if self._delay_s is None:
            return moment >= max(until, self.since + LONGEST_DELAY_S)
        over_s = moment - (until + self._delay_s)
        is_quiet = self._quiet >= QUIET_BLOCKS and until - self.since < LONGEST_CUE_S
        return over_s >= 0 and (is_quiet or over_s >= LONGEST_FADE_S)


class CancellerProof:
    """Tells whether the canceller removes the echo of this cue.

    After a pause it may leave the first 30 ms of an echo (26 dB below the captured level, measured on a busy machine):
    a card had run dry, and the delay had changed by too little to be noticed. So a canceller is relied on only when it
    has attenuated this cue, and while it trusts itself. That cannot be told while somebody speaks at the same time.
    """

    def __init__(self, room_dbfs: float) -> None:
        self._room = room_dbfs
        self._good = 0
        self._failed = False

    def holds(self, is_trusted: bool, captured_dbfs: float, left_dbfs: float) -> bool:
        """Judge the next 10 ms: whether the canceller trusts itself, and the levels before and after it."""
        self._failed |= not is_trusted
        if self._good >= PROVEN_BLOCKS:
            return not self._failed
        is_audible = captured_dbfs > self._room + 2 * ABOVE_ROOM_DB
        is_removed = left_dbfs < max(captured_dbfs - PROVEN_DB, self._room + ABOVE_ROOM_DB)
        self._good = self._good + 1 if is_audible and is_removed else 0
        return False


class CueMask:
    """Silences the captured sound while a cue or an announcement of our own may be heard in it.

    It does so until the echo is over; or only until the cue ends at the DAC, when a canceller that trusts itself
    (`is_trusted`) is seen to remove the echo. Sound is never delayed: the `cues` are known before they are heard, and
    silencing begins EARLY_S before them.
    """

    def __init__(self, cues: Callable[[], Sequence[CueSpan]], is_trusted: Callable[[], bool]) -> None:
        self._cues = cues
        self._is_trusted = is_trusted
        self.forget()
        self._echo = CueEcho(0.0, SILENT_DBFS)
        self._proof = CancellerProof(SILENT_DBFS)

    def forget(self) -> None:
        """Forget all sound: the next sound does not continue it, and may come hours later."""
        self._room = b""
        self._captured = self._left = bytes(_WINDOW * BYTES_PER_SAMPLE)

    def process(self, captured: bytes, left: bytes, moment: float) -> bytes:
        """Return `left`, the canceller's output for `captured` (s16le mono, from `moment` on), or silence instead."""
        cues = self._cues()
        if not cues or cues[-1].until + LONGEST_DELAY_S + LONGEST_FADE_S < moment:
            self._room = (self._room + captured)[-_REMEMBERED:]
            return left
        blocks = range(0, len(left), _BLOCK)
        return b"".join(
            self._mask(cues, captured[at : at + _BLOCK], left[at : at + _BLOCK], moment + n * BLOCK_S)
            for n, at in enumerate(blocks)
        )

    def _mask(self, cues: Sequence[CueSpan], captured: bytes, left: bytes, moment: float) -> bytes:
        self._captured = (self._captured + captured)[-len(self._captured) :]
        self._left = (self._left + left)[-len(self._left) :]
        begun = [cue for cue in cues if cue.since - EARLY_S < moment + BLOCK_S]
        if begun and self._hides(begun[-1], moment):
            return bytes(len(left))
        return left

    def _hides(self, cue: CueSpan, moment: float) -> bool:
        if self._echo.since != cue.since:
            room_dbfs = self._room_dbfs()
            self._echo, self._proof = CueEcho(cue.since, room_dbfs), CancellerProof(room_dbfs)
        captured_dbfs, left_dbfs = (notes_dbfs(sound)[0] for sound in (self._captured, self._left))
        may_be_heard = self._echo.may_be_heard(moment, cue.until, captured_dbfs)
        is_removed = self._proof.holds(self._is_trusted(), captured_dbfs, left_dbfs)
        # Silencing until the cue ends costs no words: cues are not played while somebody speaks.
        return may_be_heard and (moment < cue.until or not is_removed)

    def _room_dbfs(self) -> float:
        levels = sorted(notes_dbfs(self._room))
        return levels[len(levels) // _QUARTER] if levels else SILENT_DBFS
