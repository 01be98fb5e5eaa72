"""From the blocks of a sound card to frames of 16 kHz mono, gathered for as long as they may wait."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from device.audio.resample import StreamResampler
from device.core.status import Phase
from device.units import BYTES_PER_SAMPLE, CAPTURE_RATE, Hz, Samples, samples_from_ms


class Pace(IntEnum):
    """How long (ms) sound may wait for more, so that the event loop wakes up once for all of it."""

    HURRIED = 0
    STEADY = 80
    """The wake word's step: an engine that works in such steps detects no later."""
    RELAXED = 160
    """Two steps, which cost an engine little more than one. Sound in which it hears nothing may come so late: before
    most words are detected, the score rises (see `WakeWorker.expects_word`)."""
    LEISURELY = 240
    """Three steps at once; only where steps end with blocks, so that none waits for the rest of a block in addition,
    and where nothing is scored."""
    CALM = 280
    """The longest that does no harm: with 320 ms some wake words hardly louder than a noise come 160 ms late."""


def pace_of(phase: Phase, is_wake_word_at_rest: bool, is_word_expected: bool, is_punctual: bool) -> Pace:
    """Return how soon sound is waited for: in an idle house only by the wake word, in a quiet one by nobody.

    `is_punctual`: the wake word's steps end where blocks do; see `WakeWorker.is_punctual`.
    """
    if phase is not Phase.IDLE:
        return Pace.HURRIED
    if is_wake_word_at_rest:
        return Pace.CALM
    if is_word_expected:
        return Pace.STEADY
    return Pace.LEISURELY if is_punctual else Pace.RELAXED


@dataclass(frozen=True, slots=True)
class Piece:
    """16 kHz mono s16le, and when its first sample was captured (s, `time.monotonic`)."""

    pcm: bytes
    moment: float

    @property
    def end(self) -> float:
        """When the sample after its last was captured."""
        return self.moment + _seconds(self.pcm)


class Intake:
    """One stream of a card, in the card's thread: picks a channel, resamples it to 16 kHz and collects batches.

    A batch ends as soon as it passes a multiple of the pace, and of a frame where that is longer: counted in samples
    since the start, and what `align` added.
    """

    def __init__(self, rate: Hz, channels: int, channel: int, frame_ms: int) -> None:
        self._channels = channels
        self._channel = channel
        self._rate = rate
        self._frame_ms = frame_ms
        self._resampler = StreamResampler(rate, CAPTURE_RATE)
        self._held = b""
        # How many samples of the card came before the resampler gave any; None: it has.
        self._unanswered: int | None = 0
        self._handed_out = 0
        self._ahead = 0

    def align(self, ahead: int) -> None:
        """On the event loop's thread: `ahead` samples of another stream came before this one's first."""
        self._ahead = ahead

    def feed(self, block: bytes, end: float, pace: Pace) -> Piece | None:
        """Add s16le samples of all channels, interleaved, captured until `end` (s, `time.monotonic`).

        Return everything that is held once a batch is complete.
        """
        self._held += self._resample(self._pick(block))
        batch, ahead = samples_from_ms(max(pace, self._frame_ms), CAPTURE_RATE), self._ahead
        position = self._handed_out + len(self._held) // BYTES_PER_SAMPLE
        if not self._held or (position + ahead) // batch == (self._handed_out + ahead) // batch:
            return None
        pcm, self._held, self._handed_out = self._held, b"", position
        return _piece_until(end, pcm)

    def _resample(self, block: bytes) -> bytes:
        """Resample, and put silence before the first sound, as long as the resampler's delay.

        Otherwise a card's block would end a moment before a frame does, and the frame wait for the next block.
        """
        sound = self._resampler.process(block)
        if self._unanswered is None:
            return sound
        self._unanswered += len(block) // BYTES_PER_SAMPLE
        if not sound:
            return sound
        due, self._unanswered = self._unanswered * CAPTURE_RATE // self._rate * BYTES_PER_SAMPLE, None
        return bytes(due - len(sound)) + sound

    def _pick(self, block: bytes) -> bytes:
        if self._channels == 1:
            return block
        return np.frombuffer(block, dtype="<i2")[self._channel :: self._channels].tobytes()


# What of the end of one stream is looked for in the other.
_PATTERN = samples_from_ms(100, CAPTURE_RATE)
# How far the moments of two streams may be apart: PulseAudio knows those of long blocks to some 10 ms.
_DOUBT = samples_from_ms(40, CAPTURE_RATE)
# Two streams of one microphone are the same but for a resampler's phase.
_ALIKE = 0.8


