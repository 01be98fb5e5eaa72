"""The composition root: the only file that knows every concrete class."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

from device import config
from device.audio.cards.capture import Pace
from device.audio.cards.microphone import AlsaMicrophone
from device.audio.cards.portaudio import PATIENCE_AT_BOOT_S, SoundCards
from device.audio.ear.bargein import BargeInVad, ConfirmingVad
from device.audio.ear.frontend import Frontend
from device.audio.ear.gate import Gate
from device.audio.ear.hwvad import open_vad
from device.audio.ear.preroll import PrerollRing
from device.audio.ear.segmenter import Segmenter
from device.audio.ear.traffic import TrafficReport
from device.audio.echo.canceller import EchoCanceller, NullCanceller, WebRtcCanceller
from device.audio.echo.cuemask import CueMask
from device.audio.echo.farend import FarEnd
from device.audio.mouth.player import Player
from device.audio.volume import Volume
from device.boards import Profile, apply_profile, load_profile
from device.controller import Controller, House
from device.conversation.openai.session import RealtimeConversation
from device.core.actions import OpenSession
from device.core.events import EchoCancellationLost, ShutdownRequested, VoiceConfirmed, WakeWordDetected
from device.core.machine import Machine
from device.core.status import Phase, Status
from device.errors import AudioError, ConfigError, HearthsideError
from device.foreign.espeak import EspeakVoice
from device.house.policy import choose_barge_in, machine_settings, padding, segmenting
from device.kit import signals
from device.kit.threads import Threads
from device.panel.gpio import open_panel
from device.ports.facts import Post
from device.ports.sound import Microphone
from device.ports.wake import Detection, NearMiss
from device.secrets import Secret
from device.service import heap
from device.service.mute import MuteMemory
from device.service.systemd import ServiceManager
from device.tools.clock import clock_tool
from device.tools.registry import Registry
from device.tools.relays import Relays, relay_tools
from device.tools.volume import volume_tool
from device.wake.clips import ClipFolder, ClipKeeper
from device.wake.engines import load_engine
from device.wake.nearmisses import NearMisses
from device.wake.worker import WakeWorker

log = logging.getLogger(__name__)

# SIGTERM to exit within 2 s, whatever hangs: each of the five parts that may hang gets this long to close.
CLOSE_LIMIT_S = 0.35


@dataclass(frozen=True)
class App:
    """A running house, and the places where a spectator may look. Made by `open_app`."""

    settings: config.Config
    controller: Controller
    frontend: Frontend
    player: Player
    registry: Registry
    relays: Relays
    wake: WakeWorker
    traffic: TrafficReport
    microphone: AlsaMicrophone


async def serve(settings: config.Config, key: Secret) -> None:
    """Run the daemon until a signal tells it to stop. Raise ConfigError when it cannot start."""
    ending = _Ending()
    with signals.told(ending.ask):
        try:
            await _live(settings, key, ending)
        except asyncio.CancelledError:
            # Told to stop during the start: what was open by then has been put away.
            if not ending.asked:
                raise


async def _live(settings: config.Config, key: Secret, ending: _Ending) -> None:
    manager = ServiceManager()
    async with open_app(settings, key) as app:
        ending.controller = app.controller
        telling = asyncio.create_task(_tell_ready(app, manager), name="ready")
        heap.give_back()
        await app.controller.run()
        telling.cancel()
        manager.notify_stopping()


class _Ending:
    """What a signal asks for: of a house that listens that it shut itself down, else that its building be given up."""

    def __init__(self) -> None:
        self.controller: Controller | None = None
        self.asked = False
        self._builder = asyncio.current_task()

    def ask(self) -> None:
        """Be told to stop; to be told again changes nothing, for the end has its limits of time."""
        if self.controller is not None:
            self.controller.post(ShutdownRequested())
        elif self._builder is not None and not self.asked:
            self._builder.cancel()
        self.asked = True


@contextlib.asynccontextmanager
async def open_app(settings: config.Config, key: Secret) -> AsyncIterator[App]:
    """Build the house, let it listen, and take it down: relays safe and lights off first. Raise ConfigError."""
    profile = load_profile(settings.hardware.profile)
    settings = choose_barge_in(apply_profile(settings, profile), profile)
    mute = MuteMemory(config.state_dir(settings))
    controller = Controller(Machine(machine_settings(settings), muted=mute.muted))
    async with contextlib.AsyncExitStack() as stack:
        mute.start(controller.post)
        # Last of all: meanwhile the disk has had the time that the others took.
        stack.push_async_callback(_within_limit, mute.close)
        app, house = await _build(_Site(settings, profile, controller, stack), key, mute)
        controller.move_in(house)
        if not controller.status.muted:
            await _open_microphone(house.microphone)
        RealtimeConversation.prepare()
        yield app


async def _open_microphone(microphone: Microphone) -> None:
    """Listen. Raise ConfigError; a microphone that is busy has reported it, and will be tried again."""
    try:
        await microphone.open()
    except AudioError as error:
        if isinstance(error, ConfigError):
            raise


@dataclass(frozen=True)
class _Site:
    """What every part is built with. What is put on the stack last is shut first."""

    settings: config.Config
    profile: Profile
    controller: Controller
    stack: contextlib.AsyncExitStack
    loading: Threads = field(default_factory=lambda: Threads("loading"))
    """For what is large, at the start and with the first session."""


async def _build(site: _Site, key: Secret, mute: MuteMemory) -> tuple[App, House]:
    """Make every part: the stack unwinds from the pins to the sound cards."""
    controller, settings = site.controller, site.settings
    cards = SoundCards(settings.audio, controller.post)
    site.stack.push_async_callback(_within_limit, cards.close)
    wake_facts = _WakeFacts(controller.post)
    wake = await _open_ear(settings, wake_facts, cards, site.loading)
    site.stack.callback(wake.close)
    far_end = FarEnd(RealtimeConversation.output_rate)
    player = _open_player(site, cards, far_end)
    relays = site.stack.enter_context(Relays(settings.tools.relays))
    canceller = _choose_canceller(site, far_end)
    registry = await _open_tools(settings, relays, player, canceller)
    conversation = _open_conversation(site, key, registry)
    pace = _Pace(controller, wake)
    # A board that cancels echoes is trusted to.
    cue_mask = None if site.profile.echo_cancelled else CueMask(far_end.cues, lambda: canceller.is_trusted)
    frontend = _open_frontend(site, canceller, cue_mask, wake, conversation, pace)
    microphone = cards.microphone(frontend.on_frame, pace, frontend.interrupt)
    controller.observers.append(lambda what, status: microphone.adapt())
    traffic = TrafficReport(lambda: frontend.traffic)
    controller.observers.append(traffic.observe)
    if settings.wake.save_clips:
        wake_facts.clips = _open_clips(settings.wake, frontend)
        site.stack.callback(wake_facts.clips.close)
    panel = open_panel(settings.hardware, controller.post, frontend.position_at)
    # Once more, before all else: neither a network nor a sound card that hangs may keep a relay on.
    site.stack.callback(relays.close)
    site.stack.callback(panel.close)
    house = House(
        ear=frontend,
        microphone=microphone,
        mouth=player,
        conversation=conversation,
        tools=registry,
        panel=panel,
        voice=EspeakVoice(),
        remember_mute=mute.remember,
    )
    return App(settings, controller, frontend, player, registry, relays, wake, traffic, microphone), house


def _open_player(site: _Site, cards: SoundCards, far_end: FarEnd) -> Player:
    rate = RealtimeConversation.output_rate
    player = Player(cards.speaker(rate), rate, site.controller.post, witness=far_end)
    site.stack.push_async_callback(_within_limit, player.close)
    return player


async def _open_tools(settings: config.Config, relays: Relays, player: Player, canceller: EchoCanceller) -> Registry:
    # The software gain is a part of what is known to be played; the mixer is not.
    volume = Volume(settings.audio, player.set_volume, on_mixed=canceller.distrust)
    await volume.start()
    return Registry([clock_tool(), *relay_tools(relays), volume_tool(volume)], settings.tools.timeout_s)


def _open_conversation(site: _Site, key: Secret, registry: Registry) -> RealtimeConversation:
    talk, controller = site.settings.conversation, site.controller
    conversation = RealtimeConversation(
        talk.openai,
        talk.instructions,
        key,
        registry.specs,
        controller.post,
        controller.on_answer_audio,
        controller.on_answer_item_end,
    )
    site.stack.push_async_callback(_within_limit, conversation.aclose)
    return conversation


def _open_frontend(
    site: _Site,
    canceller: EchoCanceller,
    cue_mask: CueMask | None,
    wake: WakeWorker,
    conversation: RealtimeConversation,
    pace: _Pace,
) -> Frontend:
    ring, detector = PrerollRing(), site.stack.enter_context(open_vad(site.settings.audio))
    return Frontend(
        ring=ring,
        gate=Gate(ring, conversation.input_rate, conversation.send_audio, padding(site.settings)),
        vad=ConfirmingVad(
            BargeInVad(detector, canceller.levels),
            lambda: site.controller.post(VoiceConfirmed()),
        ),
        segmenter=Segmenter(segmenting(site.settings)),
        feed_wake=wake.feed,
        reset_wake=wake.reset,
        post=site.controller.post,
        canceller=canceller,
        cue_mask=cue_mask,
        detector=detector,
        is_calm=lambda: pace() is Pace.CALM,
    )


class _Pace:
    """Who waits for sound, and how soon: in an idle house only the wake word does, in a quiet one nobody."""

    def __init__(self, controller: Controller, wake: WakeWorker) -> None:
        self._controller = controller
        self._wake = wake

    def __call__(self) -> Pace:
        """May be asked in any thread."""
        if self._controller.status.phase is not Phase.IDLE:
            return Pace.HURRIED
        return Pace.CALM if self._wake.is_at_rest else Pace.STEADY


class _WakeFacts:
    """Tells the machine, the log and, where that is asked for, the clips what the wake word's engine has heard."""

    clips: ClipKeeper | None = None

    def __init__(self, post: Post) -> None:
        self.post = post
        self._near_misses = NearMisses()

    def on_detection(self, heard: Detection) -> None:
        """Pass it on."""
        self.post(WakeWordDetected(heard.word, heard.score, heard.end))
        if self.clips:
            self.clips.keep_detection(heard)

    def on_near_miss(self, miss: NearMiss) -> None:
        """Note it."""
        self._near_misses.note(miss)
        if self.clips:
            self.clips.keep_near_miss(miss)


