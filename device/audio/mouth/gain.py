"""Volume without clicks."""

from __future__ import annotations

import numpy as np

from device.units import BYTES_PER_SAMPLE, Hz, samples_from_ms

# Long enough for no click, short enough to be at once.
RAMP_MS = 10


class Gain:
    """Multiplies sound by a factor of 0 to 1, and moves to a new factor over RAMP_MS."""

    def __init__(self, factor: float) -> None:
        self._factor = factor
        self._target = factor

    @property
    def is_silent(self) -> bool:
        """Whether it has arrived at a factor of 0."""
        return self._factor == 0.0

    def set(self, factor: float) -> None:
        """Move to `factor`."""
        self._target = factor

    def jump(self, factor: float) -> None:
        """Be at `factor` at once: nothing sounds, and what comes next should not begin as loud as what was last."""
        self._target = self._factor = factor

    def apply(self, pcm: bytes, rate: Hz) -> bytes:
        """Return s16le mono sound at the gain."""
        if self._factor == self._target == 1.0 or not pcm:
            return pcm
        count = len(pcm) // BYTES_PER_SAMPLE
        factors = self._ramp(count, rate) if self._factor != self._target else self._factor
        return (np.frombuffer(pcm, dtype="<i2") * factors).astype("<i2").tobytes()

    def _ramp(self, count: int, rate: Hz) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        step = 1 / samples_from_ms(RAMP_MS, rate)
        way = self._target - self._factor
        steps = np.minimum(np.arange(1, count + 1) * step, abs(way))
        factors: np.ndarray[tuple[int], np.dtype[np.float64]] = self._factor + np.copysign(steps, way)
        self._factor = self._target if steps[-1] >= abs(way) else float(factors[-1])
        return factors
