"""Sound that knows its own length: formats, frames, and cutting chunks into frames."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from device.units import BYTES_PER_SAMPLE, CAPTURE_RATE, Hz, Ms, Samples, ms_from_samples

DIGITAL_SILENCE_DBFS = -120.0
"""The level of a frame of zeros; any other frame of up to 58 ms is louder than that."""


@dataclass(frozen=True, slots=True)
class AudioFormat:
    """How s16le PCM is laid out: `channels` samples for every moment, interleaved."""

    rate: Hz
    channels: int = 1

    def samples_in(self, pcm: bytes) -> Samples:
        """Return how many samples of each channel `pcm` holds."""
        return Samples(len(pcm) // (BYTES_PER_SAMPLE * self.channels))

    def bytes_in(self, samples: int) -> int:
        """Return how many bytes `samples` of each channel take."""
        return samples * BYTES_PER_SAMPLE * self.channels


CAPTURE_FORMAT = AudioFormat(CAPTURE_RATE)
"""What the microphone hands to the house."""


@dataclass(frozen=True, slots=True)
class AudioFrame:
    """A piece of a stream: where it begins, counted in samples from the stream's start."""

    pcm: bytes
    position: Samples
    format: AudioFormat = CAPTURE_FORMAT

    @property
    def samples(self) -> Samples:
        """Return its length in samples of each channel."""
        return self.format.samples_in(self.pcm)

    @property
    def end(self) -> Samples:
        """Return the position just after its last sample."""
        return Samples(self.position + self.samples)

    @property
    def ms(self) -> Ms:
        """Return how long it lasts."""
        return ms_from_samples(self.samples, self.format.rate)


class Rechunker:
    """Cuts chunks of any size, odd numbers of bytes included, into frames of exactly `samples`."""

    def __init__(self, samples: Samples, audio_format: AudioFormat = CAPTURE_FORMAT) -> None:
        if samples <= 0:
            raise ValueError(f"a frame needs at least one sample, not {samples}")
        self._format = audio_format
        self._samples = samples
        self._size = audio_format.bytes_in(samples)
        self._rest = b""
        self._position = Samples(0)

    def process(self, chunk: bytes) -> list[AudioFrame]:
        """Take a chunk; return the frames that are complete now."""
        data = self._rest + chunk if self._rest else chunk
        whole = len(data) - len(data) % self._size
        self._rest = data[whole:]
        return [self._frame(data[at : at + self._size]) for at in range(0, whole, self._size)]

    def restart(self, position: Samples) -> None:
        """Drop the incomplete frame; the next chunk begins at `position`."""
        self._rest = b""
        self._position = position

    def _frame(self, pcm: bytes) -> AudioFrame:
        frame = AudioFrame(pcm, self._position, self._format)
        self._position = Samples(self._position + self._samples)
        return frame


def level_dbfs(pcm: bytes) -> float:
    """Return the RMS level of s16le PCM in dB below full scale (0 = a full-scale square wave)."""
    if not pcm:
        return DIGITAL_SILENCE_DBFS
    samples = np.frombuffer(pcm, dtype=np.int16).astype(np.float32)
    power = float(samples.dot(samples)) / samples.size
    if power == 0:
        return DIGITAL_SILENCE_DBFS
    return 10 * math.log10(power / 32_768**2)
