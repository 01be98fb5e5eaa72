"""The capture side in one stream: what happens to every frame from the microphone."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial

from device.audio.ear.gate import Gate
from device.audio.ear.preroll import PrerollRing, Recall
from device.audio.ear.segmenter import Segmenter
from device.audio.ear.traffic import Traffic
from device.audio.ear.vad import Vad
from device.audio.echo.canceller import EchoRemover, NullCanceller
from device.audio.echo.cuemask import CueMask
from device.audio.frames import Rechunker, level_dbfs
from device.core.events import VoiceStarted, VoiceStopped
from device.units import BYTES_PER_SAMPLE, CAPTURE_RATE, Samples, samples_from_ms

# The longest frame that fits 10 and 20 ms captures; webrtcvad costs the same for 10 ms as for 20.
VAD_FRAME = samples_from_ms(20, CAPTURE_RATE)
# How much sound the detector is shown when somebody needs to know of voices again, so that it knows noise that has
# become louder by 20 dB meanwhile (with 4 s it hears voices for 160 ms, with 8 s none). It takes 1.5 ms on an x86 core,
# and 13 on a small Pi's: there it is shown a second of it in each turn of the event loop.
LESSON = samples_from_ms(8_000, CAPTURE_RATE)
PART = samples_from_ms(1_000, CAPTURE_RATE)
# How late sound may reach us: a batch of 280 ms, the same again while streams change, and the card's buffer.
LONGEST_WAY = samples_from_ms(1_000, CAPTURE_RATE)


class Frontend:
    """Passes the microphone's frames on to the ring, the gate, the wake word and the segmenter.

    There is one count of samples in the house: the ring's. Every sample counted is also fed to the
    wake word, so that its detections are positions of the same stream; nothing is skipped while
    muted (no frames come) or after a lost sound card (both go on counting where they stood).
    A sample counts once the echo canceller has handed it on, which may do its work in a thread of
    its own. Runs on the event loop's thread and never waits.
    """

    def __init__(
        self,
        *,
        ring: PrerollRing,
        gate: Gate,
        vad: Vad,
        segmenter: Segmenter,
        feed_wake: Callable[[bytes], None],
        reset_wake: Callable[[], None],
        post: Callable[[VoiceStarted | VoiceStopped], None],
        feed_stop: Callable[[bytes], None] = lambda pcm: None,
        canceller: EchoRemover | None = None,
        cue_mask: CueMask | None = None,
        sent_mask: CueMask | None = None,
        detector: Vad | None = None,
        is_idle: Callable[[], bool] = lambda: False,
        later: Callable[[Callable[[], None]], object] | None = None,
    ) -> None:
        """`feed_wake` gets the stream without the echo, but with what may be a person (see EchoRemover.restored);
        `feed_stop` gets it without either, as all others: an answer must not stop itself.

        `cue_mask` silences our own cues; None where the board cancels echoes.

        `sent_mask`: what can leave the device is as it was captured, echo and all, but for the cues that this one
        silences; None: it is what the segmenter hears.

        `detector` is the one inside `vad`, if `vad` wraps one: it is shown what it has missed in an idle time.

        `is_idle` is asked after the wake word got a frame: whether nobody needs to know of voices.

        `later` calls something in the event loop's next turn; None: what takes long is done at once.
        """
        self.on_level: Callable[[float], None] | None = None
        """Told the level of every frame in dBFS, when set."""
        self._canceller = canceller or NullCanceller()
        self._cue_mask = cue_mask
        self._sent_mask = sent_mask
        self._ring = ring
        self._gate = gate
        self._vad = vad
        self._detector = detector or vad
        self._segmenter = segmenter
        self._feed_wake = feed_wake
        self._feed_stop = feed_stop
        self._reset_wake = reset_wake
        self._post = post
        self._is_idle = is_idle
        self._newest: float | None = None
        self._rechunker = Rechunker(VAD_FRAME)
        self._began = ring.end
        self._unheard_since: Samples | None = None
        self._later = later
        self._lesson: deque[Recall] = deque()
        """What the detector is still to be shown, in parts."""
        self._heard_since: list[bytes] = []
        """The frames that wait for the end of the lesson."""
        self._last_told: VoiceStarted | VoiceStopped | None = None
        """What came of the lesson last."""

    @property
    def position(self) -> Samples:
        """The position after the newest sample of the capture stream."""
        return self._ring.end

    @property
    def traffic(self) -> Traffic:
        """How much has left the device so far, and how much was withheld while the gate was open."""
        return self._gate.traffic

    def position_at(self, moment: float) -> Samples:
        """Return which sample was captured at `moment` (s, `time.monotonic`), be it still under way.

        Never one from before the stream (last) began, nor one further ahead than sound is ever held back.
        """
        if self._newest is None:
            return self.position
        ahead = min(LONGEST_WAY, round((moment - self._newest) * CAPTURE_RATE))
        return Samples(max(self._began, self.position + ahead))

    def recall(self, since: Samples, until: Samples) -> bytes:
        """Return what is remembered of the stream from `since` up to `until`: nothing from before the last `clear`."""
        return self._ring.read(since, until).pcm

    def on_frame(self, pcm: bytes, moment: float) -> None:
        """Take the newest whole samples from the microphone (16 kHz mono s16le), any number; with an echo canceller
        whole blocks of 10 ms.

        `moment` is when the first was captured, in seconds of `time.monotonic`: the canceller wants to know.
        """
        if not self._canceller.feed(pcm, moment, partial(self._hear, pcm, moment)):
            self.interrupt()

    def attend(self) -> None:
        """From now on somebody needs to know of voices: tell of one that goes on already, at once or in a few turns.

        The next frame may come later than what is decided by it: a session can be ready sooner.
        """
        self._rouse(self.position)

    def open_gate(self, since: Samples | None, until: Samples | None = None, voiced_only: bool = False) -> None:
        """Let the stream out from `since` on (None: from now on); see `Gate.open`.

        A span is sent at once, as far as it has arrived: the orders that follow are about all of it.
        """
        span_end = None if until is None else min(until, self.position)
        self._gate.open(self.position if since is None else since, span_end, voiced_only)

    def close_gate(self) -> None:
        """Let nothing out any more but the last of what was let out, which the resampler holds back."""
        self._gate.close()

    def cut_gate(self) -> None:
        """Let nothing out any more, not even that."""
        self._gate.cut()

    def interrupt(self) -> None:
        """The stream was interrupted (sound card lost): what comes next does not join on.

        Sound from before is forgotten, so that nobody is sent what was said before the break. An
        open gate stays open for what comes.
        """
        self._canceller.interrupt()
        for mask in (self._cue_mask, self._sent_mask):
            if mask is not None:
                mask.forget()
        self._ring.clear()
        self._began, self._newest = self._ring.end, None
        self._reset_wake()
        self._restart_segmenter()

    def clear(self) -> None:
        """Muted: nothing heard until now can leave the device any more."""
        self._gate.cut()
        self.interrupt()

    def _hear(self, pcm: bytes, moment: float, left: bytes) -> None:
        """Take a frame as it was captured, and what is left of it without its echo."""
        heard = self._cue_mask.process(pcm, left, moment) if self._cue_mask else left
        self._newest = moment + len(pcm) / BYTES_PER_SAMPLE / CAPTURE_RATE
        start = self.position
        self._ring.write(self._sent_mask.process(pcm, pcm, moment) if self._sent_mask else heard)
        self._gate.advance()
        # The wake word is listened for in our own cues and announcements, too: it may be said over one.
        self._feed_wake(self._canceller.restored() or left)
        self._feed_stop(left)
        if self._is_idle():
            self._rest(start)
        else:
            self._rouse(start)
            self._segment(heard)
        if self.on_level is not None:
            self.on_level(level_dbfs(heard))

    def _segment(self, pcm: bytes) -> None:
        if self._lesson:
            self._heard_since.append(pcm)
            return
        for frame in self._rechunker.process(pcm):
            fact = self._segmenter.process(self._vad.is_voice(frame), frame.position, frame.end)
            if fact is not None:
                self._tell(fact)

    def _rest(self, start: Samples) -> None:
        if self._unheard_since is None:
            while self._lesson:
                self._learn_part()
            self._unheard_since = start
            self._restart_segmenter()

    def _rouse(self, start: Samples) -> None:
        """Show the detector what it has not heard, so that it knows the room's noise, and tell of a voice in its end.

        Otherwise it would take noise that has risen slowly for a voice, and a button held in silence would not mute.
        A voice that goes on is the wake word's, or that of a person who holds the button; of those that have ended
        nobody needs to know any more.
        """
        if self._unheard_since is None:
            return
        since = max(self._unheard_since, start - LESSON, self._ring.start)
        self._unheard_since = None
        self._lesson.extend(
            self._ring.read(Samples(at), min(Samples(at + PART), start)) for at in range(since, start, PART)
        )
        self._rechunker.restart(start)
        self._last_told = None
        self._learn()

    def _learn(self) -> None:
        """Go on with the lesson, if it goes on; in parts where there is a later turn."""
        while self._lesson:
            self._learn_part()
            if self._lesson and self._later is not None:
                self._later(self._learn)
                return

    def _learn_part(self) -> None:
        part = self._lesson.popleft()
        frames = Rechunker(VAD_FRAME)
        frames.restart(part.position)
        for frame in frames.process(part.pcm):
            fact = self._segmenter.process(self._detector.is_voice(frame), frame.position, frame.end)
            self._last_told = fact or self._last_told
        if not self._lesson:
            self._end_lesson()

    def _end_lesson(self) -> None:
        if isinstance(self._last_told, VoiceStarted):
            self._tell(self._last_told)
        heard, self._heard_since = self._heard_since, []
        for pcm in heard:
            self._segment(pcm)

    def _tell(self, fact: VoiceStarted | VoiceStopped) -> None:
        # The gate first: it must know of the voice when an order follows from the fact.
        self._gate.follow(fact)
        self._post(fact)

    def _restart_segmenter(self) -> None:
        self._lesson.clear()
        self._heard_since.clear()
        self._rechunker.restart(self.position)
        if (stopped := self._segmenter.finish()) is not None:
            self._tell(stopped)
