"""Publishes what this device is and does, and carries out what it is asked: between the broker and the desk."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, Protocol

import msgspec

from device import __version__
from device.core.ration import Ration, Verdict
from device.core.status import Phase, Status
from device.errors import HearthsideError, where
from device.kit.threads import Threads
from device.ports.choices import Choices
from device.ports.desk import Desk, NotDoneError
from device.tools.mqtt.link import Handler
from device.tools.mqtt.messages import Message, PayloadError
from device.tools.mqtt.presence import commands, discovery, states
from device.tools.mqtt.presence.commands import (
    Ask,
    CancelTimer,
    ChoosePersona,
    ChooseWakeWord,
    Command,
    Rations,
    Say,
    SetMute,
    SetVolume,
    Stop,
)
from device.tools.mqtt.presence.machine import Machine
from device.tools.mqtt.settings import Mqtt
from device.units import Ms, ms_from_seconds

log = logging.getLogger(__name__)

LOOK_S = 10.0
"""How often health and timers are looked at without a reason."""
FIGURES_S = 60.0
"""How often CPU, memory and temperature are published."""
_SETTLE_S = 0.2
MOST_AT_ONCE = 8
"""So many commands may be under way."""
_BIRTHS = 6

HELD = "the mute of this device can be ended at the device only (tools.mqtt.may_unmute)"


class Publisher(Protocol):
    """What is needed of a Link."""

    id: str
    topic: str
    availability: str
    when_connected: list[Callable[[], None]]

    @property
    def is_connected(self) -> bool:
        """Whether what is published arrives."""

    def subscribe(self, pattern: str, handler: Handler) -> None:
        """See Link."""

    def publish(self, topic: str, payload: str | bytes, retain: bool = False) -> bool:
        """See Link."""


class Presence:
    """One for a link. All of it belongs to the event loop's thread."""

    def __init__(
        self,
        settings: Mqtt,
        link: Publisher,
        desk: Callable[[], Desk],
        choices: Choices,
        threads: Threads,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._link = link
        self._desk = desk
        self._choices = choices
        self._threads = threads
        self._clock = clock
        self._machine = Machine()
        self._cost = states.DayCost()
        self._rations = Rations()
        self._births = Ration(_BIRTHS, Ms(60_000))
        self._told: dict[str, str] = {}
        """What the broker keeps for us, by topic below ours."""
        self._shown: discovery.About | None = None
        """What Home Assistant was told of this device."""
        self._doing: dict[asyncio.Task[None], Command] = {}
        self._news = asyncio.Event()
        self._figures_at = 0.0
        self._config = discovery.config_topic(settings.discovery_prefix, link.id)
        link.when_connected.append(self._begin)
        for name in commands.COMMANDS:
            link.subscribe(f"{link.topic}/{name}", self._take)
        if settings.discovery:
            link.subscribe(f"{settings.discovery_prefix}/status", self._note_birth)
        else:
            link.subscribe(self._config, self._take_back)

    async def run(self) -> None:
        """Publish what nothing announces; never returns."""
        while True:
            await self._news.wait()
            self._news.clear()
            if self._link.is_connected:
                await self._try_to_refresh()
            await asyncio.sleep(_SETTLE_S)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    await self._news.wait()
            self._news.set()

    def observe(self, what: object, status: Status) -> None:
        """An observer of the controller."""
        if not self._link.is_connected:
            return
        if (event := states.event_of(what)) is not None:
            self._publish(event[0], msgspec.json.encode(event[1]).decode())
        self._tell_state(status.phase, status.muted, status.ringing, status.announcing)
        if states.may_change_figures(what):
            self._news.set()

    def note_volume(self, percent: int) -> None:
        """The volume has been set, by whomever."""
        self._tell("volume", str(percent))

    def close(self) -> None:
        """Give up what is under way."""
        for task in tuple(self._doing):
            task.cancel()

    # -- what is told

    def _begin(self) -> None:
        """The connection is new: nothing is known of what the broker still has."""
        self._told.clear()
        self._shown = None
        self._figures_at = 0.0
        self._news.set()

    async def _try_to_refresh(self) -> None:
        try:
            await self._refresh(self._desk())
        except NotDoneError:
            # The house is still starting.
            self._news.set()
        except Exception as error:  # noqa: BLE001 - the boundary: it is tried again
            log.error("MQTT: what this device is doing cannot be told: %s", where(error))

    async def _refresh(self, desk: Desk) -> None:
        """Publish all that has changed."""
        status = desk.status()
        self._tell_discovery(status)
        self._tell_state(Phase(status["phase"]), status["muted"], status["ringing"], status["announcing"])
        self._tell_json("health", states.health(status))
        self._tell_json("update", states.update(__version__))
        if "volume" not in self._told and (percent := await desk.volume()) is not None:
            self.note_volume(percent)
        await self._tell_figures(status)
        self._tell_json("timers", states.timers(await desk.timers()))

    def _tell_discovery(self, status: Mapping[str, Any]) -> None:
        if not self._settings.discovery:
            return
        about = discovery.About(
            id=self._link.id,
            topic=self._link.topic,
            availability=self._link.availability,
            name=self._settings.name,
            version=__version__,
            words=tuple(status["words"]),
            personas=self._choices.personas,
            choices_of_words=self._choices.wake_words,
            has_buttons=bool(status["buttons"]),
            has_temperature=self._machine.has_temperature,
        )
        if about == self._shown:
            return
        payload = msgspec.json.encode(discovery.message(about)).decode()
        if self._link.publish(self._config, payload, retain=True):
            self._shown = about

    async def _tell_figures(self, status: Mapping[str, Any]) -> None:
        if self._clock() < self._figures_at:
            return
        self._figures_at = self._clock() + FIGURES_S
        figures = await self._threads.call(self._machine.figures)
        cost = self._cost.note(status["cost_usd"], date.today())
        self._tell_json("diagnostics", {**figures, "cost_usd": cost})

    def _tell_state(self, phase: Phase, muted: bool, ringing: bool, announcing: bool) -> None:
        self._tell("state", states.state_of(phase, muted, ringing, announcing))
        self._tell("mute", states.switch(muted))
        self._tell("persona", self._choices.persona)
        self._tell("wakes_on", self._choices.wake_word)

    def _tell_json(self, name: str, table: Mapping[str, Any]) -> None:
        self._tell(name, msgspec.json.encode(table).decode())

    def _tell(self, name: str, payload: str) -> None:
        """Publish what the broker keeps, where it has changed."""
        if self._told.get(name) != payload and self._publish(name, payload, retain=True):
            self._told[name] = payload

    def _publish(self, name: str, payload: str, retain: bool = False) -> bool:
        return self._link.publish(f"{self._link.topic}/{name}", payload, retain)

    # -- what comes

    def _note_birth(self, message: Message) -> None:
        """Home Assistant has started, and wants to be told all of it."""
        now = self._now()
        self._births.pop_due(now)
        if message.payload == b"online" and self._births.take("birth", "", now) is not Verdict.COUNTED:
            self._begin()

    def _take_back(self, message: Message) -> None:
        """Home Assistant was told of this device once, and is not to know it any more."""
        if message.payload:
            self._link.publish(self._config, b"", retain=True)

    def _take(self, message: Message) -> None:
        """Do what a message asks for. An old one was meant for another time."""
        if message.retained:
            return
        name = message.topic.removeprefix(f"{self._link.topic}/")
        try:
            command = commands.command_of(name, message)
        except PayloadError as error:
            self._refuse(name, str(error))
            return
        if not self._rations.allows(command, self._now()):
            self._refuse(name, "this is asked too often", command)
        elif not self._has_room_for(command):
            self._refuse(name, "too much is asked at once", command)
        else:
            task = asyncio.create_task(self._do(name, command))
            self._doing[task] = command
            task.add_done_callback(self._doing.pop)

    def _has_room_for(self, command: Command) -> bool:
        """Say whether it may begin: what others have asked for keeps nobody from muting, nor from ending it."""
        if command in (SetMute(on=True), Stop()):
            return command not in self._doing.values()
        return len(self._doing) < MOST_AT_ONCE

    async def _do(self, name: str, command: Command) -> None:
        try:
            await self._carry_out(self._desk(), command)
        except HearthsideError as error:
            self._refuse(name, str(error), command)
        except Exception as error:  # noqa: BLE001 - the boundary: whoever asked is told, and the rest goes on
            log.error("MQTT: %s: %s", name, where(error))
            self._refuse(name, "this failed; the log of the device says more", command)
        finally:
            # Who asked shows what it asked for until it is told how it is.
            self._told.pop(name.removesuffix("/set"), None)
            self._news.set()

    async def _carry_out(self, desk: Desk, command: Command) -> None:
        """Raise HearthsideError."""
        match command:
            case Say():
                await desk.say(command.text, command.urgent)
            case Ask():
                heard = await desk.ask(command.text, command.urgent)
                self._answer(states.answered(command.text, heard))
            case Stop():
                desk.stop()
            case SetMute(on=True):
                if not desk.status()["muted"]:
                    await desk.mute()
            case SetMute():
                self._unmute(desk)
            case SetVolume():
                await desk.set_volume(command.percent)
            case CancelTimer():
                await desk.cancel_timer(command.name)
            case ChoosePersona():
                await self._choices.choose_persona(command.name)
            case ChooseWakeWord():
                await self._choices.choose_wake_word(command.word)

    def _unmute(self, desk: Desk) -> None:
        """Mute is sovereign: from here it is ended only where the configuration says so. Raise NotDoneError."""
        if not desk.status()["muted"]:
            return
        if not self._settings.may_unmute:
            raise NotDoneError(HELD)
        desk.unmute()

    def _refuse(self, name: str, why: str, command: Command | None = None) -> None:
        """Say why something is not done, for whoever looks; and to who waits for an answer."""
        log.debug("MQTT: %s: %s", name, why)
        self._publish("refused", msgspec.json.encode({"command": name, "why": why}).decode())
        if isinstance(command, Ask):
            self._answer(states.unanswered(command.text, why))

    def _answer(self, table: Mapping[str, Any]) -> None:
        self._publish("answer", msgspec.json.encode(table).decode())

    def _now(self) -> Ms:
        return ms_from_seconds(self._clock())
