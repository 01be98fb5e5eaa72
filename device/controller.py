"""The shell around the machine: queues facts, owns the clock, performs orders. It takes no decision."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from device.core import actions as order
from device.core import events as ev
from device.core.actions import Action
from device.core.events import Event
from device.core.indication import indication
from device.core.machine import Machine
from device.core.status import Phase, Status
from device.errors import HearthsideError, SpeechError, ToolError
from device.ports import Conversation, Ear, Microphone, Mouth, Panel, Tools, Voice
from device.units import Ms

log = logging.getLogger(__name__)

Observer = Callable[[Event | Action, Status], None]
"""Told of every fact and order, with the status after it. Must be quick and must not raise."""


@dataclass(frozen=True, slots=True)
class House:
    """Everything the controller gives orders to."""

    ear: Ear
    microphone: Microphone
    mouth: Mouth
    conversation: Conversation
    tools: Tools
    panel: Panel
    voice: Voice
    remember_mute: Callable[[bool], None]


def _now() -> Ms:
    return Ms(time.monotonic() * 1000)


class Controller:
    """Runs a machine in a house. Every method belongs to the event loop's thread."""

    def __init__(self, machine: Machine) -> None:
        self.observers: list[Observer] = []
        self._machine = machine
        self._facts: deque[Event] = deque()
        self._busy = False
        self._timer: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._microphone_orders = asyncio.Lock()
        self._disk_orders = asyncio.Lock()
        self._exit = asyncio.Event()
        self._orders: dict[type[Action], Callable[[Any], None]] = {}

    @property
    def status(self) -> Status:
        """What the rest of the house may see."""
        return self._machine.status

    def move_in(self, house: House) -> None:
        """Take over the house; facts posted before are handled now."""
        self._house = house
        self._orders = self._wire(house)
        house.panel.show(indication(self.status))
        self._drain()

    async def run(self) -> None:
        """Live until ShutdownRequested has been dealt with."""
        try:
            await self._exit.wait()
        finally:
            self._stop_timer()
            for task in tuple(self._tasks):
                task.cancel()

    def post(self, fact: Event) -> None:
        """Take in a fact. Orders are performed before this returns, unless a fact is being handled already."""
        self._facts.append(fact)
        self._drain()

    def on_reply_audio(self, turn: int, item: str, pcm: bytes) -> None:
        """Sound goes around the machine: play a piece of the current turn's answer, drop any other."""
        if turn == self.status.turn and self.status.phase is not Phase.IDLE:
            self._house.mouth.play_reply(turn, item, pcm)

    def on_reply_end(self, turn: int, item: str) -> None:
        """All audio of an item has arrived."""
        if turn == self.status.turn and self.status.phase is not Phase.IDLE:
            self._house.mouth.end_reply_item(turn, item)

    # -- facts and time

    def _drain(self) -> None:
        if self._busy or not self._orders:
            return
        self._busy = True
        try:
            while self._facts:
                fact = self._facts.popleft()
                _log_fact(fact)
                self._perform(self._machine.handle_event(fact, _now()), fact)
        finally:
            self._busy = False
        self._set_timer()

    def _set_timer(self) -> None:
        self._stop_timer()
        at = self._machine.get_timer()
        if at is not None and not self._exit.is_set():
            delay = max(0.0, (at - _now()) / 1000)
            self._timer = asyncio.get_running_loop().call_later(delay, self._on_timer)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _on_timer(self) -> None:
        self._busy = True
        try:
            self._perform(self._machine.handle_timer(_now()), None)
        finally:
            self._busy = False
        self._drain()

    # -- orders

    def _perform(self, orders: list[Action], fact: Event | None) -> None:
        self._house.panel.show(indication(self.status))
        if fact is not None:
            self._tell(fact)
        for action in orders:
            log.debug("order %s", action)
            self._orders[type(action)](action)
            self._tell(action)

    def _tell(self, what: Event | Action) -> None:
        for observer in self.observers:
            observer(what, self.status)

    def _wire(self, house: House) -> dict[type[Action], Callable[[Any], None]]:
        return {**self._wire_conversation(house.conversation), **self._wire_sound(house), **self._wire_rest(house)}

    def _open_session(self, action: order.OpenSession) -> None:
        # Both take their time: by the time there is an answer, the loudspeaker is open.
        self._house.conversation.open(action.turn, action.turn_end)
        self._house.mouth.warm_up()

    def _wire_conversation(self, talk: Conversation) -> dict[type[Action], Callable[[Any], None]]:
        return {
            order.OpenSession: self._open_session,
            order.CloseSession: lambda a: talk.close(),
            order.BeginTurn: lambda a: talk.begin_turn(a.turn, a.turn_end),
            order.CommitTurn: lambda a: talk.commit_turn(),
            order.CancelResponse: lambda a: talk.cancel_response(a.keeps_due),
            order.DropResponse: lambda a: talk.drop_response(),
            order.TruncateItem: lambda a: talk.truncate_item(a.item, a.played),
            order.DeleteItem: lambda a: talk.delete_item(a.item),
            order.SendToolResult: lambda a: talk.send_tool_result(a.call_id, a.output),
        }

    def _wire_sound(self, house: House) -> dict[type[Action], Callable[[Any], None]]:
        ear, mouth = house.ear, house.mouth
        return {
            order.OpenGate: lambda a: ear.open_gate(a.since, a.until, a.voiced_only),
            order.CloseGate: lambda a: ear.close_gate(),
            order.OpenMicrophone: lambda a: self._spawn(self._open_microphone()),
            order.CloseMicrophone: lambda a: self._close_microphone(),
            order.StopPlayback: lambda a: mouth.stop(),
            order.EndReply: lambda a: mouth.end_reply(a.turn),
            order.Duck: lambda a: mouth.duck(),
            order.Unduck: lambda a: mouth.unduck(),
            order.PlayCue: lambda a: mouth.play_cue(a.cue),
        }

    def _wire_rest(self, house: House) -> dict[type[Action], Callable[[Any], None]]:
        return {
            order.Announce: lambda a: self._spawn(self._announce(a.text)),
            order.RunTool: lambda a: self._spawn(self._run_tool(a)),
            order.RememberMute: lambda a: self._spawn(self._remember_mute()),
            order.Exit: lambda a: self._exit.set(),
        }

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _open_microphone(self) -> None:
        async with self._microphone_orders:
            if self.status.muted:
                return
            # What fails has been posted by the adapter, which goes on trying.
            with contextlib.suppress(HearthsideError):
                await self._house.microphone.open()

    def _close_microphone(self) -> None:
        self._house.ear.clear()
        self._spawn(self._let_microphone_go())

    async def _let_microphone_go(self) -> None:
        async with self._microphone_orders:
            if self.status.muted:
                await self._house.microphone.close()
                self._house.ear.clear()

    async def _remember_mute(self) -> None:
        async with self._disk_orders:
            await asyncio.to_thread(self._house.remember_mute, self.status.muted)

    async def _announce(self, text: str) -> None:
        log.info("saying: %s", text)
        try:
            pcm = await self._house.voice.speak(text)
        except SpeechError as error:
            log.warning("cannot say it aloud: %s", error)
            return
        if self.status.phase is Phase.IDLE:
            self._house.mouth.play_announcement(pcm, self._house.voice.rate)

    async def _run_tool(self, call: order.RunTool) -> None:
        try:
            output = await self._house.tools.call(call.name, call.arguments)
        except ToolError as error:
            output = str(error)
        self.post(ev.ToolFinished(call.call_id, output))


_QUIET = (ev.VoiceStarted, ev.VoiceStopped, ev.VoiceConfirmed, ev.Heard, ev.Said, ev.ToolCalled, ev.ToolFinished)
"""Facts that carry what people say, or come with every cough: for the debug level only."""


def _log_fact(fact: Event) -> None:
    if isinstance(fact, ev.SessionFailed | ev.ProviderComplained | ev.DeviceFailed | ev.EchoCancellationLost):
        log.warning("%s", fact)
    else:
        log.log(logging.DEBUG if isinstance(fact, _QUIET) else logging.INFO, "%s", fact)
