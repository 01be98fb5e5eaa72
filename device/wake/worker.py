"""Runs a wake-word engine in a thread of its own, so that inference never blocks the event loop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from queue import Empty, SimpleQueue

from device.core.events import Device, DeviceFailed, DeviceRecovered
from device.kit import threads
from device.ports.facts import Post
from device.ports.wake import Detection, Narrowing, NearMiss, Skipping, WakeWord
from device.units import BYTES_PER_SAMPLE, CAPTURE_RATE, Samples, samples_from_ms
from device.wake.agenda import Agenda
from device.wake.decision import Expectation, number
from device.wake.doze import Doze, Unscored
from device.wake.sanity import Sanity
from device.wake.steps import Steps

_log = logging.getLogger(__name__)

# When so much sound waits behind what the thread takes, it skips to the newest: a detection would come too late to be
# useful. While it hangs the oldest is dropped, so that no more than twice as much waits for it, and the newest piece.
# The other half may be what was kept while the engine dozed.
_LONGEST_WAIT = samples_from_ms(1_600, CAPTURE_RATE)
_JOIN_S = 0.3


OnDetection = Callable[[Detection], None]
OnNearMiss = Callable[[NearMiss], None]
OnScores = Callable[[Mapping[str, float]], None]


@dataclass(frozen=True, slots=True)
class _Chunk:
    """Sound for the engine, and its end in the fed stream; `fresh`: the engine must forget the sound before it."""

    pcm: bytes
    end: int
    follows: int
    """Where the chunk before it ended; this one begins later after a doze, or where steps began anew."""
    fresh: bool

    @property
    def samples(self) -> int:
        """How long it is."""
        return len(self.pcm) // BYTES_PER_SAMPLE


@dataclass(frozen=True, slots=True)
class _Outcome:
    """The result of one chunk. `scores` is None when it could not be scored; `error` is empty without an error."""

    position: Samples
    detections: tuple[Detection, ...] = ()
    near_misses: tuple[NearMiss, ...] = ()
    scores: Mapping[str, float] | None = None
    error: str = ""

    @property
    def is_news(self) -> bool:
        """Whether anybody wants to know more of it than how far the engine has got."""
        return bool(self.detections or self.near_misses or self.error)


class WakeWorker:
    """Runs an engine in a thread of its own. All methods and callbacks belong to the event loop's thread.

    Positions of detections count everything that was ever fed, also sound that was never scored. When the engine
    raises, DeviceFailed is posted once, and the engine is reset and fed on; its next inference without an error posts
    DeviceRecovered.
    """

    def __init__(
        self,
        engine: WakeWord,
        on_detection: OnDetection,
        post: Post,
        on_score: OnScores | None = None,
        doze: bool = False,
        on_near_miss: OnNearMiss = lambda miss: None,
        clock: Callable[[], float] = time.monotonic,
        heeds: Callable[[str], bool] = lambda word: True,
        is_awaited: Callable[[], bool] = lambda: False,
    ) -> None:
        """`doze`: do not run the engine while the sound of the room does not change, if it is a `Skipping` engine.

        `heeds` tells whether a word is wanted at the moment, in any thread; of others nothing is reported. `is_awaited`
        tells whether one must be detected without delay, as far as the engine knows it.
        """
        self._can_skip = isinstance(engine, Skipping)
        self._doze = Doze() if doze and self._can_skip else None
        self._on_detection = on_detection
        self._on_score = on_score
        self._on_near_miss = on_near_miss
        self._post = post
        self._heeds = heeds
        self._is_awaited = is_awaited
        self._listener = _Listener(engine, heeds)
        self._agenda = Agenda(clock)
        self._thread: threading.Thread | None = None
        self._waiting = _Waiting()
        self._steps = Steps()
        self._was_late = False
        self._fed = 0
        self._asked = self._handed_over = 0
        self._fresh = False
        self._failed = False
        self._dropped = 0
        self.scored_samples = Samples(0)
        """How far the fed stream was scored, or skipped by a doze. Does not advance when the engine hangs."""

    @property
    def is_at_rest(self) -> bool:
        """Whether nothing has changed in the room for a while, so that sound may be delivered less often."""
        return self._doze is not None and self._doze.is_deep

    @property
    def expects_word(self) -> bool:
        """Whether the newest scores say that a word may be under way, so that sound should be delivered soon."""
        return self._listener.expectation.holds_at(self.scored_samples)

    @property
    def is_punctual(self) -> bool:
        """Whether what the microphone delivers is scored when it comes: without waiting for the rest of a step, nor for
        an engine that is late."""
        return self._can_skip and self._steps.are_aligned and not self._was_late

    @property
    def skipped_samples(self) -> Samples:
        """How much sound was never scored because the machine was too slow."""
        return Samples(self._listener.skipped + self._dropped)

    @property
    def overdue_s(self) -> float:
        """For how long (s) the sound that is scored now should have been, were it scored as fast as time passes."""
        self._agenda.strike(self.scored_samples)
        return self._agenda.overdue_s

    @property
    def can_narrow(self) -> bool:
        """Whether there are words that it could do without."""
        return self._listener.can_narrow

    def narrow(self, first_only: bool) -> None:
        """Listen for the first word only, or for all of them again, from the next sound on."""
        self._listener.first_only = first_only

    @property
    def can_doze(self) -> bool:
        """Whether the engine ever rests."""
        return self._doze is not None

    @property
    def is_awake(self) -> bool:
        """Whether the engine runs."""
        return self._doze is None or self._doze.is_awake

    @property
    def is_scoring(self) -> bool:
        """Whether what is heard is scored soon: the engine is awake, or a word is awaited."""
        return self.is_awake or self._is_awaited()

    def hurry_to_doze(self, is_hurried: bool) -> None:
        """Let the engine rest sooner after each sound; see `Doze.hurry`."""
        if self._doze:
            self._doze.hurry(is_hurried)

    def start(self) -> None:
        """Start the thread. Harmless when it runs already. Raise ThreadError."""
        if self._thread is None:
            # Anew for each thread: an old thread that outlived its close() must not take the new one's sound.
            self._waiting = _Waiting()
            loop = asyncio.get_running_loop()
            self._thread = threads.start(partial(self._run, self._waiting, loop), "wake-word")

    def feed(self, pcm: bytes) -> None:
        """Feed captured sound of any length (16 kHz mono s16le). Never blocks. Before `start` it is only counted."""
        self._fed += len(pcm) // BYTES_PER_SAMPLE
        if self._thread is None:
            return
        if self._can_skip and self.scored_samples == self._asked and not self.expects_word:
            self._steps.align()
        # Handing over every 10 ms frame would wake the thread eight times as often.
        if steps := self._steps.cut(pcm):
            self._queue_chunks(steps, self._fed - self._steps.begun_samples)

    def reset(self) -> None:
        """Forget the sound so far, because the stream was interrupted. Positions go on counting."""
        self._steps.reset()
        self._fresh = True
        if self._doze:
            self._doze.reset()

    def close(self) -> None:
        """Stop the thread; nothing is reported any more. Waits at most 0.3 s for the running inference."""
        if self._thread is not None:
            self._waiting.end()
            thread, self._thread = self._thread, None
            thread.join(_JOIN_S)
            self._agenda.clear()
            self.reset()

    def _queue_chunks(self, sound: bytes, end: int) -> None:
        unscored = self._unscored(sound)
        if unscored:
            self._was_late = self.overdue_s > 0
            self._agenda.add(end, len(unscored.pcm) // BYTES_PER_SAMPLE)
            self._dropped += self._waiting.put(_Chunk(unscored.pcm, end, self._handed_over, self._fresh))
            self._asked = self._handed_over = end
            self._fresh = False
        elif self.scored_samples == self._asked:
            self._asked = self.scored_samples = Samples(end)

    def _unscored(self, sound: bytes) -> Unscored | None:
        if self._doze is None:
            return Unscored(sound, skipped=False)
        return self._doze.feed(sound, self.expects_word, self._is_awaited())

    def _run(self, waiting: _Waiting, loop: asyncio.AbstractEventLoop) -> None:
        # The first outcome may be a recovery.
        is_awaited = True
        while chunk := self._listener.catch_up(waiting):
            outcome = self._listener.listen(chunk)
            if loop.is_closed():
                return
            if is_awaited or outcome.is_news or self._on_score:
                loop.call_soon_threadsafe(self._report, waiting, outcome)
            elif waiting is self._waiting:
                # Nearly always: the event loop need not wake up for it.
                self._note_progress(outcome)
            is_awaited = bool(outcome.error)

    def _report(self, waiting: _Waiting, outcome: _Outcome) -> None:
        if self._thread is None or waiting is not self._waiting:
            return
        self._agenda.strike(outcome.position)
        if outcome.error:
            self._fail(outcome.error)
        else:
            self._recover()
        if outcome.scores is not None:
            self._hear(outcome, outcome.scores)

    def _fail(self, error: str) -> None:
        if self._doze:
            # A failed engine must not doze: only an inference shows that it works again.
            self._doze.reset()
        if not self._failed:
            self._failed = True
            self._post(DeviceFailed(Device.WAKE_WORD, f"the wake-word engine failed: {error}"))

    def _recover(self) -> None:
        if self._failed:
            self._failed = False
            self._post(DeviceRecovered(Device.WAKE_WORD))

    def _note_progress(self, outcome: _Outcome) -> None:
        """In either thread, and in any order."""
        self.scored_samples = max(self.scored_samples, outcome.position)

    def _hear(self, outcome: _Outcome, scores: Mapping[str, float]) -> None:
        self._note_progress(outcome)
        if self._on_score:
            self._on_score({word: number(score) for word, score in scores.items()})
        for detection in outcome.detections:
            if self._heeds(detection.word):
                self._on_detection(detection)
        for miss in outcome.near_misses:
            if self._heeds(miss.word):
                self._on_near_miss(miss)


class _Waiting:
    """Chunks on their way to the thread. Each count has one writer."""

    def __init__(self) -> None:
        self._chunks: SimpleQueue[_Chunk | None] = SimpleQueue()
        self._put = self._dropped = self._taken = 0

    @property
    def samples(self) -> int:
        """How much sound waits."""
        return self._put - self._dropped - self._taken

    def put(self, chunk: _Chunk) -> int:
        """On the event loop's thread: add the newest; return how many samples of the oldest were dropped for it."""
        self._put += chunk.samples
        self._chunks.put(chunk)
        before = self._dropped
        with contextlib.suppress(Empty):
            while self.samples - chunk.samples > 2 * _LONGEST_WAIT:
                oldest = self._chunks.get_nowait()
                self._dropped += oldest.samples if oldest else 0
        return self._dropped - before

    def end(self) -> None:
        """Nothing comes any more."""
        self._chunks.put(None)

    def take(self) -> _Chunk | None:
        """In the thread: wait for the oldest. None: nothing comes any more."""
        chunk = self._chunks.get()
        self._taken += chunk.samples if chunk else 0
        return chunk


