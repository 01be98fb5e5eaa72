"""The short sounds of our own, made here: soft sine notes, so that no recording has to be licensed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from device.core.actions import Cue
from device.units import Hz, samples_from_ms

# -18 dBFS at the peak: well below a voice, which peaks near full scale.
PEAK = 10 ** (-18 / 20)
ATTACK_MS = 8
# With a little of the octave a sine sounds less like a telephone.
OVERTONE = 0.2


@dataclass(frozen=True, slots=True)
class _Note:
    hertz: float
    milliseconds: int


# Rising: go on. Falling: done. Low: something is wrong. Down a fourth: closed, and up again: open.
_MELODIES = {
    Cue.WAKE: (_Note(659.3, 60), _Note(880.0, 90)),
    Cue.DONE: (_Note(880.0, 60), _Note(659.3, 90)),
    Cue.ERROR: (_Note(311.1, 110), _Note(233.1, 140)),
    Cue.MUTED: (_Note(587.3, 80), _Note(440.0, 120)),
    Cue.UNMUTED: (_Note(440.0, 80), _Note(587.3, 120)),
}
# A major chord upwards, where small loudspeakers are loudest and ears are keenest. None of it is in `FREQUENCIES_HZ`:
# that is what is silenced in what the microphone hears, and a ring goes on for minutes.
_RING = (_Note(784.0, 130), _Note(987.8, 130), _Note(1174.7, 130), _Note(1568.0, 160))
_RING_PAUSE_MS = 1_000
# -6 dBFS (a note, softened by its attack, stays 1 dB below): as loud as a voice.
RING_PEAK = 0.5
FREQUENCIES_HZ = tuple(
    sorted({hertz for notes in _MELODIES.values() for note in notes for hertz in (note.hertz, 2 * note.hertz)})
)
"""Where there is anything in a cue: its notes and their octaves."""


@cache
def cue_pcm(cue: Cue, rate: Hz) -> bytes:
    """Return the cue as s16le mono PCM at `rate`: 80 to 250 ms, beginning and ending in silence."""
    notes = [_sing(note, rate) for note in _MELODIES[cue]]
    return np.rint(np.concatenate(notes) * PEAK * 32_767).astype("<i2").tobytes()


@cache
def ring_pcm(rate: Hz) -> bytes:
    """Return one round of the ring as s16le mono PCM at `rate`: rising notes twice, and a pause; 2.1 s in all."""
    notes = [*(_sing(note, rate) for note in _RING * 2), np.zeros(samples_from_ms(_RING_PAUSE_MS, rate))]
    return np.rint(np.concatenate(notes) * RING_PEAK * 32_767).astype("<i2").tobytes()


def _sing(note: _Note, rate: Hz) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    count = samples_from_ms(note.milliseconds, rate)
    phase = 2 * np.pi * note.hertz * np.arange(count) / rate
    wave = (np.sin(phase) + OVERTONE * np.sin(2 * phase)) / (1 + OVERTONE)
    shaped: np.ndarray[tuple[int], np.dtype[np.float64]] = wave * _envelope(count, rate)
    return shaped


def _envelope(count: int, rate: Hz) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return a soft attack and a decay over the rest, both as half a cosine."""
    attack = samples_from_ms(ATTACK_MS, rate)
    rise = 0.5 - 0.5 * np.cos(np.pi * np.arange(attack) / attack)
    fall = 0.5 + 0.5 * np.cos(np.pi * np.arange(1, count - attack + 1) / (count - attack))
    return np.concatenate([rise, fall])
