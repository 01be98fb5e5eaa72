"""Streaming resampling of mono speech; nothing else imports soxr."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import soxr

from device.units import Hz

# soxr holds samples back in its filters. Measured with soxr 1.1 and chunks of 10 ms:
#        held back, mean / worst, ms
#        16->24   48->16   24->48 kHz   flat up to   images and aliases
#   HQ   22 / 37  22 / 37  21 / 38      7.5 kHz      below -84 dB
#   MQ   22 / 38  22 / 38  22 / 38      (no sooner than HQ: not looked at further)
#   LQ   11 / 20  11 / 20  11 / 20      6 kHz        below -84 dB
#   QQ    0 /  0   0 /  0   0 /  0      3 kHz        -19 dB, and nothing is removed going down
# ("flat" for a side of 16 kHz). Every millisecond delays the answer and the interruption, and
# speech lives below 6 kHz: LQ. QQ has no filter: it would fold the room's hiss into the words.
QUALITY = "LQ"

_NOTHING = np.zeros(0, dtype=np.float32)


class StreamResampler:
    """Turns a stream of s16le mono PCM at one rate into the same stream at another.

    The output lags behind the input by what soxr holds back (see QUALITY); `flush` hands that
    out. Equal rates pass through untouched and at once.
    """

    def __init__(self, source_rate: Hz, target_rate: Hz) -> None:
        self.source_rate = source_rate
        self.target_rate = target_rate
        self._stream = None if source_rate == target_rate else _stream(source_rate, target_rate)

    def process(self, pcm: bytes) -> bytes:
        """Take a chunk of whole samples and return what is ready, which may be nothing."""
        if self._stream is None or not pcm:
            return pcm
        samples = np.frombuffer(pcm, dtype=np.int16).astype(np.float32)
        return _pcm(self._stream.resample_chunk(samples))

    def flush(self) -> bytes:
        """End the stream: return the samples held back. The next `process` begins a new stream."""
        if self._stream is None:
            return b""
        rest = _pcm(self._stream.resample_chunk(_NOTHING, last=True))
        self._stream.clear()
        return rest

    def reset(self) -> None:
        """Forget what is held back and begin a new stream."""
        if self._stream is not None:
            self._stream.clear()


def _stream(source_rate: Hz, target_rate: Hz) -> soxr.ResampleStream:
    # In floats, because soxr dithers integers, and a muted array's digital silence must stay zero.
    return soxr.ResampleStream(source_rate, target_rate, 1, dtype="float32", quality=QUALITY)


def _pcm(samples: npt.NDArray[np.float32]) -> bytes:
    return np.rint(samples).clip(-32_768, 32_767).astype(np.int16).tobytes()
