"""Listens for stop words in what a person says while something of our own sounds, and only then.

The echo of the loudspeaker is removed from what is heard, and the segmenter reports only what is louder than the rest
of that echo as a voice (see audio/ear/bargein.py). A recogniser hears each such voice, from a little before its onset
to a little after its end, in a thread of its own. So the device's own voice hardly ever reaches it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from typing import Protocol

from device.core.actions import Action
from device.core.events import Event, StopWordHeard, VoiceStarted, VoiceStopped
from device.core.status import Phase, Status
from device.errors import reason
from device.ports.facts import Post
from device.units import BYTES_PER_SAMPLE, CAPTURE_RATE, samples_from_ms

log = logging.getLogger(__name__)

BEFORE = samples_from_ms(600, CAPTURE_RATE)
"""How much is heard before the onset of a voice: over an echo it may be noticed 450 ms after its word has
begun, and there must be a pause before that."""
AFTER = samples_from_ms(200, CAPTURE_RATE)
"""How much after its end is reported."""
# How late an onset is reported at most: after some voiced frames.
_LATE = samples_from_ms(600, CAPTURE_RATE)
# For how long a voice is still heard that has just silenced what it was heard over: a stop word is shorter.
_GRACE = samples_from_ms(1500, CAPTURE_RATE)
# What a recogniser may have before it that cannot keep up: 2 s at most. What comes then is not heard.
_MOST_WAITING = 100


class Recogniser(Protocol):
    """Recognises stop words in a stream. Its calls may take long, and are made in one thread."""

    def begin(self, eager: bool = False) -> None:
        """What comes now does not join on. The first call loads what is needed.

        `eager`: it is worse to miss a word than to take another one for it.
        """

    def hear(self, pcm: bytes) -> str:
        """Hear more (16 kHz mono s16le); return the stop word that has ended, or "" for none."""

    def rest(self) -> None:
        """Nothing is to be heard for now: give back what is only needed for that."""


class StopListener:
    """Feeds a recogniser, and posts StopWordHeard. Its methods belong to the event loop's thread."""

    def __init__(self, recogniser: Recogniser, post: Post, run: Callable[[Callable[[], object]], object]) -> None:
        """`run` makes a call later, in the recogniser's thread, in the order in which it is told to."""
        self._recogniser = recogniser
        self._post = post
        self._run = run
        self.on_voice: Callable[[], None] = lambda: None
        """Told when a voice begins that may say a stop word."""
        self._position = 0
        self._recent = bytearray()
        """The newest sound, while a voice may begin."""
        self._is_wanted = self._is_voice = self._is_heard = self._is_awake = self._is_eager = False
        self._until: int | None = None
        """Where the voice that is heard is over."""
        self._voice = 0
        """The number of the voice that is heard, or was heard last; what was recognised in another one is stale."""
        self._given = self._done = 0
        self._broken = False

    def feed(self, pcm: bytes) -> None:
        """Take what is captured, without the echo, all of it."""
        self._position += len(pcm) // BYTES_PER_SAMPLE
        if self._is_heard:
            self._give(pcm)
        elif self._is_wanted:
            self._recent += pcm
            del self._recent[: -(BEFORE + _LATE) * BYTES_PER_SAMPLE]

    def forget(self) -> None:
        """The stream was interrupted: what comes next does not join on."""
        self._recent.clear()
        self._is_voice = self._is_heard = False
        self._voice += 1

    def observe(self, what: Event | Action, status: Status) -> None:
        """Follow the voices and the machine. An observer of the controller."""
        # Who speaks to nothing but a ring mostly wants it to end; over an answer people say other things, too.
        self._is_eager = status.ringing and status.phase is Phase.IDLE and not status.announcing
        self._want(status.heeds_stop)
        match what:
            case VoiceStarted(at):
                self._is_voice = True
                self._until = None
                if self._is_wanted:
                    self.on_voice()
                    self._begin(at)
            case VoiceStopped():
                self._is_voice = False
                self._end_in(AFTER)

    def _want(self, wanted: bool) -> None:
        """Note whether stop words are heeded now; a voice that began while they were may end."""
        if self._broken or wanted == self._is_wanted:
            return
        self._is_wanted = wanted
        self._recent.clear()
        if not wanted:
            self._end_in(_GRACE)
            self._rest()
        elif self._is_voice:
            self._until = None
            if not self._is_heard:
                self._begin(self._position)

    def _end_in(self, samples: int) -> None:
        until = self._position + samples
        self._until = until if self._until is None else min(self._until, until)

    def _begin(self, onset: int) -> None:
        """Hear the voice that begins there, and a little of what is before it, as far as that is still known."""
        self._is_heard = self._is_awake = True
        self._voice += 1
        since = max(onset - BEFORE, self._position - len(self._recent) // BYTES_PER_SAMPLE)
        known = bytes(self._recent[-(self._position - since) * BYTES_PER_SAMPLE :]) if since < self._position else b""
        self._recent.clear()
        self._do(partial(self._recogniser.begin, self._is_eager))
        self._give(known)

    def _give(self, pcm: bytes) -> None:
        if self._given - self._done < _MOST_WAITING:
            self._do(partial(self._recogniser.hear, pcm))
        if self._until is not None and self._position >= self._until:
            self._is_heard = False
            self._rest()

    def _rest(self) -> None:
        """Let the recogniser rest if neither a voice is heard nor one may begin; the next voice wakes it."""
        if self._is_awake and not (self._is_wanted or self._is_heard):
            self._is_awake = False
            self._do(self._recogniser.rest)

    def _do(self, call: Callable[[], str | None]) -> None:
        self._given += 1
        self._run(partial(self._make, call, self._voice, asyncio.get_running_loop()))

    def _make(self, call: Callable[[], str | None], voice: int, loop: asyncio.AbstractEventLoop) -> None:
        """In the recogniser's thread."""
        tell: Callable[[], None] | None = None
        try:
            if word := call():
                tell = partial(self._tell, word, voice)
        except Exception as error:  # noqa: BLE001  the boundary: whatever a recogniser raises switches it off
            tell = partial(self._give_up, reason(error))
        self._done += 1
        if tell is not None and not loop.is_closed():
            loop.call_soon_threadsafe(tell)

    def _tell(self, word: str, voice: int) -> None:
        if voice == self._voice:
            # Its rest is not heard.
            self._voice += 1
            self._is_heard = False
            self._post(StopWordHeard(word))
            self._rest()

    def _give_up(self, problem: str) -> None:
        if not self._broken:
            log.error("stop words are not listened for any more: %s", problem)
        self._broken = True
        self._is_wanted = self._is_heard = False
