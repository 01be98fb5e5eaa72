"""Sound for the room of a virtual card: on the microphones of an array, and as a file."""

from __future__ import annotations

import tempfile
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from device.units import BYTES_PER_SAMPLE, Hz


def spread(pcm: bytes, channels: int, only: int | None) -> bytes:
    """Interleave mono sound (s16le) into every channel, or into one with silence in the others."""
    width = BYTES_PER_SAMPLE
    wide = bytearray(len(pcm) * channels)
    for channel in range(channels) if only is None else (only,):
        for byte in range(width):
            wide[channel * width + byte :: channels * width] = pcm[byte::width]
    return bytes(wide)


@contextmanager
def wav_file(folder: Path, pcm: bytes, rate: Hz, channels: int) -> Iterator[Path]:
    """Write s16le PCM into a WAV file in a folder; it is there as long as the context lasts."""
    with tempfile.NamedTemporaryFile(dir=folder, suffix=".wav", delete=False) as file, wave.open(file, "wb") as sound:
        sound.setparams((channels, BYTES_PER_SAMPLE, rate, 0, "NONE", ""))
        sound.writeframes(pcm)
    try:
        yield Path(file.name)
    finally:
        # The card may have been taken away meanwhile, and its folder with it.
        Path(file.name).unlink(missing_ok=True)
