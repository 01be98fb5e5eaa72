"""How loud a stretch of sound is, and whether a microphone could sound like that."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from device.audio.frames import level_dbfs
from device.units import BYTES_PER_SAMPLE, CAPTURE_RATE, Ms, ms_from_samples

# Converters and filters stop a little short of full scale.
_CLIPPED = 32_700


@dataclass(frozen=True, slots=True)
class Levels:
    """Of some sound; levels in dB below full scale, None when all of it is zero."""

    of_ms: Ms
    """How much sound it is."""
    rms_dbfs: float | None
    peak_dbfs: float | None
    clipped: int
    """How many samples are as large as they can be."""
    digital_silence: bool
    """Nothing but zeros: no microphone is so quiet. Its own mute key is on, or nothing is plugged in."""

    def table(self) -> dict[str, Any]:
        """Return it for JSON."""
        return asdict(self)


def levels_of(pcm: bytes) -> Levels:
    """Measure s16le sound at the capture rate."""
    # As wide as needed: the smallest number has no positive counterpart.
    sizes = np.abs(np.frombuffer(pcm, dtype="<i2").astype(np.int32))
    peak = int(sizes.max(initial=0))
    return Levels(
        of_ms=ms_from_samples(len(pcm) // BYTES_PER_SAMPLE, CAPTURE_RATE),
        rms_dbfs=round(level_dbfs(pcm), 1) if peak else None,
        peak_dbfs=round(20 * math.log10(peak / 32_768), 1) if peak else None,
        clipped=int((sizes >= _CLIPPED).sum()),
        digital_silence=bool(pcm) and not peak,
    )
