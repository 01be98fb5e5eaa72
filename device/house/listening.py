"""The wing of what the house hears: the wake word, and everything between the microphone and the gate."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from device.audio.cards.capture import Pace, pace_of
from device.audio.cards.microphone import AlsaMicrophone
from device.audio.cards.portaudio import PATIENCE_AT_BOOT_S, SoundCards
from device.audio.ear.bargein import BargeInVad, ConfirmingVad
from device.audio.ear.frontend import Frontend
from device.audio.ear.gate import Gate
from device.audio.ear.hwvad import FallbackVad, open_vad
from device.audio.ear.preroll import PrerollRing
from device.audio.ear.segmenter import Segmenter
from device.audio.ear.traffic import TrafficReport
from device.audio.ear.vad import Vad
from device.audio.echo.cuemask import CueMask
from device.core.actions import Action
from device.core.events import Event, VoiceConfirmed
from device.core.status import Phase, Status
from device.errors import DeviceNotFoundError
from device.house.policy import hears_through_echo, padding, segmenting, stop_words
from device.house.site import Site
from device.house.sound import Sound
from device.kit.threads import Threads
from device.ports.conversation import Conversation
from device.ports.facts import Observer
from device.ports.panel import Direction
from device.service.systemd import is_service
from device.wake.clips import ClipFolder, ClipKeeper
from device.wake.engines import load_engine
from device.wake.report import WakeReport
from device.wake.stopword.listener import Recogniser, StopListener
from device.wake.stopword.recognisers import open_recogniser, unrecognised
from device.wake.stopword.sphinx import HOW_TO_INSTALL, PACKAGE, UnavailableError
from device.wake.worker import WakeWorker

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class WakeWing:
    """The words' part of it, which is there before there is sound."""

    worker: WakeWorker
    report: WakeReport
    words: tuple[str, ...]
    """As detections name them."""
    stop: StopListener | None
    """Of stop words; None where there are none."""

    def feed_stop(self, pcm: bytes) -> None:
        """Look for stop words in what was captured, without the echo."""
        if self.stop is not None:
            self.stop.feed(pcm)

    def reset(self) -> None:
        """The stream was interrupted."""
        self.worker.reset()
        if self.stop is not None:
            self.stop.forget()


@dataclass(frozen=True)
class Listening:
    """What hears."""

    microphone: AlsaMicrophone
    frontend: Frontend
    traffic: TrafficReport
    observers: tuple[Observer, ...]
    direction: Direction | None
    """Who tells where a voice comes from; None where nothing knows."""


async def open_wake(site: Site, cards: SoundCards) -> WakeWing:
    """Load the wake words while PortAudio looks for sound devices: the two slowest steps of the start."""
    # At boot a USB card may appear after the service has been started.
    looking = asyncio.create_task(cards.find(PATIENCE_AT_BOOT_S if is_service() else 0.0))
    try:
        engine = await site.loading.call(load_engine, site.settings.wake)
        stop = await _open_stop_words(site)
        await _found(looking)
    finally:
        looking.cancel()
    report = WakeReport(site.controller.post)
    worker = WakeWorker(
        engine,
        report.on_detection,
        site.controller.post,
        doze=site.settings.wake.doze,
        on_near_miss=report.on_near_miss,
        heeds=lambda word: site.controller.status.heeds(word),
        is_awaited=lambda: site.controller.status.awaits_word,
    )
    worker.start()
    site.closing.add("wake word", worker.close)
    return WakeWing(worker, report, engine.words, stop)


async def _open_stop_words(site: Site) -> StopListener | None:
    """Return who listens for stop words; None, and a line in the log, where that is wanted but cannot be."""
    words = stop_words(site.settings)
    if not words:
        return None
    try:
        if not hears_through_echo(site.settings):
            raise UnavailableError("without echo cancellation the device would hear itself say them")
        recogniser = await site.loading.call(_open_known, words)
    except UnavailableError as error:
        # Who has not asked for them need not be told at every start.
        level = logging.INFO if site.settings.wake.stop_words is None else logging.WARNING
        log.log(level, "nobody listens for stop words (wake.stop_words): %s", error)
        return None
    return StopListener(recogniser, site.controller.post, Threads("stop word").post)


def _open_known(words: Sequence[str]) -> Recogniser:
    """Return who recognises those of the words that can be recognised here. Raise UnavailableError for none of them."""
    unknown = unrecognised(words)
    known = [word for word in words if word not in unknown]
    if unknown and known:
        named = ", ".join(f'"{word}"' for word in unknown)
        log.warning(
            "nobody listens for %s (wake.stop_words): the package %s is missing; %s", named, PACKAGE, HOW_TO_INSTALL
        )
    return open_recogniser(known or words)


