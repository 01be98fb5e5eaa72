"""Sound to measure with, made here: it costs the parts what speech and a quiet room cost them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from device.audio.resample import FloatArray
from device.units import BYTES_PER_SAMPLE, CAPTURE_RATE, Hz, samples_from_ms

ANSWER_RATE = Hz(24_000)
"""The rate of what the provider sends, and of what it is sent."""

_SECONDS = 4
_QUIET, _LOUD = 8.0, 3_000.0
# People speak some four syllables a second.
_SYLLABLES_HZ = 4
_ECHO_DELAY, _ECHO_GAIN = samples_from_ms(60, CAPTURE_RATE), 0.3


@dataclass(frozen=True, slots=True)
class Sounds:
    """Pieces of equal length that follow each other; after the last comes the first again."""

    talk: list[bytes]
    """A voice at the microphone."""
    quiet: list[bytes]
    """A quiet room."""
    played: list[bytes]
    """An answer, at ANSWER_RATE."""
    echoed: list[bytes]
    """The same answer at the microphone."""


def sounds(piece_ms: int) -> Sounds:
    """Return all of them in pieces of `piece_ms`. The same every time."""
    noise = np.random.default_rng(1)
    talk, answer, hiss = (noise.standard_normal(_SECONDS * CAPTURE_RATE).astype(np.float32) for _ in range(3))
    moments = np.arange(_SECONDS * CAPTURE_RATE) / CAPTURE_RATE
    syllables = np.asarray(np.maximum(0, np.sin(2 * np.pi * _SYLLABLES_HZ * moments)) * _LOUD, np.float32)
    talk, answer = talk * syllables, answer * syllables
    wide = np.interp(np.arange(_SECONDS * ANSWER_RATE) * CAPTURE_RATE / ANSWER_RATE, np.arange(len(answer)), answer)
    return Sounds(
        talk=_pieces(talk, piece_ms, CAPTURE_RATE),
        quiet=_pieces(hiss * _QUIET, piece_ms, CAPTURE_RATE),
        played=_pieces(np.asarray(wide, np.float32), piece_ms, ANSWER_RATE),
        echoed=_pieces(np.roll(answer, _ECHO_DELAY) * _ECHO_GAIN + hiss * _QUIET, piece_ms, CAPTURE_RATE),
    )


def ahead(pieces: list[bytes], count: int) -> list[bytes]:
    """Return the pieces that come so much later."""
    return pieces[count:] + pieces[:count]


def _pieces(sound: FloatArray, piece_ms: int, rate: Hz) -> list[bytes]:
    pcm = sound.clip(-32_768, 32_767).astype("<i2").tobytes()
    size = samples_from_ms(piece_ms, rate) * BYTES_PER_SAMPLE
    return [pcm[at : at + size] for at in range(0, len(pcm) - size + 1, size)]
