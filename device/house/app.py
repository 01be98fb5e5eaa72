"""The composition root: the house is opened wing by wing, lives until it is told to stop, and is closed."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any

from device.audio.ear.frontend import Frontend
from device.audio.ear.traffic import TrafficReport
from device.audio.mouth.player import Player
from device.boards.finding import Board
from device.controller import Controller
from device.core.events import ShutdownRequested
from device.core.machine import Machine
from device.core.statusline import listened_for
from device.errors import AudioError, ConfigError, HearthsideError
from device.foreign.espeak import EspeakVoice
from device.house.catalogue import provider_of
from device.house.closing import Closing
from device.house.configuration import Config, Effective
from device.house.home import Home, open_home
from device.house.latecomer import is_awaited, wait_for_board
from device.house.listening import Listening, WakeWing, may_appear, open_listening, open_wake
from device.house.oversight import Lookout, Oversight, Parts, look_out
from device.house.policy import choose_barge_in, machine_settings
from device.house.relief import Relief, open_relief
from device.house.site import Site
from device.house.sound import Sound, open_cards, open_sound, set_up_card
from device.house.talk import open_conversation
from device.kit import signals
from device.orders import House
from device.panel.gpio import open_panel
from device.panel.mutes.holders import Mutes
from device.ports.conversation import Conversation
from device.ports.panel import Panel
from device.ports.sound import Microphone
from device.secrets import Secret
from device.service import heap
from device.service.complaint import Complaint
from device.service.health import HealthLog
from device.service.mute import MuteMemory
from device.service.readiness import Readiness
from device.service.statefolder import state_folder
from device.service.statusline import StatusLine
from device.service.systemd import ServiceManager, watchdog_s
from device.service.turnlog import TurnLog
from device.service.watchdog import WatchdogFeeder
from device.tools.pins.switches import Relays
from device.tools.registry import Registry
from device.tools.timers.tools import TimersOfHouse
from device.wake.worker import WakeWorker


@dataclass(frozen=True)
class App:
    """A running house, and the places where a spectator may look. Made by `open_app`."""

    settings: Config
    controller: Controller
    frontend: Frontend
    player: Player
    registry: Registry
    relays: Relays
    wake: WakeWorker
    traffic: TrafficReport
    microphone: Microphone
    readiness: Readiness
    health: HealthLog
    oversight: Oversight
    relief: Relief
    timers: TimersOfHouse


async def serve(effective: Effective, secrets: Mapping[str, Secret]) -> None:
    """Run the daemon until a signal tells it to stop. Raise ConfigError when it cannot start.

    Raise BoardAppearedError when it is to be started anew.
    """
    ending = _Ending()
    with signals.told(ending.ask):
        try:
            await _live(effective, secrets, ending)
        except asyncio.CancelledError:
            # Told to stop during the start: what was open by then has been put away.
            if not ending.asked:
                raise


async def _live(effective: Effective, secrets: Mapping[str, Secret], ending: _Ending) -> None:
    manager = ServiceManager()
    async with open_app(effective.config, secrets) as app:
        Complaint().forget()
        ending.controller = app.controller
        working = {**_tell(app, manager), **_look_for_board(effective.board, app, ending)}
        telling = [asyncio.create_task(work, name=name) for name, work in working.items()]
        heap.settle()
        await app.controller.run()
        for task in telling:
            task.cancel()
        manager.notify_stopping()
    if ending.reason is not None:
        raise ending.reason


def _look_for_board(board: Board, app: App, ending: _Ending) -> dict[str, Coroutine[Any, Any, None]]:
    """Return who looks for a board where there is none; it asks for a new start."""
    if not is_awaited(board):
        return {}
    return {"board": wait_for_board(lambda: app.controller.status, ending.ask_anew)}


def _tell(app: App, manager: ServiceManager) -> dict[str, Coroutine[Any, Any, None]]:
    """Return what tells systemd how the house is for as long as it lives."""
    controller, wake = app.controller, app.wake
    line = StatusLine(manager, lambda: controller.status, lambda: app.health.facts, app.settings.wake.words)
    app.readiness.on_ready = line.settle
    controller.observers.append(line.observe)
    line.observe(None, None)
    feeder = WatchdogFeeder(lambda: controller.status, lambda: wake.scored_samples)
    return {"ready": app.readiness.tell(manager), "watchdog": feeder.feed(manager, watchdog_s())}


class _Ending:
    """What a signal asks for: of a house that listens that it shut itself down, else that its building be given up."""

    def __init__(self) -> None:
        self.controller: Controller | None = None
        self.asked = False
        self.reason: HearthsideError | None = None
        """Why it ended, where nobody has told it to."""
        self._builder = asyncio.current_task()

    def ask(self) -> None:
        """Be told to stop; to be told again changes nothing, for the end has its limits of time."""
        if self.controller is not None:
            self.controller.post(ShutdownRequested())
        elif self._builder is not None and not self.asked:
            self._builder.cancel()
        self.asked = True

    def ask_anew(self, reason: HearthsideError) -> None:
        """Ask that a house that listens ends, to be started again."""
        if not self.asked:
            self.reason = reason
            self.ask()


@contextlib.asynccontextmanager
async def open_app(settings: Config, secrets: Mapping[str, Secret]) -> AsyncIterator[App]:
    """Build the house, let it listen, and take it down: relays, lights and microphone first. Raise ConfigError."""
    settings = choose_barge_in(settings)
    state_dir = state_folder(settings.service)
    mute = MuteMemory(state_dir)
    controller = Controller(Machine(machine_settings(settings), muted=mute.muted))
    async with Closing() as closing:
        mute.start(controller.post)
        # Last of all: meanwhile the disk has had the time that the others took.
        closing.add("mute state", mute.close)
        lookout = look_out(controller, closing)
        app, house = await _build(Site(settings, controller, closing, secrets, state_dir), mute, lookout)
        controller.move_in(house)
        await app.oversight.start()
        if not controller.status.muted:
            await _open_microphone(house.microphone)
        provider_of(settings).prepare()
        yield app


async def _open_microphone(microphone: Microphone) -> None:
    """Listen. Raise ConfigError; a microphone that is busy has reported it, and will be tried again.

    So has one that is not there, where nobody looks on: it may be plugged in.
    """
    try:
        await microphone.open()
    except AudioError as error:
        if isinstance(error, ConfigError) and not may_appear(error):
            raise


def _open_panel(site: Site, sound: Sound, listening: Listening) -> Panel:
    position_at = listening.frontend.position_at
    panel = open_panel(site.settings.hardware, site.controller.post, position_at, direction=listening.direction)
    site.closing.add_safety("lights", panel.close)
    sound.volume.watchers.append(panel.show_volume)
    return panel


def _readiness(site: Site, microphone: Microphone) -> Readiness:
    controller, words = site.controller, site.settings.wake.words
    return Readiness(microphone, lambda: controller.status.muted, lambda: listened_for(controller.status, words))


@dataclass(frozen=True)
class _Wings:
    """What a house is made of."""

    wake: WakeWing
    sound: Sound
    home: Home
    conversation: Conversation
    relief: Relief
    listening: Listening
    panel: Panel


async def _open_wings(site: Site) -> _Wings:
    """Open them, each with what it needs of those before it."""
    cards = open_cards(site)
    wake = await open_wake(site, cards)
    sound = open_sound(site, cards, provider_of(site.settings).output_rate)
    home = open_home(site, sound.volume, wake.words)
    await set_up_card(site)
    await sound.volume.start()
    # So that people hear at the start of what is lacking, and not when somebody talks.
    home.registry.tell()
    conversation = open_conversation(site, lambda: home.registry.tell().specs)
    relief = open_relief(site, sound, wake)
    listening = open_listening(site, cards, sound, wake, conversation, relief.note)
    return _Wings(wake, sound, home, conversation, relief, listening, _open_panel(site, sound, listening))


async def _build(site: Site, mute: MuteMemory, lookout: Lookout) -> tuple[App, House]:
    """Open the wings, and connect them."""
    wings = await _open_wings(site)
    mutes = Mutes(site.settings.hardware, site.controller.post)
    site.closing.add("mute switch", mutes.close)
    await mutes.start()
    readiness = _readiness(site, wings.listening.microphone)
    health = HealthLog(wings.home.health)
    oversight = Oversight(site, _parts(wings, health), lookout)
    # Everybody in the house who is told of every fact and order.
    watching = [*wings.sound.observers, *wings.home.observers, *wings.listening.observers]
    watching += [readiness.observe, health.observe, *oversight.observers]
    site.controller.observers += [*watching, TurnLog().observe, heap.Tidying(site.loading).observe]
    return _app(site, wings, readiness, health, oversight), _house(wings, oversight, mute)


def _parts(wings: _Wings, health: HealthLog) -> Parts:
    sound, listening = wings.sound, wings.listening
    return Parts(
        microphone=listening.microphone,
        frontend=listening.frontend,
        speaker=sound.speaker,
        volume=sound.volume,
        wake=wings.wake,
        health=health,
        relief=wings.relief,
        home=wings.home,
    )


def _house(wings: _Wings, oversight: Oversight, mute: MuteMemory) -> House:
    return House(
        ear=wings.listening.frontend,
        microphone=wings.listening.microphone,
        mouth=wings.sound.player,
        conversation=wings.conversation,
        tools=wings.home.registry,
        panel=oversight.watched(wings.panel),
        voice=EspeakVoice(),
        volume=wings.sound.volume,
        remember_mute=mute.remember,
    )


def _app(site: Site, wings: _Wings, readiness: Readiness, health: HealthLog, oversight: Oversight) -> App:
    listening, home = wings.listening, wings.home
    return App(
        settings=site.settings,
        controller=site.controller,
        frontend=listening.frontend,
        player=wings.sound.player,
        registry=home.registry,
        relays=home.part(Relays),
        wake=wings.wake.worker,
        traffic=listening.traffic,
        microphone=listening.microphone,
        readiness=readiness,
        health=health,
        oversight=oversight,
        relief=wings.relief,
        timers=home.part(TimersOfHouse),
    )
