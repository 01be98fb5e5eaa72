"""The wing of what the house tells of itself, and of who may tell it to be quiet: health file and control socket."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from device import __version__
from device.audio.ear.frontend import Frontend
from device.audio.ear.levels import levels_of
from device.control import paths
from device.control.desk import Desk, Outside
from device.control.feed import Feed
from device.control.rights import Right
from device.control.server import ControlServer
from device.control.socketfile import SocketFile, SocketFileError, TakenError
from device.controller import Controller
from device.core.indication import Indication, indication
from device.core.report import Report
from device.core.standing import told_holders
from device.core.status import Status
from device.house.closing import Closing
from device.house.home import Home
from device.house.listening import WakeWing
from device.house.relief import Relief
from device.house.site import Site
from device.ports.facts import Observer
from device.ports.panel import Panel
from device.ports.sound import Microphone, Speaker, VolumeOfHouse
from device.service.health import HealthLog
from device.service.healthfile import HealthFile, runtime_directory
from device.service.standing import Sources, StandingWatch, since_1970
from device.tools.timers.tools import TimersOfHouse
from device.units import CAPTURE_RATE, Samples

if TYPE_CHECKING:
    from device.service.metrics.endpoint import MetricsEndpoint

log = logging.getLogger(__name__)

FRAME = Samples(1_280)
"""80 ms, in which what was scored is counted."""
MEASURED = Samples(CAPTURE_RATE)
"""How much sound is measured when somebody asks for levels: a second."""


@dataclass(frozen=True, slots=True)
class Lookout:
    """What is there before the house is built, so that whoever looks sees it start."""

    watch: StandingWatch
    sockets: tuple[SocketFile, ...]
    """Of people, and of agents. Whoever connects meanwhile is answered as soon as the house is whole."""


def look_out(controller: Controller, closing: Closing) -> Lookout:
    """Take the control sockets' places, and say in the health file that the house is starting."""
    watch = StandingWatch(Sources(lambda: controller.status, tuple, lambda: 0))
    try:
        sockets = _take_sockets(closing)
    except TakenError as error:
        # The health file beside it is another's as well.
        log.warning("no control socket: %s", error)
        return Lookout(watch, ())
    if folder := runtime_directory():
        file = HealthFile(folder)
        closing.add("health file", file.close)
        watch.listeners.append(lambda report: file.write(msgspec.json.encode(_table(report))))
        closing.add("standing", watch.close)
        watch.start()
    return Lookout(watch, sockets)


def _take_sockets(closing: Closing) -> tuple[SocketFile, ...]:
    """Return those that there can be. Raise TakenError."""
    folder = paths.own_folder()
    if folder is None:
        log.info("no control socket: neither $RUNTIME_DIRECTORY nor $XDG_RUNTIME_DIR says where")
        return ()
    taken: list[SocketFile] = []
    for right in Right:
        try:
            socket = SocketFile(folder, right)
        except TakenError:
            raise
        except SocketFileError as error:
            log.warning("no control socket of %ss: %s", right.value, error)
        else:
            closing.add(f"control socket's file of {right.value}s", socket.close)
            taken.append(socket)
    return tuple(taken)


@dataclass(frozen=True, slots=True)
class Parts:
    """What is looked at, and told."""

    microphone: Microphone
    frontend: Frontend
    speaker: Speaker
    volume: VolumeOfHouse
    wake: WakeWing
    health: HealthLog
    relief: Relief
    home: Home

    def scored_frames(self) -> int:
        """Return how many frames the wake word has heard."""
        return self.wake.worker.scored_samples // FRAME

    def lost_sound(self) -> dict[str, int]:
        """Return how often sound was lost on the way in and on the way out."""
        return {"capture": self.microphone.losses, "playback": self.speaker.losses}


