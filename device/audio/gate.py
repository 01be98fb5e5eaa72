"""The one door from the microphone to the outside."""

from __future__ import annotations

from collections.abc import Callable

from device.audio.preroll import PrerollRing
from device.audio.resample import StreamResampler
from device.units import CAPTURE_RATE, Hz, Samples, samples_from_ms

# A message of 200 ms is 13 kB on the wire: small beside what a server takes at once, while the
# backlog of a slow session (10 s) is still only 50 messages.
PIECE = samples_from_ms(200, CAPTURE_RATE)


class Gate:
    """Lets the capture stream out while it is open, and not a sample otherwise. Shut at first.

    It sends from the ring alone, by one cursor: while it is open, every sample from `since` on
    goes out exactly once and in order, whether it was in the ring already (at once, faster than
    real time) or is still to come. Call `advance` whenever the ring has grown.

    `send` gets s16le mono PCM at `target_rate`, a piece being 200 ms at most (and what the
    resampler held back). One opening is one stream: a later opening may reach back behind the end
    of the one before, e.g. for a new session that must hear the whole sentence.
    """

    def __init__(self, ring: PrerollRing, target_rate: Hz, send: Callable[[bytes], None]) -> None:
        self._ring = ring
        self._send = send
        self._resampler = StreamResampler(CAPTURE_RATE, target_rate)
        self._open = False
        self._next = Samples(0)
        self._until: Samples | None = None
        self._passed = 0
        self._lost = 0

    @property
    def is_open(self) -> bool:
        """Whether samples go out."""
        return self._open

    @property
    def passed(self) -> Samples:
        """How many samples of the capture stream were ever let out."""
        return Samples(self._passed)

    @property
    def lost(self) -> Samples:
        """How many samples were ordered after the ring had forgotten them."""
        return Samples(self._lost)

    def open(self, since: Samples, until: Samples | None = None) -> None:
        """Let out the stream from position `since` on; with `until`, up to there, then shut.

        A span that lies in the past is sent at once, and the gate is shut on return. On an open
        gate `since` is ignored, since the stream is going out already, and `until` replaces the
        one before (None: no end).
        """
        if not self._open:
            self._open = True
            self._next = since
        self._until = until
        self.advance()

    def close(self) -> None:
        """Shut, after the last of the samples let out that the resampler holds back."""
        if self._open:
            self._open = False
            self._deliver(self._resampler.flush())

    def cut(self) -> None:
        """Shut at once: what the resampler holds back never leaves."""
        self._open = False
        self._resampler.reset()

    def advance(self) -> None:
        """Send what the ring holds and is due."""
        self._skip_forgotten()
        while self._open and self._next < self._due():
            self._pass_piece(Samples(min(self._due(), self._next + PIECE)))
        if self._open and self._until is not None and self._next >= self._until:
            self.close()

    def _due(self) -> Samples:
        return self._ring.end if self._until is None else min(self._ring.end, self._until)

    def _skip_forgotten(self) -> None:
        first = min(self._ring.start, self._due())
        if self._open and self._next < first:
            self._lost += first - max(0, self._next)
            self._next = first

    def _pass_piece(self, until: Samples) -> None:
        pcm = self._ring.read(self._next, until).pcm
        self._passed += until - self._next
        self._next = until
        self._deliver(self._resampler.process(pcm))

    def _deliver(self, pcm: bytes) -> None:
        if pcm:
            self._send(pcm)
