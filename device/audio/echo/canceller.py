"""Echo cancellation: a linear filter, then WebRTC's audio processing module (AEC3); nothing else imports livekit."""

from __future__ import annotations

import importlib.util
import logging
import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from device.audio.echo.farend import LOOK_AHEAD_S, FarEnd, SampleClock
from device.audio.echo.filter import Balance, EchoFilter
from device.audio.frames import level_dbfs
from device.audio.resample import FloatArray
from device.errors import AudioError
from device.units import BYTES_PER_SAMPLE, CAPTURE_RATE, Hz, Ms, Samples, samples_from_ms

if TYPE_CHECKING:
    from livekit.rtc import AudioFrame

log = logging.getLogger(__name__)

# The module takes frames of 10 ms, no others.
BLOCK = samples_from_ms(10, CAPTURE_RATE)
BLOCK_S = 0.01
# What the module holds back, measured with an impulse (livekit 1.2; its noise suppression would add 6 ms).
LATENCY = Samples(128)
# The module finds any delay from 0 to 450 ms by itself, and none below (measured). The far end is given to it this much
# before its time, should the sound card's times be wrong; or less, when for some blocks in a row it is not known so
# early (a single one is only the card run dry).
HEAD_START_S = 0.01
LEAST_HEAD_START_S = -0.05
LATE_BLOCKS = 10
# For the longest delay of an echo and its reverberation.
TAIL_S = 0.5
# A new canceller may leave the whole of an echo for a moment, until the loudspeaker has sounded for so long.
WARM_UP = Ms(3_000)
# Failures in a row, after which it is left alone.
PATIENCE = 5
# Kept for the longest frame that a voice detector takes.
LEVELS_KEPT = 3


@dataclass(frozen=True, slots=True)
class EchoLevels:
    """What became of 10 ms, in dBFS: of what was `played`, `captured` and `left` after cancellation.

    `trained` says how long the canceller has heard the loudspeaker since it began or was told to `distrust` itself.
    `doubtful`: for a moment it may have left the whole of an echo, because a stream has slipped.
    """

    played: float
    captured: float
    left: float
    trained: Ms
    doubtful: bool = False


class EchoCanceller(Protocol):
    """Takes what the loudspeaker plays out of what the microphone hears."""

    latency: Samples
    """By how much what it returns is later than what it was given; always the same."""

    @property
    def is_trusted(self) -> bool:
        """Whether it takes an echo away, as far as it knows: it has learned the room, and no stream has slipped."""

    def process(self, pcm: bytes, moment: float) -> bytes:
        """Take a frame of a whole number of 10 ms (16 kHz mono s16le), return as much without the echo. Never raises.

        `moment` is when its first sample was captured, in seconds of `time.monotonic`.
        """

    def interrupt(self) -> None:
        """The capture stream was interrupted: the next frame does not join on."""

    def distrust(self) -> None:
        """The loudspeaker's own volume was changed: what was learned of its echo is wrong."""

    def levels(self) -> tuple[EchoLevels, ...]:
        """Return the levels of the newest 30 ms, newest last; of those only during which there was an echo."""


class NullCanceller:
    """Leaves everything as it is."""

    latency = Samples(0)
    is_trusted = False

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


