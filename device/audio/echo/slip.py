"""Finds the echo again after near and far end have slipped against each other, by cross-correlation."""

from __future__ import annotations

import numpy as np

from device.audio.resample import FloatArray
from device.units import CAPTURE_RATE, samples_from_ms

# Blocks of 10 ms that are ignored at first: they contain the echo of sound that was played before the slip.
_IGNORED_BLOCKS = 17
# Blocks that are compared: always the newest.
_COMPARED_BLOCKS = 24
# Blocks after which the search is given up.
_MOST_BLOCKS = 150
# The longest lag that is searched for. The times of cards that ran dry were wrong by up to 20 ms.
_LONGEST_LAG = samples_from_ms(40, CAPTURE_RATE)
# The least correlation (-1 to 1) at the best lag: 0.8 or more was measured when only the delay had changed.
_LEAST_CORRELATION = 0.5
# Mean square of the estimated echo (-60 dBFS), below which nothing can be found.
_FAINT = 1e-6


class SlipSearch:
    """Searches the captured sound for the echo that a filter has estimated. Feed both, block by block."""

    def __init__(self) -> None:
        self._blocks = 0
        self._captured: list[FloatArray] = []
        self._estimated: list[FloatArray] = []

    @property
    def is_over(self) -> bool:
        """Whether the search should be given up."""
        return self._blocks >= _MOST_BLOCKS

    def update(self, captured: FloatArray, estimated: FloatArray) -> int | None:
        """Add a block; return by how many samples the echo is later than estimated, or None while that is not clear."""
        self._blocks += 1
        if self._blocks <= _IGNORED_BLOCKS:
            return None
        self._captured = [*self._captured[1 - _COMPARED_BLOCKS :], captured]
        self._estimated = [*self._estimated[1 - _COMPARED_BLOCKS :], estimated]
        if len(self._captured) < _COMPARED_BLOCKS:
            return None
        return _lag(np.concatenate(self._captured), np.concatenate(self._estimated))


def _lag(captured: FloatArray, estimated: FloatArray) -> int | None:
    if float(np.mean(estimated**2)) < _FAINT:
        return None
    # Differencing emphasises high frequencies: the low ones hold most of the power of speech, and correlate at any lag.
    captured, estimated = np.diff(captured), np.diff(estimated)
    size = 1 << (len(captured) + _LONGEST_LAG).bit_length()
    correlation = np.fft.irfft(np.fft.rfft(captured, size) * np.conjugate(np.fft.rfft(estimated, size)))
    by_lag = np.concatenate((correlation[-_LONGEST_LAG:], correlation[: _LONGEST_LAG + 1]))
    best = int(by_lag.argmax())
    norm = float(np.sqrt((captured @ captured) * (estimated @ estimated))) + _FAINT
    return best - _LONGEST_LAG if float(by_lag[best]) / norm > _LEAST_CORRELATION else None
