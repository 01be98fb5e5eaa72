"""The seconds before now, so that words spoken before anybody was ready are not lost."""

from __future__ import annotations

from dataclasses import dataclass

from device.units import BYTES_PER_SAMPLE, CAPTURE_RATE, Samples

# A session may take 10 s to open (connect_timeout_s), and the sentence begins before that.
DEFAULT_CAPACITY = Samples(16 * CAPTURE_RATE)


@dataclass(frozen=True, slots=True)
class Recall:
    """A span read back: the PCM, the position of its first sample, and how many were too old."""

    pcm: bytes
    position: Samples
    lost: Samples


class PrerollRing:
    """The newest samples of the capture stream, by absolute position. Memory is allocated once."""

    def __init__(self, capacity: Samples = DEFAULT_CAPACITY) -> None:
        if capacity <= 0:
            raise ValueError(f"the ring needs room for at least one sample, not {capacity}")
        self._data = bytearray(capacity * BYTES_PER_SAMPLE)
        self._capacity = capacity
        self._end = 0
        self._kept_since = 0

    @property
    def start(self) -> Samples:
        """Position of the oldest sample held."""
        return Samples(max(self._kept_since, self._end - self._capacity))

    @property
    def end(self) -> Samples:
        """Position after the newest sample: how many were ever written."""
        return Samples(self._end)

    def write(self, pcm: bytes) -> None:
        """Append whole samples; the oldest make room. Raise ValueError for half a sample."""
        count, half = divmod(len(pcm), BYTES_PER_SAMPLE)
        if half:
            raise ValueError(f"{len(pcm)} bytes are not a whole number of samples")
        self._end += count
        newest = pcm[-len(self._data) :]
        self._put(newest, self._end - len(newest) // BYTES_PER_SAMPLE)

    def read(self, since: Samples, until: Samples) -> Recall:
        """Return what is held of the samples from `since` up to, not including, `until`."""
        wanted = max(0, since)
        last = min(until, self._end)
        first = max(wanted, self.start)
        lost = Samples(max(0, min(first, last) - wanted))
        return Recall(self._get(first, max(first, last)), Samples(first), lost)

    def clear(self) -> None:
        """Forget everything held, for good; positions go on counting."""
        self._kept_since = self._end
        # Overwritten too: what was said before a mute shall not lie about in memory.
        self._data[:] = bytes(len(self._data))

    def _put(self, pcm: bytes, position: int) -> None:
        at = self._offset(position)
        room = len(self._data) - at
        self._data[at : at + len(pcm[:room])] = pcm[:room]
        self._data[: len(pcm[room:])] = pcm[room:]

    def _get(self, first: int, last: int) -> bytes:
        at, size = self._offset(first), (last - first) * BYTES_PER_SAMPLE
        head = bytes(self._data[at : at + size])
        return head if len(head) == size else head + self._data[: size - len(head)]

    def _offset(self, position: int) -> int:
        return position % self._capacity * BYTES_PER_SAMPLE
