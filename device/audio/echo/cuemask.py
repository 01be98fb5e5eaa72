"""Keeps our own cues from whoever listens at the other end, where nothing takes them out of what is captured. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from device.audio.cues import FREQUENCIES_HZ
from device.audio.echo.farend import CueSpan
from device.units import BYTES_PER_SAMPLE, CAPTURE_RATE, samples_from_ms

BLOCK_S = 0.01
_BLOCK = samples_from_ms(10, CAPTURE_RATE) * BYTES_PER_SAMPLE
# The moments that cards report jitter, and slip by up to this when a card has run dry (`echoslip.py`).
EARLY_S = 0.04
# The longest delay of an echo, and a slip.
LONGEST_DELAY_S = 0.15 + EARLY_S
# In which the longest reverberation of a living room (60 dB in 0.5 s) falls by 30 dB. Who answers a cue waits no longer
# than for that after the last of it has arrived.
LONGEST_FADE_S = 0.25
# An echo that has fallen so far below its loudest is gone: so much does the canceller take away, too.
FALLEN_DB = 40.0
# So far above the room as it was before there is an echo; the noise of a room goes up and down by less, mostly.
ABOVE_ROOM_DB = 6.0
# Below this nobody hears a room.
SILENT_DBFS = -90.0
# What is longer is an announcement: its last sound may be one that is not heard where the notes are.
LONGEST_CUE_S = 0.5
# No cue has a dip so long, and no reverberation of a note.
QUIET_BLOCKS = 3
# What a canceller must take away of an echo, in windows that hold nothing of the first moment.
PROVEN_DB = 30.0
PROVEN_BLOCKS = 3
# Long enough to tell the cues' notes from a room's noise, which is thereby 15 dB fainter.
_WINDOW = samples_from_ms(30, CAPTURE_RATE)
# How loud the room is: the quieter quarter of this, for the person may have said the wake word in it.
_REMEMBERED = 16 * _WINDOW * BYTES_PER_SAMPLE
_QUIETER = 4


def _make_tuning() -> np.ndarray[tuple[int, int], np.dtype[np.complex64]]:
    seconds = np.arange(_WINDOW)[:, np.newaxis] / CAPTURE_RATE
    waves = np.exp(-2j * np.pi * seconds * np.asarray(FREQUENCIES_HZ))
    fade = np.hanning(_WINDOW)[:, np.newaxis]
    return np.asarray(waves * fade * (np.sqrt(2) / fade.sum() / 32_768), np.complex64)


_TUNING = _make_tuning()


def notes_dbfs(pcm: bytes) -> list[float]:
    """Return how loud the notes of our cues are in every whole _WINDOW of s16le PCM at CAPTURE_RATE."""
    whole = len(pcm) // (_WINDOW * BYTES_PER_SAMPLE) * _WINDOW
    windows = np.frombuffer(pcm, "<i2", whole).astype(np.float32).reshape(-1, _WINDOW)
    power = np.square(np.abs(windows @ _TUNING)).sum(axis=1)
    return [float(level) for level in 10 * np.log10(power + 10 ** (SILENT_DBFS / 10))]


class Fading:
    """What is captured while a cue sounds and after: is there an echo of it still?

    Told the level of every 10 ms, in order. Nothing is known of the room but how loud it was before (`room_dbfs`), and
    how long echoes take.
    """

    def __init__(self, since: float, room_dbfs: float) -> None:
        """`since`: when the cue begins at the DAC (s)."""
        self._room = room_dbfs
        self.since = since
        self._loudest = room_dbfs
        self._delay_s: float | None = None
        self._quiet = 0
        self._gone_with = 0.0
        """The end of the cue (s) whose echo is gone: it does not come back, whatever is heard then."""

    def may_be_heard(self, moment: float, until: float, dbfs: float) -> bool:
        """Take the level of the 10 ms from `moment` on, and when the cue ends (as far as is known)."""
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


class Proof:
    """Whether a canceller takes the echo of this very cue away.

    After a pause it may leave the first 30 ms of an echo (26 dB under what came in, seen on a busy machine): a card
    that ran dry had moved the echo by too little to be noticed. So it is believed when it has done its work, and for as
    long as it trusts itself. While somebody speaks at the same time that cannot be told.
    """

    def __init__(self, room_dbfs: float) -> None:
        self._room = room_dbfs
        self._good = 0
        self._failed = False

    def holds(self, is_trusted: bool, captured_dbfs: float, left_dbfs: float) -> bool:
        """Take the next 10 ms: whether the canceller trusts itself, what came in and what it left."""
        self._failed |= not is_trusted
        if self._good >= PROVEN_BLOCKS:
            return not self._failed
        is_heard = captured_dbfs > self._room + 2 * ABOVE_ROOM_DB
        is_taken = left_dbfs < max(captured_dbfs - PROVEN_DB, self._room + ABOVE_ROOM_DB)
        self._good = self._good + 1 if is_heard and is_taken else 0
        return False


class CueMask:
    """Silences what is captured while a cue or an announcement of our own may be heard in it.

    It does so until the echo is gone; or only to the cue's end at the DAC, where a canceller that trusts itself
    (`is_trusted`) is seen to take the echo away. Sound is never delayed: the `cues` are known ahead of the moment at
    which they are heard, and it begins EARLY_S earlier.
    """

    def __init__(self, cues: Callable[[], Sequence[CueSpan]], is_trusted: Callable[[], bool]) -> None:
        self._cues = cues
        self._is_trusted = is_trusted
        self.forget()
        self._fading = Fading(0.0, SILENT_DBFS)
        self._proof = Proof(SILENT_DBFS)

    def forget(self) -> None:
        """Forget all sound: what comes next does not join on, or may be of another day."""
        self._room = b""
        self._captured = self._left = bytes(_WINDOW * BYTES_PER_SAMPLE)

    def process(self, captured: bytes, left: bytes, moment: float) -> bytes:
        """Return `left`, made by a canceller of `captured` (s16le mono, from `moment` on), or silence in its place."""
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
        if self._fading.since != cue.since:
            room_dbfs = self._room_dbfs()
            self._fading, self._proof = Fading(cue.since, room_dbfs), Proof(room_dbfs)
        captured_dbfs, left_dbfs = (notes_dbfs(sound)[0] for sound in (self._captured, self._left))
        may_be_heard = self._fading.may_be_heard(moment, cue.until, captured_dbfs)
        is_taken_away = self._proof.holds(self._is_trusted(), captured_dbfs, left_dbfs)
        # Nobody should speak before the end: a cue is not played into words.
        return may_be_heard and (moment < cue.until or not is_taken_away)

    def _room_dbfs(self) -> float:
        levels = sorted(notes_dbfs(self._room))
        return levels[len(levels) // _QUIETER] if levels else SILENT_DBFS