class JoinedStream:
    """The frames of one stream after another of the same microphone, joined to the sample while both run."""

    def __init__(self, frame_ms: int) -> None:
        self._frame_bytes = samples_from_ms(frame_ms, CAPTURE_RATE) * BYTES_PER_SAMPLE
        self._rest = b""
        self._newest = Piece(b"", 0.0)
        self._next: Piece | None = None
        self._withheld: list[Piece] = []
        self._unwanted = 0
        """Bytes that are to be dropped, so that frames begin where they would have begun."""
        self.position = Samples(0)
        """How many samples were added so far, or skipped."""

    def feed(self, piece: Piece) -> Piece | None:
        """Add what the present stream captured; return the whole frames that are ready."""
        if self._withheld or (self._next and _overlap(self._newest, self._next)):
            # The next one has it too, and if its blocks are longer, always later.
            self._withheld.append(piece)
            return None
        self.position = Samples(self.position + len(piece.pcm) // BYTES_PER_SAMPLE)
        self._newest = _piece_until(piece.end, (self._newest.pcm + piece.pcm)[-_PATTERN * BYTES_PER_SAMPLE :])
        sound = (self._rest + piece.pcm)[self._unwanted :]
        self._unwanted = max(0, self._unwanted - len(piece.pcm))
        whole = len(sound) - len(sound) % self._frame_bytes
        self._rest = sound[whole:]
        return _piece_until(piece.end - _seconds(self._rest), sound[:whole]) if whole else None

    def skip(self, samples: int) -> None:
        """So many samples of the present stream were lost, and perhaps some of the next one: forget what was held."""
        held = sum(len(piece.pcm) for piece in self._withheld) // BYTES_PER_SAMPLE
        self.position = Samples(self.position + held + samples)
        self._withheld.clear()
        self._rest, self._next, self._newest = b"", None, Piece(b"", 0.0)
        self._unwanted = -self.position * BYTES_PER_SAMPLE % self._frame_bytes

    def prepare(self, piece: Piece) -> None:
        """Add what the next stream captured, while the present one goes on."""
        # Its newest moment counts: those of a stream that has just begun are the worst.
        self._next = _piece_until(piece.end, (self._next.pcm if self._next else b"") + piece.pcm)

    def abandon(self) -> Piece | None:
        """There will be no next stream; return the frames that were withheld for it."""
        self._next = None
        withheld, self._withheld = self._withheld, []
        if not withheld:
            return None
        return self.feed(_piece_until(withheld[-1].end, b"".join(piece.pcm for piece in withheld)))

    def join(self) -> Piece | None:
        """Return what the next stream, which from now on is the present one, captured after the end of the other.

        None: they do not overlap by enough yet. It is still to be added.
        """
        if self._next is None or (at := find_joint(self._newest, self._next)) is None:
            return None
        rest, self._next = Piece(self._next.pcm[at * BYTES_PER_SAMPLE :], self._newest.end), None
        self._withheld.clear()
        return rest


def _seconds(pcm: bytes) -> float:
    return len(pcm) / BYTES_PER_SAMPLE / CAPTURE_RATE


def _piece_until(end: float, pcm: bytes) -> Piece:
    return Piece(pcm, end - _seconds(pcm))


def _overlap(end: Piece, other: Piece) -> bool:
    return (end.end - other.moment) * CAPTURE_RATE >= _PATTERN + _DOUBT


def find_joint(end: Piece, other: Piece) -> int | None:
    """Return the sample of `other` that follows the last one of `end`; None when it is not there yet.

    Where the sound of `end` is found in `other`, else (silence is the same everywhere) where the moments say.
    """
    expected = round((end.end - other.moment) * CAPTURE_RATE)
    pattern = np.frombuffer(end.pcm, "<i2").astype(np.float64)
    sound = np.frombuffer(other.pcm, "<i2")
    first, last = expected - _DOUBT, expected + _DOUBT
    if first < len(pattern) or last > len(sound):
        return None
    searched = sound[first - len(pattern) : last].astype(np.float64)
    found = _correlate(searched, pattern)
    energy = np.concatenate(([0.0], np.cumsum(searched**2)))
    alike = np.sqrt((energy[len(pattern) :] - energy[: -len(pattern)]) * pattern.dot(pattern))
    likeness = found / np.maximum(alike, 1.0)
    best = int(likeness.argmax())
    return first + best if likeness[best] > _ALIKE else expected


def _correlate(sound: npt.NDArray[np.float64], pattern: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return what `numpy.correlate` does, by Fourier transforms: with a sixteenth of the operations."""
    size = len(sound)
    product = np.fft.rfft(sound) * np.conj(np.fft.rfft(pattern, size))
    return np.asarray(np.fft.irfft(product, size)[: size - len(pattern) + 1], np.float64)
