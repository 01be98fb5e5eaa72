"""What keeps a loudspeaker's card filled, in a thread, with no more sound ahead than it needs."""

from __future__ import annotations

import contextlib
import errno
import threading
import time
from collections.abc import Callable
from enum import Enum
from typing import Protocol

from device.audio.cards.cardthread import hurry
from device.audio.cards.filling.cardclock import CardClock
from device.audio.cards.filling.depth import FIRST_MS, Depth
from device.audio.cards.filling.outputpcm import DryError, Fill
from device.units import BYTES_PER_SAMPLE, Hz, Ms, Samples, samples_from_ms

BLOCK_MS = Ms(5)
BLOCK_S = BLOCK_MS / 1000
# What a card does in its first moments, or just after it ran dry, is no sign of a busy machine.
BEGINNING_S = 1.0
# A thread that comes so late did not get its turn in time.
LATE_S = BLOCK_S
CLOSE_LIMIT_S = 2.0
# For so long a card that has begun to play takes nothing. What is written while PulseAudio is about to tell that its
# stream ran dry waits there for more, as long as the buffer is not almost full.
STUCK_S = 0.3
# A card that has taken nothing for so long stands still; they take 5 ms at once, or a period.
STILL_S = 3 * BLOCK_S
# For so long a card that plays may say nothing of how full it is, or take nothing, before it is given up or begun anew.
UNKNOWN_S = 1.0


class Cause(Enum):
    """Why a card ran dry, as it is told."""

    BEGINNING = "while the stream began"
    MACHINE = "because the machine was too busy"
    CARD = "though it was filled in time: the card or its sound server stood still"


class Pcm(Protocol):
    """See device.audio.cards.filling.outputpcm.OutputPcm."""

    @property
    def period(self) -> Samples:
        """How many samples it takes at once."""

    @property
    def room(self) -> Samples:
        """How many samples it holds."""

    def start(self) -> None:
        """Play what was written."""

    def fill(self) -> Fill:
        """Say how full it is, while it plays. Raise DryError."""

    def write(self, pcm: bytes) -> Samples:
        """Add to what it holds; return how many samples it took."""

    def prepare(self) -> None:
        """Be ready to be filled and started again."""

    def drop(self) -> None:
        """Fall silent at once and forget what it holds."""

    def close(self) -> None:
        """Let the card go."""


class Feeder(Protocol):
    """Gives what is to be played; called in the thread."""

    def feed(self, count: Samples, moment: float) -> bytes | None:
        """Return `count` samples (s16le mono), the first of which reaches the DAC at `moment` (s, `time.monotonic`);
        None ends the stream."""

    def note_break(self, moment: float) -> None:
        """At `moment` nothing was left in the card: what follows does not join on."""

    def note_dry(self, cause: Cause) -> None:
        """It ran dry, and plays silence until it is filled again."""


Run = Callable[[Callable[[], None]], None]
"""Makes a call in a thread that is there already: where memory has run out none can be started."""


