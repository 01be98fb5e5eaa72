"""Keeps what the loudspeaker is given below a peak, without clipping. Computes only: no I/O."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from device.units import Hz, samples_from_ms

FULL_SCALE = 32_767
RELEASE_MS = 300
"""How long it takes to give back the whole volume: faster, and a voice would be heard to pump between its syllables."""

Sound = npt.NDArray[np.int16] | npt.NDArray[np.int32]


class Limiter:
    """Turns down what is louder than `peak` (of full scale), and gives the volume back over RELEASE_MS.

    The block that is handed out is the look-ahead: its loudest sample is known before its first is played, so it is
    turned down on the way there, and nothing is delayed. What stays below the peak passes as it is, to the bit.
    """

    def __init__(self, peak: float = 1.0) -> None:
        self._ceiling = round(peak * FULL_SCALE)
        self._factor = 1.0

    def apply(self, pcm: bytes, rate: Hz) -> bytes:
        """Return s16le mono sound with no sample above the peak."""
        sound = np.frombuffer(pcm, "<i2")
        return pcm if self._lets_pass(sound) else self._limited(sound, rate)

    def apply_to_sum(self, total: npt.NDArray[np.int32], rate: Hz) -> bytes:
        """Return the sum of several sounds (s16 mono at `rate`, not clipped) with no sample above the peak."""
        return total.astype("<i2").tobytes() if self._lets_pass(total) else self._limited(total, rate)

    def _lets_pass(self, sound: Sound) -> bool:
        # Two numbers and no array, for nearly all blocks.
        return not len(sound) or (self._factor == 1.0 and _loudest(sound) <= self._ceiling)

    def _limited(self, sound: Sound, rate: Hz) -> bytes:
        loudest = _loudest(sound)
        wanted = min(1.0, self._ceiling / loudest) if loudest else 1.0
        factors = self._turn_down(sound, wanted) if wanted < self._factor else self._give_back(len(sound), wanted, rate)
        # Towards zero: rounding up could pass the peak.
        limited: bytes = (sound * factors).astype("<i2").tobytes()
        return limited

    def _turn_down(self, sound: Sound, wanted: float) -> npt.NDArray[np.float64]:
        """Return factors that fall until the first sample that would be too loud, and stay there."""
        too_loud = np.abs(sound * self._factor) > self._ceiling
        way = int(too_loud.argmax())
        factors = np.full(len(sound), wanted)
        factors[:way] = np.linspace(self._factor, wanted, way, endpoint=False)
        self._factor = wanted
        return factors

    def _give_back(self, count: int, wanted: float, rate: Hz) -> npt.NDArray[np.float64]:
        """Return factors that rise, at most to what the loudest sample of this block bears."""
        step = 1 / samples_from_ms(RELEASE_MS, rate)
        factors: npt.NDArray[np.float64] = np.minimum(self._factor + step * np.arange(1, count + 1), wanted)
        self._factor = float(factors[-1])
        return factors


def _loudest(sound: Sound) -> int:
    """Return the largest absolute value; of -32768, 16 bits do not hold it."""
    return max(int(sound.max()), -int(sound.min()))