class _Listener:
    """The engine, and the state that only its thread uses."""

    def __init__(self, engine: WakeWord, heeds: Callable[[str], bool]) -> None:
        self._engine = engine
        self._heeds = heeds
        self.expectation = Expectation(engine.rules)
        self._engine_fed = 0
        self._heard_until: int | None = None
        self.first_only = False
        self._is_narrow = False
        self._failing = False
        self._sanity = Sanity()
        self._behind = False
        self.skipped = 0

    @property
    def can_narrow(self) -> bool:
        """Whether there are words that nobody misses at the moment but those after the first."""
        return isinstance(self._engine, Narrowing) and self._engine.can_narrow and self._heeds(self._engine.words[0])

    def catch_up(self, waiting: _Waiting) -> _Chunk | None:
        """Wait for the next chunk and return it; when too much waits, the newest one. None: stop."""
        chunk = waiting.take()
        if waiting.samples >= _LONGEST_WAIT:
            self._warn_once()
            while chunk and waiting.samples:
                self.skipped += chunk.samples
                chunk = waiting.take()
        return chunk

    def listen(self, chunk: _Chunk) -> _Outcome:
        """Feed a chunk to the engine."""
        try:
            outcome = self._process(chunk)
            self._failing = False
        except Exception as error:  # noqa: BLE001  the boundary: whatever an engine raises becomes a fact
            if not self._failing:
                _log.exception("the wake-word engine failed")
            self._failing = True
            return _Outcome(Samples(chunk.end), error=str(error) or type(error).__name__)
        return outcome

    def _process(self, chunk: _Chunk) -> _Outcome:
        self._narrow()
        if chunk.fresh or self._failing or self._heard_until not in (None, chunk.follows):
            self._engine.reset()
        self._heard_until = chunk.end
        self._skip(chunk.end - chunk.samples - self._engine_fed)
        # Before the call: an engine's positions count everything that it was fed, also in a call that raised.
        self._engine_fed += chunk.samples
        detections = self._engine.process(chunk.pcm)
        # The engine's positions count what it was fed, the worker's also the sound that was skipped.
        missed = chunk.end - self._engine_fed
        placed = tuple(replace(found, end=Samples(found.end + missed)) for found in detections)
        near = tuple(replace(miss, at=Samples(miss.at + missed)) for miss in self._engine.pop_near_misses())
        scores = self._engine.scores
        if self._sanity.watch(scores):
            self._engine.reset()
        self.expectation.hear(scores, chunk.end)
        return _Outcome(Samples(chunk.end), placed, near, scores, self._sanity.complaint)

    def _narrow(self) -> None:
        # Where another word has been chosen since, it would hear none.
        narrow = self.first_only and self.can_narrow
        if narrow != self._is_narrow and isinstance(self._engine, Narrowing):
            self._is_narrow = narrow
            self._engine.narrow(narrow)

    def _skip(self, missed: int) -> None:
        if missed > 0 and isinstance(self._engine, Skipping):
            self._engine_fed += missed
            self._engine.skip(missed)

    def _warn_once(self) -> None:
        if not self._behind:
            self._behind = True
            _log.warning("this machine is too slow for the wake words: sound was skipped; configure fewer words")
