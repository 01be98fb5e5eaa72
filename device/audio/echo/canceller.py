"""Echo cancellation: a linear filter, then WebRTC's audio processing module (AEC3)."""

from __future__ import annotations

import logging
import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from device.audio.echo.apm import AudioProcessing
from device.audio.echo.farend import LOOK_AHEAD_S, FarEnd, SampleClock
from device.audio.echo.filter import Balance, EchoFilter, ramp
from device.audio.echo.loudness import Clearness
from device.audio.frames import level_dbfs
from device.audio.resample import FloatArray
from device.errors import AudioError
from device.units import BYTES_PER_SAMPLE, CAPTURE_RATE, Ms, Samples, samples_from_ms

log = logging.getLogger(__name__)

# The only frame length that the module accepts: 10 ms.
BLOCK = samples_from_ms(10, CAPTURE_RATE)
BLOCK_S = 0.01
# The module's delay, measured with an impulse (livekit 1.2; its noise suppression would add 6 ms).
LATENCY = Samples(128)
# The module finds an echo delay from 0 to 450 ms by itself, but no negative one (measured). So the far end is given to
# it this much too early, in case the sound card's times are wrong; and less early when the far end is known too late
# for LATE_BLOCKS blocks in a row (a single late block only means that the card ran dry).
HEAD_START_S = 0.01
LEAST_HEAD_START_S = -0.05
LATE_BLOCKS = 10
# The longest delay of an echo and its reverberation.
TAIL_S = 0.5
# A new canceller may leave much of the echo at times, until the loudspeaker has sounded for this long.
WARM_UP = Ms(3_000)
# Failures of the module in a row after which cancellation is switched off.
PATIENCE = 5
# The longest frame of a voice activity detector: 30 ms.
LEVELS_KEPT = 3


@dataclass(frozen=True, slots=True)
class EchoLevels:
    """Levels of 10 ms of sound in dBFS: as `played`, as `captured`, and what was `left` after cancellation.

    `trained`: how long the loudspeaker has sounded since the canceller began, or since `distrust` was called.
    `doubtful`: much of the echo may be left, because a stream has slipped.
    """

    played: float
    captured: float
    left: float
    trained: Ms
    doubtful: bool = False


HandOn = Callable[[bytes], None]
"""Gets what is left of a frame, on the event loop's thread."""


class EchoRemover(Protocol):
    """Removes the echo (what the loudspeaker plays) from what the microphone captures."""

    @property
    def is_trusted(self) -> bool:
        """Whether it has adapted to the room, and no stream has slipped since."""

    def feed(self, pcm: bytes, moment: float, hand_on: HandOn) -> bool:
        """Have `hand_on` get a frame (a whole number of 10 ms; 16 kHz mono s16le) without the echo. Never raises.

        That may be before this returns, or later: then in the order in which the frames came. `moment` is when its
        first sample was captured, in seconds of `time.monotonic`. Return False when it is so far behind that it takes
        nothing more: whatever waits should then be given up by `interrupt`.
        """

    def interrupt(self) -> None:
        """Note that the capture stream was interrupted: the next frame does not continue the last one.

        What has not been handed on by then never is.
        """

    def distrust(self) -> None:
        """Note that the sound card's volume was changed: the estimated echo is wrong."""

    def levels(self) -> tuple[EchoLevels, ...]:
        """Return the levels of the 30 ms that were handed on last, newest last, without blocks without an echo."""

    def restored(self) -> bytes | None:
        """Return the frame that was handed on last, but with what is probably a person as it was captured.

        For the wake word alone: where that is an echo after all, an answer that says the wake word interrupts itself.
        None: nothing was restored.
        """


class EchoCanceller(EchoRemover, Protocol):
    """One that computes where it is called."""

    latency: Samples
    """The constant delay of what is left."""

    def process(self, pcm: bytes, moment: float) -> bytes:
        """Return what is left of a frame. See `feed`."""


class NullCanceller:
    """Returns the sound unchanged."""

    latency = Samples(0)
    is_trusted = False

    def feed(self, pcm: bytes, moment: float, hand_on: HandOn) -> bool:
        """Hand on `pcm`."""
        hand_on(pcm)
        return True

    def process(self, pcm: bytes, moment: float) -> bytes:
        """Return `pcm`."""
        return pcm

    def interrupt(self) -> None:
        """Do nothing."""

    def distrust(self) -> None:
        """Do nothing."""

    def levels(self) -> tuple[EchoLevels, ...]:
        """Return nothing."""
        return ()

    def restored(self) -> bytes | None:
        """Return nothing."""
        return None