async def _open_ear(settings: config.Config, facts: _WakeFacts, cards: SoundCards, loading: Threads) -> WakeWorker:
    """Load the wake words while PortAudio looks for sound devices: the two slowest steps of the start."""
    # At boot a USB card may appear after the service has been started.
    looking = asyncio.create_task(cards.find(PATIENCE_AT_BOOT_S if _is_service() else 0.0))
    try:
        engine = await loading.call(load_engine, settings.wake)
        await looking
    finally:
        looking.cancel()
    doze = settings.wake.doze
    worker = WakeWorker(engine, facts.on_detection, facts.post, doze=doze, on_near_miss=facts.on_near_miss)
    worker.start()
    return worker


def _choose_canceller(site: _Site, far_end: FarEnd) -> EchoCanceller:
    """Return WebRTC's where voice barge-in needs it; it is loaded with the first session, for it costs 9 MB."""
    if site.settings.conversation.barge_in != "voice" or site.profile.echo_cancelled:
        return NullCanceller()
    loader = _LateLoader(far_end, site.controller, site.loading)
    site.controller.observers.append(loader.observe)
    return loader.canceller


class _LateLoader:
    """Loads the echo canceller when the first session is opened, and tells the machine when it is of no use."""

    def __init__(self, far_end: FarEnd, controller: Controller, loading: Threads) -> None:
        self.canceller = WebRtcCanceller(far_end, self._give_up)
        self._loading = loading
        self._controller = controller
        self._task: asyncio.Task[None] | None = None

    def observe(self, what: object, status: Status) -> None:
        """Take in what the controller tells its observers."""
        if isinstance(what, OpenSession) and self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._load())

    async def _load(self) -> None:
        try:
            await self._loading.call(self.canceller.load)
        except AudioError as error:
            self._give_up(str(error))

    def _give_up(self, reason: str = "it failed too often; see the log") -> None:
        self._controller.post(EchoCancellationLost(reason))