class WebRtcCanceller:
    """See EchoCanceller. Runs while `far_end` sounds and TAIL_S longer; else the sound passes, LATENCY later as always.

    It also passes until `load` was called, and for good after PATIENCE failures in a row, of which `on_given_up` is
    told. Running costs 2 % of an x86 core. Noise suppression and gain control stay off: with noise suppression a
    recogniser understood 61 instead of 83 % of the commands spoken over an answer (echo at -10 dB, never ducked).
    EchoFilter goes before it: without, 69 instead of 95 % were understood where the echo is as loud as the person.
    """

    latency = LATENCY

    def __init__(self, far_end: FarEnd, on_given_up: Callable[[], None] = lambda: None) -> None:
        self._far_end = far_end
        self._on_given_up = on_given_up
        self._module: _Module | None = None
        self._filter = EchoFilter()
        self._balance = Balance()
        self._filtered = np.zeros(BLOCK, np.float32)
        self._clock = SampleClock(CAPTURE_RATE)
        self._last = bytes(BLOCK * BYTES_PER_SAMPLE)
        self._head_start_s = HEAD_START_S
        self._missing: list[float] = []
        self._running = False
        self._failures = 0
        self._trained = 0
        self._slips = 0
        self._levels: deque[EchoLevels | None] = deque(maxlen=LEVELS_KEPT)

    @property
    def is_trusted(self) -> bool:
        """See EchoCanceller."""
        return self._module is not None and 10 * self._trained >= WARM_UP and not self._filter.is_doubtful

    def load(self) -> None:
        """Import the library and make the canceller: 35 ms, 9 MB. Blocks: call it in a thread. Raise AudioError."""
        self._module = _Module()

    def process(self, pcm: bytes, moment: float) -> bytes:
        """See EchoCanceller."""
        at = self._clock.place(moment, len(pcm) // BYTES_PER_SAMPLE)
        size = BLOCK * BYTES_PER_SAMPLE
        blocks = [pcm[start : start + size] for start in range(0, len(pcm), size)]
        return b"".join(self._take(block, (at + n * BLOCK) / CAPTURE_RATE) for n, block in enumerate(blocks))

    def interrupt(self) -> None:
        """See EchoCanceller."""
        self._clock.restart()
        self._filter.forget_played()
        # A single moment says where the stream goes on, and that jitters.
        self._filter.doubt()
        self._last = bytes(len(self._last))

    def distrust(self) -> None:
        """See EchoCanceller."""
        self._trained = 0

    def levels(self) -> tuple[EchoLevels, ...]:
        """See EchoCanceller."""
        return tuple(levels for levels in self._levels if levels is not None)

    def _take(self, block: bytes, moment: float) -> bytes:
        last, self._last = self._last, block
        passed = _later(last, block)
        module = self._module
        if module is None or self._far_end.is_silent(moment - TAIL_S):
            return self._pass(passed)
        if not self._running:
            # What it holds is from its last run: let it hold what came just before.
            self._running = True
            self._balance = Balance()
            self._begin_ahead(HEAD_START_S)
            self._cancel(module, last, moment - BLOCK_S)
        suppressed = self._cancel(module, block, moment)
        if suppressed is None:
            return self._pass(passed)
        self._note(passed, suppressed, moment)
        return self._mixed(suppressed)

    def _pass(self, passed: bytes) -> bytes:
        self._running = False
        self._levels.append(None)
        return passed

    def _cancel(self, module: _Module, block: bytes, moment: float) -> bytes | None:
        """Return what the module leaves of what the filter left."""
        self._heed_slips()
        self._keep_behind(moment)
        rate, ahead = self._far_end.rate, moment + self._head_start_s
        before = self._filtered
        filtered = self._filter.process(_floats(block), self._far_end.read_captured(ahead))
        self._filtered = np.concatenate((before[-BLOCK:], filtered))
        try:
            left = module.process(_pcm(filtered), self._far_end.read(ahead, rate // 100), rate)
        except AudioError as error:
            self._count_failure(error)
            return None
        self._failures = 0
        return left

    def _heed_slips(self) -> None:
        before, self._slips = self._slips, self._far_end.slips + self._clock.slips
        if self._slips != before:
            self._filter.doubt()

    def _mixed(self, suppressed: bytes) -> bytes:
        filtered = self._filtered[BLOCK - LATENCY : 2 * BLOCK - LATENCY]
        return _pcm(self._balance.mix(filtered, _floats(suppressed), self._filter.near_ratio, self._filter.is_doubtful))

    def _keep_behind(self, moment: float) -> None:
        """Give up some of the head start when what is played is known too late for it."""
        missing_s = self._far_end.missing(moment + self._head_start_s + BLOCK_S + LOOK_AHEAD_S)
        self._missing = [*self._missing, missing_s] if missing_s > 0 else []
        if len(self._missing) == LATE_BLOCKS:
            # Whole frames are taken at once, and their last block needs the newest.
            # In whole milliseconds, which are whole samples to the filter as well.
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

    def _note(self, passed: bytes, left: bytes, moment: float) -> None:
        played = level_dbfs(self._far_end.read(moment, self._far_end.rate // 100))
        self._trained += played > AUDIBLE_DBFS
        trained, doubtful = Ms(10.0 * self._trained), self._filter.is_doubtful
        self._levels.append(EchoLevels(played, level_dbfs(passed), level_dbfs(left), trained, doubtful))


AUDIBLE_DBFS = -50.0
"""What is played more quietly than this teaches a canceller nothing."""


def is_installed() -> bool:
    """Tell whether the library is there, without importing it."""
    return importlib.util.find_spec("livekit") is not None


class _Module:
    """The library, at its boundary: whatever it raises is an AudioError."""

    def __init__(self) -> None:
        try:
            from livekit import rtc

            self._frame = rtc.AudioFrame
            self._module = rtc.AudioProcessingModule(echo_cancellation=True)
            self._module.set_stream_delay_ms(0)
        except (ImportError, OSError, RuntimeError, AssertionError) as error:
            raise AudioError(f"no echo cancellation ({error}); install it with: pip install livekit") from error

    def process(self, block: bytes, far_end: bytes, far_end_rate: Hz) -> bytes:
        """Take 10 ms of each; return what is left of `block`, LATENCY later. Raise AudioError."""
        near = self._mono(block, CAPTURE_RATE)
        try:
            self._module.process_reverse_stream(self._mono(far_end, far_end_rate))
            self._module.process_stream(near)
        except (RuntimeError, AssertionError) as error:
            raise AudioError(f"WebRTC's audio processing fails: {error}") from error
        return bytes(near.data)

    def _mono(self, pcm: bytes, rate: Hz) -> AudioFrame:
        return self._frame(bytearray(pcm), rate, 1, len(pcm) // BYTES_PER_SAMPLE)


def _later(last: bytes, block: bytes) -> bytes:
    """Return the stream LATENCY before `block`."""
    held = LATENCY * BYTES_PER_SAMPLE
    return last[len(last) - held :] + block[: len(block) - held]


def _floats(pcm: bytes) -> FloatArray:
    return np.asarray(np.frombuffer(pcm, "<i2") / np.float32(32_768), np.float32)


def _pcm(sound: FloatArray) -> bytes:
    return np.rint(sound * 32_768).clip(-32_768, 32_767).astype("<i2").tobytes()
