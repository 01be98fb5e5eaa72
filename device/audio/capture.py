"""From blocks as a sound card gives them to frames as the house wants them, when it wants them."""

from __future__ import annotations

import numpy as np

from device.audio.resample import StreamResampler
from device.units import BYTES_PER_SAMPLE, CAPTURE_RATE, Hz, samples_from_ms

Frame = tuple[bytes, float]
"""16 kHz mono s16le, and when its first sample was captured."""


class FrameCutter:
    """Picks one channel, resamples it to 16 kHz and cuts it into frames of `frame_ms`."""

    def __init__(self, rate: Hz, channels: int, channel: int, frame_ms: int) -> None:
        self._channels = channels
        self._channel = channel
        self._resampler = StreamResampler(rate, CAPTURE_RATE)
        self._frame_bytes = samples_from_ms(frame_ms, CAPTURE_RATE) * BYTES_PER_SAMPLE
        self.frame_s = frame_ms / 1000
        self._rest = b""

    @property
    def waiting_s(self) -> float:
        """How much sound (s) waits for the rest of its frame."""
        return len(self._rest) / BYTES_PER_SAMPLE / CAPTURE_RATE

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


class FrameBatcher:
    """Holds frames back while nobody is in a hurry, so that the event loop wakes up once for several of them.

    A batch ends where the count of frames since the start is a multiple of its size: a consumer that works in steps of
    that length, as the wake word does, waits no longer than without batches.
    """

    def __init__(self, cutter: FrameCutter, batch_frames: int) -> None:
        self._cutter = cutter
        self._batch_frames = batch_frames
        self._held: list[Frame] = []
        self._count = 0

    def collect(self, block: bytes, hurried: bool, end: float = 0.0) -> list[Frame]:
        """Take what the card captured up to the moment `end`; return every frame held so far when it is time.

        Each comes with the moment of its first sample, in seconds of `time.monotonic` as `end`.
        """
        batches = self._count // self._batch_frames
        frames = self._cutter.cut(block)
        self._count += len(frames)
        start = end - self._cutter.waiting_s - len(frames) * self._cutter.frame_s
        self._held += [(frame, start + n * self._cutter.frame_s) for n, frame in enumerate(frames)]
        if not hurried and self._count // self._batch_frames == batches:
            return []
        held, self._held = self._held, []
        return held
