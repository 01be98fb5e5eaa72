"""Finds an echo again that has moved a little: a stream slipped, or the moments of a card were wrong."""

from __future__ import annotations

import numpy as np

from device.audio.resample import FloatArray
from device.units import CAPTURE_RATE, samples_from_ms

# In blocks of 10 ms. What had been played before the slip is heard for so long; then so much is looked at; and where
# little can be found in that, the newest of it, until it is time to give up.
_SETTLING = 17
_LOOKED_AT = 24
_PATIENCE = 150
# Moments of a card that ran dry were wrong by up to 20 ms.
_FURTHEST = samples_from_ms(40, CAPTURE_RATE)
# Of what was captured against what was expected, at the best place: an echo that only moved reaches 0.8 and more.
_ALIKE = 0.5
# A mean square of what is expected to come, below which there is nothing to be found (-60 dBFS).
_FAINT = 1e-6


class SlipSearch:
    """Looks for what a filter expects of an echo in what is captured; told of both, block by block."""

    def __init__(self) -> None:
        self._seen = 0
        self._captured: list[FloatArray] = []
        self._expected: list[FloatArray] = []

    @property
    def is_over(self) -> bool:
        """Whether it is time to give up."""
        return self._seen >= _PATIENCE

    def see(self, captured: FloatArray, expected: FloatArray) -> int | None:
        """Take another block; return by how many samples the echo comes later than expected, once that is clear."""
        self._seen += 1
        if self._seen <= _SETTLING:
            return None
        self._captured = [*self._captured[1 - _LOOKED_AT :], captured]
        self._expected = [*self._expected[1 - _LOOKED_AT :], expected]
        if len(self._captured) < _LOOKED_AT:
            return None
        return _lag(np.concatenate(self._captured), np.concatenate(self._expected))


def _lag(captured: FloatArray, expected: FloatArray) -> int | None:
    if float(np.mean(expected**2)) < _FAINT:
        return None
    # Speech is mostly its lowest tones, which are alike everywhere: the others tell places apart.
    captured, expected = np.diff(captured), np.diff(expected)
    size = 1 << (len(captured) + _FURTHEST).bit_length()
    both = np.fft.irfft(np.fft.rfft(captured, size) * np.conjugate(np.fft.rfft(expected, size)))
    near = np.concatenate((both[-_FURTHEST:], both[: _FURTHEST + 1]))
    best = int(near.argmax())
    alike = float(near[best]) / (float(np.sqrt((captured @ captured) * (expected @ expected))) + _FAINT)
    return best - _FURTHEST if alike > _ALIKE else None