class WebRtcCanceller:
    """EchoFilter, then WebRTC's module. See EchoCanceller.

    It runs while `far_end` sounds, and TAIL_S longer. At other times it returns the sound unchanged, with the same
    delay (LATENCY); also before `load`, and for good after PATIENCE failures in a row, when it calls `on_given_up`.
    Running costs 2 % of an x86 core.

    Commands spoken over an answer, as understood by a speech recogniser: with the module's noise suppression 61 instead
    of 83 % (echo at -10 dB, never ducked), so that stays off, like its gain control; without EchoFilter 69 instead of
    95 % (echo as loud as the person).
    """

    latency = LATENCY

    def __init__(self, far_end: FarEnd, on_given_up: Callable[[], None] = lambda: None) -> None:
        self._far_end = far_end
        self._on_given_up = on_given_up
        self._module: AudioProcessing | None = None
        self._filter = EchoFilter()
        self._balance = Balance()
        self._clearness = Clearness()
        self._filtered = np.zeros(BLOCK, np.float32)
        self._clock = SampleClock(CAPTURE_RATE)
        self._last = bytes(BLOCK * BYTES_PER_SAMPLE)
        self._head_start_s = HEAD_START_S
        self._missing: list[float] = []
        self._running = False
        self._is_light = self._will_be_light = self._rests = self._is_paused = False
        self._begins_anew = False
        self._failures = 0
        self._trained = 0
        self._slips = 0
        self._levels: deque[EchoLevels | None] = deque(maxlen=LEVELS_KEPT)
        self._restored: list[bytes] = []
        """The blocks of the newest frame."""
        self._is_restored = False
        """Whether any of them is another than what is left of it."""

    @property
    def is_trusted(self) -> bool:
        """See EchoCanceller."""
        is_able = self._module is not None and not (self._rests or self._is_paused or self._begins_anew)
        return is_able and 10 * self._trained >= WARM_UP and not self._filter.is_doubtful

    @property
    def is_running(self) -> bool:
        """Whether it costs something at the moment."""
        return self._running and not self._rests

    def be_light(self, is_light: bool) -> None:
        """Do without EchoFilter on a machine that is too slow, or use it again. What it knew of the room is void.

        In any thread, as `rest`; it holds from the next block on.
        """
        self._will_be_light = is_light
        self._begins_anew = True

    def rest(self, rests: bool) -> None:
        """Cancel nothing on a machine that is too slow, or begin again."""
        self._rests = rests
        self._begins_anew = True

    @property
    def is_paused(self) -> bool:
        """Whether nobody needs it at the moment."""
        return self._is_paused

    def pause(self, is_paused: bool) -> None:
        """Cancel nothing while nobody needs it, or go on; what it knows of the room stays. In any thread."""
        self._is_paused = is_paused

    def has_work(self, moment: float) -> bool:
        """Whether sound captured at `moment` (s, `time.monotonic`) may hold an echo that it is to remove."""
        is_able = self._module is not None and not (self._rests or self._is_paused)
        return is_able and not self._far_end.is_silent(moment - TAIL_S)

    def load(self) -> None:
        """Load the module: 4 ms, 10 MB. Blocks: call it in a thread. Raise AudioError."""
        self._module = AudioProcessing()

    def feed(self, pcm: bytes, moment: float, hand_on: HandOn) -> bool:
        """See EchoRemover."""
        hand_on(self.process(pcm, moment))
        return True

    def process(self, pcm: bytes, moment: float) -> bytes:
        """See EchoCanceller."""
        at = self._clock.place(moment, len(pcm) // BYTES_PER_SAMPLE)
        size = BLOCK * BYTES_PER_SAMPLE
        self._is_restored = False
        self._restored.clear()
        blocks = [pcm[start : start + size] for start in range(0, len(pcm), size)]
        return b"".join(self._process_block(block, (at + n * BLOCK) / CAPTURE_RATE) for n, block in enumerate(blocks))

    def interrupt(self) -> None:
        """See EchoCanceller."""
        self._clock.restart()
        self._filter.forget_far_end()
        # The time of a single block, which jitters, says where the stream goes on: it may be wrong by some samples.
        self._filter.search_slip()
        self._last = bytes(len(self._last))

    def distrust(self) -> None:
        """See EchoCanceller."""
        self._trained = 0
        self._clearness = Clearness()

    def levels(self) -> tuple[EchoLevels, ...]:
        """See EchoCanceller."""
        return tuple(levels for levels in self._levels if levels is not None)

    def restored(self) -> bytes | None:
        """See EchoCanceller."""
        return b"".join(self._restored) if self._is_restored else None

    def _begin_anew(self) -> None:
        self._begins_anew = False
        self._is_light = self._will_be_light
        self._filter = EchoFilter()
        self._clearness = Clearness()
        self._running = False
        self._trained = 0

    def _process_block(self, block: bytes, moment: float) -> bytes:
        last, self._last = self._last, block
        passed = _delayed(last, block)
        if self._begins_anew:
            self._begin_anew()
        module = self._module
        if module is None or not self.has_work(moment):
            return self._pass(passed)
        if not self._running:
            # The module still holds the end of its last run: feed it the previous block, so that it holds that instead.
            self._running = True
            self._balance = Balance()
            self._clearness.begin_again()
            self._begin_ahead(HEAD_START_S)
            self._cancel(module, last, moment - BLOCK_S)
        suppressed = self._cancel(module, block, moment)
        if suppressed is None:
            return self._pass(passed)
        left = suppressed if self._is_light else self._mixed(suppressed)
        self._restore(passed, left, *self._note(passed, suppressed, moment))
        return left

    def _pass(self, passed: bytes) -> bytes:
        self._running = False
        self._levels.append(None)
        self._restored.append(passed)
        return passed

    def _cancel(self, module: AudioProcessing, block: bytes, moment: float) -> bytes | None:
        """Return the block after the filter and the module; None when the module failed."""
        self._check_slips()
        self._keep_behind(moment)
        rate, ahead = self._far_end.rate, moment + self._head_start_s
        near = block if self._is_light else self._filter_block(block, ahead)
        try:
            left = module.process(near, self._far_end.read(ahead, rate // 100), rate)
        except AudioError as error:
            self._count_failure(error)
            return None
        self._failures = 0
        return left

    def _filter_block(self, block: bytes, ahead: float) -> bytes:
        before = self._filtered
        filtered = self._filter.process(_floats(block), self._far_end.read_captured(ahead))
        self._filtered = np.concatenate((before[-LATENCY:], filtered))
        return _pcm(filtered)

    def _check_slips(self) -> None:
        before, self._slips = self._slips, self._far_end.slips + self._clock.slips
        if self._slips != before:
            self._filter.search_slip()

    def _mixed(self, suppressed: bytes) -> bytes:
        filtered = self._filtered[:BLOCK]
        return _pcm(self._balance.mix(filtered, _floats(suppressed), self._filter.near_ratio, self._filter.is_doubtful))

    def _keep_behind(self, moment: float) -> None:
        """Reduce the head start when the far end is known too late for it."""
        missing_s = self._far_end.missing(moment + self._head_start_s + BLOCK_S + LOOK_AHEAD_S)
        self._missing = [*self._missing, missing_s] if missing_s > 0 else []
        if len(self._missing) == LATE_BLOCKS:
            # The longest: frames of several blocks come at once, and the last block needs the newest sound. Rounded up
            # to whole milliseconds, which are whole samples at CAPTURE_RATE.
            late_s = math.ceil(max(self._missing) * 1000) / 1000
            self._begin_ahead(max(LEAST_HEAD_START_S, self._head_start_s - late_s))
            self._missing = []

    def _begin_ahead(self, head_start_s: float) -> None:
        self._filter.shift(round((head_start_s - self._head_start_s) * CAPTURE_RATE))
        self._head_start_s = head_start_s

    def _count_failure(self, error: AudioError) -> None:
        self._failures += 1
        if self._failures == PATIENCE:
            log.warning("echo cancellation is switched off until the next start: %s", error)
            self._module = None
            self._on_given_up()

    def _note(self, passed: bytes, left: bytes, moment: float) -> tuple[float, float]:
        """Note the levels of a block; return what share of it is to be restored, at its beginning and its end.

        With EchoFilter nothing is: its output is mixed in.
        """
        played, captured = level_dbfs(self._far_end.read(moment, self._far_end.rate // 100)), level_dbfs(passed)
        self._trained += played > AUDIBLE_DBFS
        trained, doubtful = Ms(10.0 * self._trained), self._filter.is_doubtful
        self._levels.append(EchoLevels(played, captured, level_dbfs(left), trained, doubtful))
        return self._clearness.judge(played, captured, trained) if self._is_light else (0.0, 0.0)

    def _restore(self, passed: bytes, left: bytes, since: float, until: float) -> None:
        """Keep a block for `restored`, with a share of what was captured that goes from `since` to `until`."""
        if since or until:
            self._is_restored = True
            share = ramp(since, until)
            left = _pcm(share * _floats(passed) + (1 - share) * _floats(left))
        self._restored.append(left)


AUDIBLE_DBFS = -50.0
"""A canceller does not adapt to a far end that is quieter than this."""


def _delayed(last: bytes, block: bytes) -> bytes:
    """Return `block` delayed by LATENCY: the end of `last`, then the beginning of `block`."""
    held = LATENCY * BYTES_PER_SAMPLE
    return last[len(last) - held :] + block[: len(block) - held]


def _floats(pcm: bytes) -> FloatArray:
    return np.asarray(np.frombuffer(pcm, "<i2") / np.float32(32_768), np.float32)


def _pcm(sound: FloatArray) -> bytes:
    return np.rint(sound * 32_768).clip(-32_768, 32_767).astype("<i2").tobytes()
