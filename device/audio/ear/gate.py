"""The one door from the microphone to the outside."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from device.audio.ear.preroll import PrerollRing
from device.audio.ear.traffic import Traffic
from device.audio.resample import StreamResampler
from device.core.events import VoiceStarted, VoiceStopped
from device.units import CAPTURE_RATE, Hz, Samples, samples_from_ms

# A message of 200 ms is 13 kB on the wire: small beside what a server takes at once, while the
# backlog of a slow session (10 s) is still only 50 messages.
PIECE = samples_from_ms(200, CAPTURE_RATE)


@dataclass(frozen=True, slots=True)
class Padding:
    """What goes out with a voice: soft first consonants `before` the onset, and silence `after` the end.

    500 ms before: words hardly above a noise are noticed late, and with 300 ms four times as many sentences lost a part
    (`tests/bench/bench_gate.py`). After: the silence from which the provider decides that the turn is over; none where
    the device ends the turn, since the segmenter's pause has been sent by then.
    """

    before: Samples = samples_from_ms(500, CAPTURE_RATE)
    after: Samples = Samples(0)


class Gate:
    """Lets the capture stream out while it is open, and not a sample otherwise. Shut at first.

    It sends from the ring alone, by one cursor: while it is open, every sample from `since` on
    goes out exactly once and in order, whether it was in the ring already (at once, faster than
    real time) or is still to come. Call `advance` whenever the ring has grown.

    Open to voices only, it withholds what comes between them: tell it every fact of the segmenter,
    in any state. A voice goes out with its padding; what comes before its onset is taken from the
    ring, as far as it was heard while the gate was open. A false onset costs a few frames.

    `send` gets s16le mono PCM at `target_rate`, a piece being 200 ms at most (and what the
    resampler held back). One opening is one stream: a later opening may reach back behind the end
    of the one before, e.g. for a new session that must hear the whole sentence.

    With `later`, which calls something in the event loop's next turn, a stream that begins in the
    past goes out a piece a turn: all of it at once would hold up the loop of a small Pi for tens of
    milliseconds. What is decided by where the stream is finds it sent.
    """

    def __init__(
        self,
        ring: PrerollRing,
        target_rate: Hz,
        send: Callable[[bytes], None],
        padding: Padding | None = None,
        later: Callable[[Callable[[], None]], object] | None = None,
    ) -> None:
        self._ring = ring
        self._later = later
        self._goes_on = False
        """It has been asked for a later turn."""
        self._send = send
        self._padding = padding or Padding()
        self._resampler = StreamResampler(CAPTURE_RATE, target_rate)
        self._open = False
        self._next = Samples(0)
        self._until: Samples | None = None
        self._limit: Samples | None = None
        """Where withholding begins; None: nothing is withheld, because all was asked for or there is a voice."""
        self._voiced_only = False
        self._in_voice = False
        self._passed = 0
        self._withheld = 0
        self._lost = 0

    @property
    def is_open(self) -> bool:
        """Whether samples go out, or would with a voice."""
        return self._open

    @property
    def passed(self) -> Samples:
        """How many samples of the capture stream were ever let out."""
        return Samples(self._passed)

    @property
    def lost(self) -> Samples:
        """How many samples were asked for after the ring had forgotten them."""
        return Samples(self._lost)

    @property
    def traffic(self) -> Traffic:
        """What was heard while it was open, since the start."""
        return Traffic(self.passed, Samples(self._withheld + self._pending()))

    def open(self, since: Samples, until: Samples | None = None, voiced_only: bool = False) -> None:
        """Let out the stream from position `since` on; with `until`, up to there, then shut.

        A span that lies in the past is sent at once, and the gate is shut on return. On an open
        gate `since` is ignored, since the stream is going out already, and `until` replaces the
        one before (None: no end).

        With `voiced_only` what comes from now on goes out where there is a voice; from `since` to
        now everything does. An open gate may be switched either way: what is withheld is let out
        again from the padding before now.
        """
        self._pass_all()
        if not self._open:
            self._open = True
            self._next = since
            self._voiced_only = False
        if voiced_only != self._voiced_only:
            self._switch(voiced_only)
        self._until = until
        self.advance()

    def follow(self, fact: VoiceStarted | VoiceStopped) -> None:
        """Note where a voice started or stopped; call it with every fact of the stream, in order and at once."""
        if self._voiced_only:
            self._pass_all()
        self.advance()
        self._in_voice = isinstance(fact, VoiceStarted)
        if self._open and self._voiced_only:
            if self._in_voice:
                self._release(fact.at)
            else:
                self._limit = max(self._next, Samples(fact.at + self._padding.after))
            self.advance()

    def close(self) -> None:
        """Shut, after the last of the samples let out that the resampler holds back."""
        if self._open:
            self._pass_all()
            self._shut()
            self._deliver(self._resampler.flush())

    def cut(self) -> None:
        """Shut at once: what the resampler holds back never leaves."""
        self._shut()
        self._resampler.reset()

    def advance(self) -> None:
        """Send what the ring holds and is due; with `later` a piece of it, and the rest in the next turns."""
        if self._later is None or self._until is not None:
            self._pass_all()
        else:
            self._pass_next()
            if self._is_behind and not self._goes_on:
                self._goes_on = True
                self._later(self._go_on)
        if self._open and self._next == self._limit:
            # What is withheld now may follow a long time later, or never.
            self._deliver(self._resampler.flush())
        if self._open and self._until is not None and max(self._ring.end, self._next) >= self._until:
            self.close()

    @property
    def _is_behind(self) -> bool:
        return self._open and self._next < self._due()

    def _go_on(self) -> None:
        self._goes_on = False
        self.advance()

    def _pass_all(self) -> None:
        self._pass_next()
        while self._is_behind:
            self._pass_next()

    def _pass_next(self) -> None:
        self._skip_forgotten()
        if self._is_behind:
            self._pass_piece(Samples(min(self._due(), self._next + PIECE)))

    def _switch(self, voiced_only: bool) -> None:
        self._voiced_only = voiced_only
        if voiced_only:
            self._limit = None if self._in_voice else self._ring.end
        else:
            self._release(self._ring.end)

    def _release(self, onset: Samples) -> None:
        """Let out what was withheld of the padding before `onset`, and all that follows."""
        if self._limit is not None and self._limit <= self._next:
            begin = max(self._next, Samples(onset - self._padding.before))
            self._withheld += begin - self._next
            self._next = begin
        self._limit = None

    def _shut(self) -> None:
        self._withheld += self._pending()
        self._open = False
        self._limit = None

    def _pending(self) -> int:
        """Return how many samples were heard while the gate was open, and are withheld at the moment."""
        if not self._open or self._limit is None:
            return 0
        heard = self._ring.end if self._until is None else min(self._ring.end, self._until)
        return max(0, heard - max(self._next, self._limit))

    def _due(self) -> Samples:
        ends = [end for end in (self._until, self._limit) if end is not None]
        return min([self._ring.end, *ends])

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