class Oversight:
    """Looks after a house, once it is started."""

    def __init__(self, site: Site, parts: Parts, lookout: Lookout) -> None:
        self._site = site
        self._parts = parts
        self.watch = lookout.watch
        self.watch.sources = Sources(self._status, lambda: parts.health.facts, parts.scored_frames)
        self._desk: Desk | None = None
        site.desk.put(self.desk)
        self._servers = [self._open_server(socket) for socket in lookout.sockets]
        self._feed = Feed(self._publish, site.settings.control.transcripts)
        self.watch.listeners += [self._feed.tell] if self._servers else []
        self._counting: list[Observer] = []
        self._endpoint = self._open_metrics()

    @property
    def observers(self) -> list[Observer]:
        """Who must be told of every fact and order; nobody where nobody can ask."""
        looking = [self.watch.observe, self._feed.observe] if self.watch.listeners else []
        return looking + self._counting

    def desk(self) -> Desk:
        """Return who does what is asked from outside; made, and told of what happens, once somebody asks."""
        if self._desk is None:
            self._desk = Desk(self._outside())
            self._site.controller.observers.append(self._desk.observe)
        return self._desk

    def watched(self, panel: Panel) -> Panel:
        """Return a panel that is this one, and tells subscribers what its lights say."""
        return _WatchedPanel(panel, self._note) if self._servers else panel

    async def start(self) -> None:
        """Begin to tell, and to answer; when the house is whole."""
        for server in self._servers:
            await server.start()
        if self._endpoint is not None:
            await self._endpoint.start()
        if self.watch.listeners:
            self._site.closing.add("standing", self.watch.close)
            self.watch.start()

    def _open_server(self, socket: SocketFile) -> ControlServer:
        server = ControlServer(socket, self.desk().do)
        self._site.closing.add(f"control socket of {socket.right.value}s", server.close)
        return server

    def _open_metrics(self) -> MetricsEndpoint | None:
        settings, parts = self._site.settings.service.metrics, self._parts
        if settings.port is None:
            return None
        # Late: only who wants figures loads what keeps them.
        from device.service.metrics import tally
        from device.service.metrics.endpoint import MetricsEndpoint

        sources = tally.Sources(
            version=__version__,
            report=self.watch.report,
            near_misses=lambda: parts.wake.report.near_misses,
            lost_sound=parts.lost_sound,
            behind_s=lambda: parts.relief.behind_s,
            ledger=self._site.ledger,
        )
        counted = tally.Tally(sources)
        self._counting.append(counted.observe)
        endpoint = MetricsEndpoint(settings, counted.text, tally.CONTENT_TYPE)
        self._site.closing.add("metrics", endpoint.close)
        return endpoint

    def _outside(self) -> Outside:
        controller, microphone = self._site.controller, self._parts.microphone
        return Outside(
            post=controller.post,
            status=self._told,
            levels=self._levels,
            volume=self._parts.volume,
            tools=self._parts.home.registry,
            is_muted=lambda: controller.status.muted,
            mute_holders=lambda: told_holders(controller.status),
            microphone_settled=controller.microphone_settled,
            microphone_is_closed=lambda: microphone.is_closed,
            timers=self._parts.home.part(TimersOfHouse),
            choices=self._parts.home.choices,
        )

    def _status(self) -> Status:
        return self._site.controller.status

    def _told(self) -> dict[str, Any]:
        status, settings, choices = self._status(), self._site.settings, self._parts.home.choices
        return {
            **_table(self.watch.report()),
            "muted": status.muted,
            "mute_held_by": sorted(holder.value for holder in status.mute_held),
            "ringing": status.ringing,
            "announcing": status.announcing,
            "confirming": status.confirming,
            "indication": indication(status).value,
            "words": settings.wake.words,
            "wake_word": choices.wake_word,
            "persona": choices.persona,
            "provider": settings.conversation.provider,
            "buttons": sorted(settings.hardware.wired),
            "cost_usd": round(self._site.ledger.usd, 4),
        }

    def _levels(self) -> dict[str, Any]:
        """Say how loud the last second was: with what our own loudspeaker added to it taken away, where it can be."""
        frontend = self._parts.frontend
        end = frontend.position
        heard = frontend.recall(Samples(max(0, end - MEASURED)), end)
        return {"muted": self._status().muted, **levels_of(heard).table()}

    def _publish(self, name: str, facts: dict[str, Any]) -> None:
        for server in self._servers:
            server.publish(name, facts)

    def _note(self, shown: Indication) -> None:
        self._feed.note(self._status(), shown)


class _WatchedPanel:
    """A panel, and somebody who looks at it."""

    def __init__(self, panel: Panel, look: Callable[[Indication], None]) -> None:
        self._panel = panel
        self._look = look

    def show(self, shown: Indication) -> None:
        """See Panel."""
        self._look(shown)
        self._panel.show(shown)

    def show_volume(self, percent: int) -> None:
        """See Panel."""
        self._panel.show_volume(percent)

    def close(self) -> None:
        """See Panel."""
        self._panel.close()


def _table(report: Report) -> dict[str, Any]:
    return {**report.table(since_1970), "written": round(time.time(), 1), "version": __version__, "pid": os.getpid()}