async def _found(looking: asyncio.Task[None]) -> None:
    try:
        await looking
    except DeviceNotFoundError as error:
        if not may_appear(error):
            raise
        log.warning("going on without a sound device: %s", error)


def may_appear(error: Exception) -> bool:
    """Tell whether the house goes on without a sound device, and uses it once it is plugged in.

    A person who starts it by hand should rather be told at once: it may be a wrong name.
    """
    return isinstance(error, DeviceNotFoundError) and is_service()


def open_listening(
    site: Site,
    cards: SoundCards,
    sound: Sound,
    wake: WakeWing,
    conversation: Conversation,
    on_wait: Callable[[float], None],
) -> Listening:
    """Build the way from the microphone to the wake word and to the conversation. The microphone stays shut.

    `on_wait` is told before each piece of sound how long (s) it has waited.
    """

    def pace() -> Pace:
        """May be asked in any thread."""
        status = site.controller.status
        if status.heeds_stop:
            return Pace.HURRIED
        worker = wake.worker
        return pace_of(status.phase, worker.is_at_rest, worker.expects_word, worker.is_punctual)

    detector = _open_detector(site)
    frontend = _open_frontend(site, sound, wake, conversation, detector)
    microphone = AlsaMicrophone(cards, frontend.on_frame, pace, frontend.interrupt, on_wait)
    site.closing.add_safety("microphone", microphone.close)
    traffic = TrafficReport(lambda: frontend.traffic)
    _keep_clips(site, wake.report, frontend)

    def adapt(what: Event | Action, status: Status) -> None:
        microphone.adapt()
        if not _is_at_ease(status):
            frontend.attend()

    follow: tuple[Observer, ...] = ()
    if wake.stop is not None:
        wake.stop.on_voice = sound.player.give_way
        follow = (wake.stop.observe,)
    observers = (*follow, adapt, traffic.observe)
    return Listening(microphone, frontend, traffic, observers, _direction_of(site, detector))


def _is_at_ease(status: Status) -> bool:
    """Tell whether nobody needs to know of voices, nor of sound at once, but the wake word."""
    return status.phase is Phase.IDLE and not status.heeds_stop


def _open_frontend(site: Site, sound: Sound, wake: WakeWing, conversation: Conversation, detector: Vad) -> Frontend:
    ring, later = PrerollRing(), asyncio.get_running_loop().call_soon
    canceller, post = sound.canceller, site.controller.post
    # A board that cancels echoes is trusted to.
    mask = None if site.settings.audio.echo_cancelled else CueMask(sound.far_end.cues, lambda: canceller.is_trusted)
    # Cancelling changes a voice a little. For stop words alone nothing that is sent is changed.
    is_for_words = sound.loader is not None and site.settings.conversation.barge_in != "voice"
    sent_mask = CueMask(sound.far_end.cues, lambda: False) if is_for_words else None
    return Frontend(
        ring=ring,
        gate=Gate(ring, conversation.input_rate, conversation.send_audio, padding(site.settings), later),
        vad=ConfirmingVad(BargeInVad(detector, canceller.levels), lambda: post(VoiceConfirmed())),
        segmenter=Segmenter(segmenting(site.settings)),
        feed_wake=wake.worker.feed,
        feed_stop=wake.feed_stop,
        reset_wake=wake.reset,
        post=post,
        canceller=canceller,
        cue_mask=mask,
        sent_mask=sent_mask,
        detector=detector,
        is_idle=lambda: _is_at_ease(site.controller.status),
        later=later,
    )


def _open_detector(site: Site) -> Vad:
    stack = contextlib.ExitStack()
    detector = stack.enter_context(open_vad(site.settings.audio))
    site.closing.add("voice detector", stack.close)
    return detector


def _direction_of(site: Site, detector: Vad) -> Direction | None:
    is_array = site.settings.audio.vad in ("xvf3000", "xvf3800")
    return detector.direction if is_array and isinstance(detector, FallbackVad) else None


def _keep_clips(site: Site, report: WakeReport, frontend: Frontend) -> None:
    if not site.settings.wake.save_clips:
        return
    folder = ClipFolder(site.settings.wake)
    log.info("sound around wake words is recorded in %s (wake.save_clips)", folder.path)
    report.clips = ClipKeeper(folder, frontend.recall)
    site.closing.add("wake clips", report.clips.close)
