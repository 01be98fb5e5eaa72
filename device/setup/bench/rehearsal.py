"""Does all of the work at its real pace, and looks how late the event loop and the echo canceller get.

The sound comes from a thread that stands for the sound card; what would be sent ends here.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass

from device.audio.cards.handover import MOST_S
from device.audio.ear.bargein import BargeInVad
from device.audio.ear.frontend import Frontend
from device.audio.ear.gate import Gate
from device.audio.ear.preroll import PrerollRing
from device.audio.ear.segmenter import Segmenter
from device.audio.ear.vad import WebRtcVad
from device.audio.echo.canceller import EchoRemover, NullCanceller, WebRtcCanceller
from device.audio.echo.farend import FarEnd
from device.audio.echo.worker import EchoWorker
from device.audio.resample import StreamResampler
from device.house.configuration import Config
from device.house.policy import padding, segmenting
from device.kit import threads
from device.ports.wake import WakeWord
from device.setup.bench.figures import Rehearsal, percentile
from device.setup.bench.parts import CARD_RATE, FRAME_MS
from device.setup.bench.sounds import ANSWER_RATE, ahead, sounds
from device.units import CAPTURE_RATE
from device.wake.worker import WakeWorker

TALK, ANSWER = "somebody talks, nothing is sent", "it speaks, cancels its echo and sends what is left"
# Divides neither the length of a frame nor of a step of the wake word, so that it meets them in all their phases.
_TICK_S = 0.011
_FRAME_S = FRAME_MS / 1000
_MOST_WAITING = round(MOST_S / _FRAME_S)
# By so many frames what is played is known sooner than the microphone brings what sounds at the same time.
_AHEAD = 6


@dataclass(frozen=True)
class _Stage:
    """Everything that has work to do."""

    worker: WakeWorker
    take: Callable[[bytes, bytes, float], None]
    """Called on the event loop with a frame of the microphone, one of the answer, and the moment of the first."""
    note_played: Callable[[bytes, float], None]
    """Called in the card's thread, with a frame of the answer and the moment at which it will sound."""
    heard: list[bytes]
    played: list[bytes]
    overdue_s: Callable[[], float] = lambda: 0.0
    """For how long (s) the oldest sound has waited for a thread of the ear's."""


async def listen_to_talk(settings: Config, engine: WakeWord, seconds: float) -> Rehearsal:
    """Rehearse that people talk, and nobody means the device: wake word and voice detector work."""
    worker, pieces = _worker(settings, engine), sounds(FRAME_MS)
    frontend = _frontend(settings, worker, NullCanceller())
    stage = _Stage(worker, lambda heard, _, moment: frontend.on_frame(heard, moment), _ignore, pieces.talk, [b""])
    return await _rehearse(TALK, stage, seconds)


async def speak_and_listen(settings: Config, engine: WakeWord, seconds: float) -> Rehearsal:
    """Rehearse that an answer sounds, and may be interrupted by voice. Raise AudioError without an echo canceller."""
    far_end = FarEnd(ANSWER_RATE)
    canceller = WebRtcCanceller(far_end)
    canceller.load()
    worker, pieces, resampler = _worker(settings, engine), sounds(FRAME_MS), StreamResampler(ANSWER_RATE, CARD_RATE)
    echo = EchoWorker(canceller, threads.Threads("echo-canceller"))
    frontend = _frontend(settings, worker, echo)
    frontend.open_gate(None)

    def take(heard: bytes, played: bytes, moment: float) -> None:
        resampler.process(played)
        frontend.on_frame(heard, moment)

    def note_played(played: bytes, moment: float) -> None:
        far_end.write(played, ANSWER_RATE, moment)

    stage = _Stage(worker, take, note_played, pieces.echoed, pieces.played, lambda: echo.overdue_s)
    return await _rehearse(ANSWER, stage, seconds)


def _worker(settings: Config, engine: WakeWord) -> WakeWorker:
    engine.reset()
    return WakeWorker(engine, _ignore, _ignore, doze=settings.wake.doze)


def _frontend(settings: Config, worker: WakeWorker, canceller: EchoRemover) -> Frontend:
    ring, detector = PrerollRing(), WebRtcVad(settings.audio.vad_aggressiveness)
    return Frontend(
        ring=ring,
        gate=Gate(ring, ANSWER_RATE, _ignore, padding(settings)),
        vad=BargeInVad(detector, canceller.levels),
        segmenter=Segmenter(segmenting(settings)),
        feed_wake=worker.feed,
        reset_wake=worker.reset,
        post=_ignore,
        canceller=canceller,
        detector=detector,
    )


def _ignore(*what: object) -> None:
    pass


async def _rehearse(scene: str, stage: _Stage, seconds: float) -> Rehearsal:
    stage.worker.start()
    begun, cpu_s = time.monotonic(), time.process_time()
    card = _Card(stage, asyncio.get_running_loop(), begun + seconds)
    thread = threads.start(card.bring_sound, "sound card")
    try:
        late_ms = await _watch(seconds, stage.overdue_s)
    finally:
        card.is_over = True
        thread.join()
        stage.worker.close()
    share = (time.process_time() - cpu_s) / (time.monotonic() - begun)
    unheard_s = stage.worker.skipped_samples / CAPTURE_RATE + card.lost * _FRAME_S
    return Rehearsal(scene, share, percentile(late_ms, 0.5), percentile(late_ms, 0.99), max(late_ms), unheard_s)


class _Card:
    """Brings a frame every 20 ms until a moment, whether somebody has time for it or not.

    As in the device, no more than a second of sound ever waits; what comes then is lost. This is what brings the
    rehearsal to an end on a machine that is far too slow.
    """

    def __init__(self, stage: _Stage, loop: asyncio.AbstractEventLoop, until: float) -> None:
        self._stage = stage
        self._loop = loop
        self._until = until
        self._brought = self._taken = 0
        self.lost = 0
        """Frames for which there was no room."""
        self.is_over = False

    def bring_sound(self) -> None:
        """Do so, in a thread of its own."""
        stage, due = self._stage, time.monotonic()
        coming_frames = ahead(stage.played, _AHEAD)
        for heard, played, coming in zip(
            *map(itertools.cycle, (stage.heard, stage.played, coming_frames)), strict=False
        ):
            stage.note_played(coming, due + (_AHEAD - 1) * _FRAME_S)
            self._bring(heard, played, due - _FRAME_S)
            due += _FRAME_S
            time.sleep(max(0.0, due - time.monotonic()))
            self.is_over = self.is_over or due >= self._until
            if self.is_over:
                return

    def _bring(self, heard: bytes, played: bytes, moment: float) -> None:
        if self._brought - self._taken >= _MOST_WAITING:
            self.lost += 1
            return
        self._brought += 1
        self._loop.call_soon_threadsafe(self._take, heard, played, moment)

    def _take(self, heard: bytes, played: bytes, moment: float) -> None:
        self._taken += 1
        # What still waits at the end is nobody's business any more.
        if not self.is_over:
            self._stage.take(heard, played, moment)


async def _watch(seconds: float, overdue_s: Callable[[], float]) -> list[float]:
    """Return how late (ms) the event loop was with each of many things that were due, or other threads if later."""
    loop, late_ms = asyncio.get_running_loop(), []
    due = loop.time()
    end = due + seconds
    while due < end:
        due = max(due + _TICK_S, loop.time())
        await asyncio.sleep(due - loop.time())
        late_ms.append(max(loop.time() - due, overdue_s()) * 1000)
    return late_ms