async def _tell_ready(app: App, manager: ServiceManager) -> None:
    """Log `ready` as soon as sound comes from the microphone, or it is muted.

    systemd is told in any case that the service is up, and how it is: a device that is deaf shows its fault, obeys its
    button and goes on looking for its microphone, which it would not do better for being started again.
    """
    if not app.controller.status.muted:
        await app.microphone.settle()
    if not _is_as_wanted(app):
        log.warning("not ready: the microphone does not work, as said above; it is tried again and again")
        manager.notify_status("deaf: the microphone does not work; it is tried again and again")
        manager.notify_ready()
        await _until_as_wanted(app)
        manager.notify_status("")
    words = ", ".join(app.settings.wake.words)
    log.info("ready: %s", "muted" if app.controller.status.muted else f"listening for {words}")
    manager.notify_ready()


def _is_as_wanted(app: App) -> bool:
    return app.controller.status.muted or app.microphone.works


async def _until_as_wanted(app: App) -> None:
    """Wait for the microphone, or for somebody to mute it."""
    news = asyncio.Event()
    app.controller.observers.append(lambda what, status: news.set())
    while not _is_as_wanted(app):
        news.clear()
        await news.wait()


def _open_clips(wake: config.Wake, frontend: Frontend) -> ClipKeeper:
    folder = ClipFolder(wake)
    log.info("sound around wake words is recorded in %s (wake.save_clips)", folder.path)
    return ClipKeeper(folder, frontend.recall)


def _is_service() -> bool:
    """Tell whether systemd started this process: nobody looks on who could plug something in and try again."""
    return bool({"NOTIFY_SOCKET", "INVOCATION_ID"} & os.environ.keys())


async def _within_limit(close: Callable[[], Awaitable[None]]) -> None:
    """Close a part; one that hangs is left behind, since the process must end."""
    try:
        await asyncio.wait_for(close(), CLOSE_LIMIT_S)
    except TimeoutError:
        log.warning("%s did not end in time; it is left to the system", getattr(close, "__qualname__", close))
    except HearthsideError as error:
        log.warning("closing: %s", error)
