"""What a microphone heard, in numbers: how loud it was, and whether what was played is in it. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from device.audio.frames import level_dbfs
from device.units import CAPTURE_RATE, Ms, ms_from_samples, samples_from_ms

LEAD_MS = Ms(100)
"""So much of what was heard before the first sample played is looked at, too: clocks are not exact."""
LONGEST_DELAY_MS = Ms(1_000)
# Samples within this of full scale were cut off.
_FULL_SCALE = 32_700

_Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Level:
    """How loud some sound is; shares are from 0 to 1."""

    dbfs: float
    clipped: float
    zeros: float


@dataclass(frozen=True, slots=True)
class Echo:
    """What was played, found again in what was heard."""

    delay: Ms
    likeness: float
    """0: something else; 1: the same, sample by sample."""
    above_room_db: float
    """How much louder it was than the room before."""


def level_of(pcm: bytes) -> Level:
    """Measure s16le sound."""
    samples = np.frombuffer(pcm, "<i2")
    if not samples.size:
        return Level(level_dbfs(b""), 0.0, 1.0)
    loud = np.abs(samples.astype(np.int32)) >= _FULL_SCALE
    return Level(level_dbfs(pcm), float(loud.mean()), float((samples == 0).mean()))


def find_echo(spoken: bytes, heard: bytes, room: bytes) -> Echo:
    """Find `spoken` in what was `heard` from LEAD_MS before its first sample on; all of it 16 kHz mono s16le."""
    told, took = _floats(spoken), _floats(heard)
    likenesses = _likenesses(told, took)
    if not likenesses.size:
        return Echo(Ms(0), 0.0, 0.0)
    at = int(np.argmax(np.abs(likenesses)))
    delay = Ms(ms_from_samples(at, CAPTURE_RATE) - LEAD_MS)
    sounding = heard[2 * at : 2 * (at + len(told))]
    return Echo(delay, float(abs(likenesses[at])), level_dbfs(sounding) - level_dbfs(room))


def _likenesses(told: _Floats, took: _Floats) -> _Floats:
    """Return for every lag how alike the two are: their correlation, by the energy of what they are made of."""
    lags = min(len(took) - len(told), samples_from_ms(LEAD_MS + LONGEST_DELAY_MS, CAPTURE_RATE))
    if lags <= 0 or not told.any():
        return np.zeros(0)
    size = 1 << (len(took) + len(told)).bit_length()
    products = np.fft.irfft(np.fft.rfft(took, size) * np.conj(np.fft.rfft(told, size)), size)[:lags]
    sums = np.concatenate(([0.0], np.cumsum(took * took)))
    energies = sums[len(told) : len(told) + lags] - sums[:lags]
    # A window of digital silence holds nothing; a little of full scale keeps it from being divided by.
    scale = math.sqrt(float(told @ told)) * np.sqrt(np.maximum(energies, 1e-6))
    return np.asarray(products / scale)


def _floats(pcm: bytes) -> _Floats:
    return np.frombuffer(pcm, "<i2").astype(np.float64) / 32_768
