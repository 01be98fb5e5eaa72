"""From blocks as a sound card gives them to frames as the house wants them."""

from __future__ import annotations

import numpy as np

from device.audio.resample import StreamResampler
from device.units import BYTES_PER_SAMPLE, CAPTURE_RATE, Hz, samples_from_ms


class FrameCutter:
    """Picks one channel, resamples it to 16 kHz and cuts it into frames of `frame_ms`."""

    def __init__(self, rate: Hz, channels: int, channel: int, frame_ms: int) -> None:
        self._channels = channels
        self._channel = channel
        self._resampler = StreamResampler(rate, CAPTURE_RATE)
        self._frame_bytes = samples_from_ms(frame_ms, CAPTURE_RATE) * BYTES_PER_SAMPLE
        self._rest = b""

    def cut(self, block: bytes) -> list[bytes]:
        """Take interleaved s16le samples of every channel; return the whole frames that are ready."""
        sound = self._rest + self._resampler.process(self._pick(block))
        size = self._frame_bytes
        whole = len(sound) - len(sound) % size
        self._rest = sound[whole:]
        return [sound[start : start + size] for start in range(0, whole, size)]

    def _pick(self, block: bytes) -> bytes:
        if self._channels == 1:
            return block
        return np.frombuffer(block, dtype="<i2")[self._channel :: self._channels].tobytes()