class Playout:
    """Plays from a feeder until it is closed, or fails.

    A stream begins with silence, and again after it ran dry: what a card does with its first blocks (it may sleep,
    swallow them or throw them away) then harms nothing, and sound is handed over only once the card keeps taking it.
    """

    def __init__(self, pcm: Pcm, rate: Hz, depth: Depth, feeder: Feeder, run: Run) -> None:
        self._pcm = pcm
        self._rate = rate
        self._depth = depth
        self._feeder = feeder
        self._block = samples_from_ms(BLOCK_MS, rate)
        self._clock = CardClock(rate)
        self._flowing = False
        self._filled = Samples(0)
        # The end of a block of which the card took only the beginning.
        self._rest = b""
        self._empty_turns = 0
        self._begun = self._due = self._taken = self._filled_at = time.monotonic()
        self._ended = False
        # Held, so that waiting for it is a nap that others can end.
        self._nap = threading.Lock()
        self._nap.acquire()
        self._drop_wanted = False
        self._dropped = threading.Event()
        self._dropped_at = 0.0
        self._is_stuck = False
        self._run_in_thread = run
        self._over = threading.Event()

    def start(self) -> None:
        """Begin to play. Raise OSError."""
        try:
            self._begin()
        except OSError:
            self._pcm.close()
            raise
        self._run_in_thread(self._run)

    def is_active(self) -> bool:
        """Whether it plays on."""
        return not self._over.is_set()

    def drop(self) -> float:
        """Throw away what the card holds; return when it fell silent (s, `time.monotonic`). Raise TimeoutError."""
        if self._over.is_set():
            return time.monotonic()
        self._dropped.clear()
        self._drop_wanted = True
        self._wake()
        if not self._dropped.wait(CLOSE_LIMIT_S):
            raise TimeoutError
        return self._dropped_at

    def close(self) -> None:
        """Stop at once and let the card go; a card that hangs is left to itself."""
        self._ended = True
        self._wake()
        self._over.wait(CLOSE_LIMIT_S)

    def _wake(self) -> None:
        with contextlib.suppress(RuntimeError):
            self._nap.release()

    def _run(self) -> None:
        hurry()
        try:
            while not self._ended:
                self._turn(time.monotonic())
                self._due = max(self._due + BLOCK_S, time.monotonic())
                self._nap.acquire(timeout=max(0.0, self._due - time.monotonic()))
        except OSError:
            # The card is gone. Whoever looks finds it ended.
            return
        finally:
            self._ended = True
            self._pcm.close()
            self._over.set()
            self._dropped.set()

    def _turn(self, now: float) -> None:
        try:
            self._keep_filled(now)
        except DryError:
            # Told when asked how full it is or, on a busy machine, a moment later when it is given more.
            self._note_dry()
            self._start_over(now)
            self._settle_drop(now)

    def _keep_filled(self, now: float) -> None:
        try:
            fill = self._pcm.fill()
        except OSError as error:
            if error.errno == errno.EIO and now - self._taken < UNKNOWN_S:
                # PulseAudio's plugin says so of a stream until its server has told the times of what changed.
                return
            raise
        has_taken = fill.queued < self._filled
        if has_taken:
            self._flowing, self._taken, self._is_stuck = True, now, False
        if self._drop_wanted:
            self._drop_when_it_moves(fill, has_taken, now)
        elif now - self._taken > STUCK_S:
            self._unstick(fill)
        elif not self._flowing:
            return
        elif fill.queued:
            if self._was_full():
                self._depth.note_left(fill.queued * 1000 / self._rate, now, max(0.0, now - self._due) * 1000)
            self._fill_up(fill, now)
        else:
            self._face_emptiness(fill, now)

    def _was_full(self) -> bool:
        """Whether the card held as much as it is to when it was filled last; a stream that begins does not yet."""
        return self._filled + self._block > self._wanted()

    def _note_dry(self) -> None:
        """Where less was ahead than is wanted, more would not have helped."""
        if self._was_full():
            self._depth.note_dry()

    def _face_emptiness(self, fill: Fill, now: float) -> None:
        """Nothing is left, though it is not said to have run dry: the news of it may still be on the way."""
        self._empty_turns += 1
        if now - self._filled_at < self._filled / self._rate - BLOCK_S:
            # Taken faster than time passes. What has no clock at all is found out by whoever feeds it.
            self._fill_up(fill, now)
        elif self._empty_turns > 1:
            self._note_dry()
            self._start_over(now)

    def _unstick(self, fill: Fill) -> None:
        """Fill the card to the brim with silence, once; if that does not help it is found to have stopped."""
        if self._is_stuck:
            if self._flowing and time.monotonic() - self._taken > UNKNOWN_S:
                self._start_over(time.monotonic())
            return
        self._is_stuck = True
        self._clock.restart()
        self._feeder.note_dry(Cause.CARD)
        room = (self._pcm.room - fill.queued) * BYTES_PER_SAMPLE
        self._filled = Samples(fill.queued + self._pcm.write(self._rest.ljust(room, b"\0")))
        self._rest = b""

    def _fill_up(self, fill: Fill, now: float) -> None:
        queued, wanted = fill.queued, self._wanted()
        extra = fill.delay - fill.queued
        if self._rest:
            queued = Samples(queued + self._write(self._rest, now))
        while not self._rest and queued + self._block <= wanted and not self._ended:
            moment = self._clock.place(self._block, now + (queued + extra) / self._rate, now)
            pcm = self._feeder.feed(self._block, moment)
            if pcm is None:
                self._ended = True
                return
            queued = Samples(queued + self._write(pcm, now))
        self._filled = queued
        self._empty_turns = 0

    def _write(self, pcm: bytes, now: float) -> Samples:
        """Give it to the card, and keep what the card does not take; return how many samples it took."""
        taken = self._pcm.write(pcm)
        self._rest = pcm[taken * BYTES_PER_SAMPLE :]
        self._filled_at = now
        return taken

    def _wanted(self) -> Samples:
        """How much to keep ahead: also of a card that takes long pieces at once."""
        wanted = samples_from_ms(Ms(self._depth.ahead_ms), self._rate)
        return Samples(min(self._pcm.room, max(wanted, self._pcm.period + 2 * self._block)))

    def _begin(self) -> None:
        """Play silence, and see what the card does."""
        self._clock.restart()
        self._flowing = False
        self._begun = self._filled_at = self._taken = time.monotonic()
        self._is_stuck = False
        self._rest = b""
        # No more than that: where it ran dry, this is the hole that is heard.
        silence = max(self._pcm.period + 2 * self._block, samples_from_ms(FIRST_MS, self._rate))
        self._empty_turns = 0
        self._filled = self._pcm.write(bytes(silence * BYTES_PER_SAMPLE))
        self._pcm.start()

    def _start_over(self, now: float) -> None:
        """The card has nothing left."""
        late = now - self._due > LATE_S
        is_new = not self._flowing or (now - self._begun < BEGINNING_S and not late)
        self._feeder.note_break(now)
        self._feeder.note_dry(Cause.BEGINNING if is_new else Cause.MACHINE if late else Cause.CARD)
        self._pcm.prepare()
        self._begin()

    def _drop_when_it_moves(self, fill: Fill, has_taken: bool, now: float) -> None:
        """Drop what a card holds when it has just taken something.

        One that stands still may sound or not until it hears of the drop, and one that catches up afterwards has taken
        what it still sounds of. Of what a card holds that takes nothing any more, nothing sounded.
        """
        self._filled = fill.queued
        ahead_s = (fill.delay - fill.queued) / self._rate
        if not self._flowing:
            # All that it holds is silence.
            self._settle_drop(now)
        elif (has_taken and ahead_s < STILL_S) or now - self._taken > STUCK_S:
            self._pcm.drop()
            moment = (now + time.monotonic()) / 2 if has_taken else self._taken
            self._feeder.note_break(moment)
            self._pcm.prepare()
            self._begin()
            self._settle_drop(moment)

    def _settle_drop(self, moment: float) -> None:
        """Nothing is left in the card that anybody wanted dropped."""
        self._drop_wanted = False
        self._dropped_at = moment
        self._dropped.set()
