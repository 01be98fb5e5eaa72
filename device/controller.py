"""The shell around the machine: queues facts, owns the clock, performs orders. It takes no decision."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import Callable, Coroutine, Iterator
from functools import partial
from typing import Any

from device.core import actions as order
from device.core import events as ev
from device.core import failures
from device.core.actions import Action
from device.core.events import Device, Event
from device.core.indication import indication
from device.core.machine import Machine
from device.core.status import Phase, Status
from device.errors import AudioError, HearthsideError, ToolError, reason, where
from device.orders import House, Step, each, orders_to_conversation, orders_to_ear, orders_to_mouth
from device.ports.facts import Observer
from device.ports.tools import UnconfirmedError
from device.units import Ms

log = logging.getLogger(__name__)


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
        self._microphone_task: asyncio.Task[None] | None = None
        """The newest order to it that takes time: those before it end before it does."""
        self._saying: asyncio.Task[None] | None = None
        """Makes the sound of an announcement, or has handed it to the mouth."""
        self._exit = asyncio.Event()
        self._orders: dict[type[Action], tuple[Step, ...]] = {}
        self._failing: set[tuple[Device, str]] = set()
        """The part and the name of each call that failed the last time."""
        self._complained: set[Observer] = set()

    @property
    def status(self) -> Status:
        """What the rest of the house may see."""
        return self._machine.status

    def move_in(self, house: House) -> None:
        """Take over the house; facts posted before are handled now."""
        self._house = house
        self._orders = self._wire(house)
        self._show(None)
        self._drain()

    async def run(self) -> None:
        """Run until ShutdownRequested has been handled."""
        try:
            await self._exit.wait()
        finally:
            self._stop_timer()
            for task in tuple(self._tasks):
                task.cancel()

    async def microphone_settled(self) -> None:
        """Wait until what the microphone was told last has been done, or has failed."""
        if self._microphone_task is not None:
            await asyncio.wait({self._microphone_task})

    def post(self, fact: Event) -> None:
        """Handle a fact. Orders are performed before this returns, unless another fact is being handled already."""
        self._facts.append(fact)
        self._drain()

    def on_answer_audio(self, turn: int, item: str, pcm: bytes) -> None:
        """Sound goes around the machine: play a piece of the current turn's answer, drop any other."""
        if turn == self.status.turn and self.status.phase is not Phase.IDLE:
            self._attempt(Device.SPEAKER, "play_answer", lambda: self._house.mouth.play_answer(turn, item, pcm))

    def on_answer_item_end(self, turn: int, item: str) -> None:
        """All audio of an item has arrived."""
        if turn == self.status.turn and self.status.phase is not Phase.IDLE:
            self._attempt(Device.SPEAKER, "end_answer_item", lambda: self._house.mouth.end_answer_item(turn, item))

    # -- facts and time

    def _drain(self) -> None:
        if self._busy or not self._orders:
            return
        self._busy = True
        try:
            while self._facts:
                self._handle(self._facts.popleft())
        finally:
            self._busy = False
            self._set_timer()

    def _handle(self, fact: Event) -> None:
        _log_fact(fact)
        try:
            self._perform(self._decide(lambda: self._machine.handle_event(fact, _now())), fact)
        finally:
            # Also when the order to exit could not be given.
            if isinstance(fact, ev.ShutdownRequested):
                self._exit.set()

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
            self._perform(self._decide(lambda: self._machine.handle_timer(_now())), None)
        finally:
            self._busy = False
            self._drain()

    def _decide(self, ask: Callable[[], list[Action]]) -> list[Action]:
        with _surviving(lambda error: log.error("no decision: %s", where(error))):
            return ask()
        return []

    # -- orders

    def _perform(self, orders: list[Action], fact: Event | None) -> None:
        """Give the orders. The light goes on before the gate is opened, and off when it has been shut."""
        opens = any(isinstance(action, order.OpenGate) for action in orders)
        if opens:
            self._light_up(fact)
            if self.status.phase is Phase.IDLE:
                # It is required, and could not be lit: what was to be heard is over.
                orders = [action for action in orders if not isinstance(action, order.OpenGate | order.PlayCue)]
        if fact is not None:
            self._tell(fact)
        for action in orders:
            log.debug("order %s", action)
            for step in self._orders[type(action)]:
                self._attempt(step.part, type(action).__name__, partial(step.do, action))
            self._tell(action)
        if not opens:
            self._show(fact)

    def _light_up(self, fact: Event | None) -> None:
        """Show the light. That it cannot be lit counts before anything is let out: a sound takes its place."""
        before = len(self._facts)
        self._show(fact)
        news = [self._facts.pop() for _ in range(len(self._facts) - before)]
        for failure in reversed(news):
            self._handle(failure)

    def _attempt(self, part: Device, what: str, call: Callable[[], object]) -> None:
        """Make a call. What it raises becomes a fact about the part, and does not stop what comes after it."""
        with _surviving(partial(self._note_failure, part, what)):
            call()
            self._note_success(part, what)

    def _note_failure(self, part: Device, what: str, error: Exception) -> None:
        if not isinstance(error, HearthsideError):
            log.error("%s: %s", what, where(error))
        self._failing.add((part, what))
        self.post(ev.DeviceFailed(part, f"{what}: {reason(error)}"))

    def _note_success(self, part: Device, what: str) -> None:
        """A part has recovered when every call of it that failed has since succeeded."""
        if (part, what) not in self._failing:
            return
        self._failing.discard((part, what))
        if all(other is not part for other, _ in self._failing):
            self.post(ev.DeviceRecovered(part))

    def _show(self, fact: Event | None) -> None:
        show = partial(self._house.panel.show, indication(self.status))
        if isinstance(fact, ev.DeviceFailed | ev.DeviceRecovered):
            # A light that fails while it shows its own failure would be reported for ever.
            with _surviving(lambda error: log.debug("the light: %s", reason(error))):
                show()
        else:
            self._attempt(Device.LIGHT, "Show", show)

    def _tell(self, what: Event | Action) -> None:
        for observer in self.observers:
            with _surviving(partial(self._complain_of, observer)):
                observer(what, self.status)

    def _complain_of(self, observer: Observer, error: Exception) -> None:
        level = logging.DEBUG if observer in self._complained else logging.ERROR
        self._complained.add(observer)
        log.log(level, "an observer failed: %s", where(error))

    def _wire(self, house: House) -> dict[type[Action], tuple[Step, ...]]:
        return {
            **each(Device.CONVERSATION, orders_to_conversation(house.conversation)),
            **each(Device.EAR, orders_to_ear(house.ear)),
            **each(Device.SPEAKER, orders_to_mouth(house.mouth)),
            **self._wire_rest(house),
        }

    def _wire_rest(self, house: House) -> dict[type[Action], tuple[Step, ...]]:
        ear, microphone, speaker = Device.EAR, Device.MICROPHONE, Device.SPEAKER
        return {
            # Both take time: begun together, the loudspeaker is open before there is an answer.
            order.OpenSession: (
                Step(Device.CONVERSATION, lambda a: house.conversation.open(a.turn, a.turn_end, a.purpose, a.persona)),
                Step(speaker, lambda a: house.mouth.warm_up()),
            ),
            order.OpenMicrophone: (Step(microphone, lambda a: self._order_microphone(self._open_microphone)),),
            order.CloseMicrophone: (
                Step(ear, lambda a: house.ear.clear()),
                Step(microphone, lambda a: self._order_microphone(self._close_microphone)),
            ),
            order.StopPlayback: (
                Step(speaker, lambda a: house.mouth.stop()),
                Step(Device.VOICE, lambda a: self._stop_saying()),
            ),
            order.Announce: (Step(Device.VOICE, lambda a: self._spawn(Device.VOICE, self._announce, a)),),
            order.SayAnnouncement: (Step(Device.VOICE, lambda a: self._start_saying(a)),),
            # Whoever asked observes.
            order.TellOutcome: (),
            order.ReadAloud: (Step(Device.VOICE, lambda a: self._spawn(Device.VOICE, self._read_aloud, a)),),
            order.RunTool: (Step(Device.CONVERSATION, lambda a: self._spawn(Device.CONVERSATION, self._run_tool, a)),),
            order.StepVolume: (Step(speaker, lambda a: self._spawn(speaker, self._step_volume, a)),),
            order.RememberMute: (Step(Device.DISK, lambda a: house.remember_mute(a.muted)),),
            order.Exit: (Step(Device.CONVERSATION, lambda a: self._exit.set()),),
        }

    def _order_microphone(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._microphone_task = self._spawn(Device.MICROPHONE, work)

    def _spawn(
        self, part: Device, work: Callable[..., Coroutine[Any, Any, None]], *arguments: Any
    ) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(self._see_through(part, work, *arguments))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _see_through(self, part: Device, work: Callable[..., Coroutine[Any, Any, None]], *arguments: Any) -> None:
        what = work.__name__.lstrip("_")
        with _surviving(partial(self._note_failure, part, what)):
            await work(*arguments)
            self._note_success(part, what)

    async def _open_microphone(self) -> None:
        async with self._microphone_orders:
            if self.status.muted:
                return
            try:
                await self._house.microphone.open()
            except HearthsideError:
                # Posted by the adapter, which goes on trying: that it works again is the adapter's to tell, too.
                self._failing.discard((Device.MICROPHONE, "open_microphone"))

    async def _close_microphone(self) -> None:
        async with self._microphone_orders:
            if self.status.muted:
                await self._house.microphone.close()
                self._attempt(Device.EAR, "clear", self._house.ear.clear)

    async def _step_volume(self, action: order.StepVolume) -> None:
        try:
            percent = await self._house.volume.change(action.by)
        except AudioError as error:
            # Nothing is broken that plays; whoever pressed hears that it is as loud as before.
            log.warning("the volume cannot be changed: %s", error)
        else:
            log.info("volume: %d %%", percent)

    async def _announce(self, action: order.Announce) -> None:
        if action.why:
            log.warning("%s", action.why)
        log.info("saying: %s", "what rings" if action.private else action.text)
        pcm = await self._house.voice.speak(action.text)
        if self.status.phase is Phase.IDLE:
            play = partial(self._house.mouth.play_announcement, pcm, self._house.voice.rate)
            self._attempt(Device.SPEAKER, "Announce", play)

    def _start_saying(self, action: order.SayAnnouncement) -> None:
        self._saying = self._spawn(Device.VOICE, self._say, action)

    def _stop_saying(self) -> None:
        if self._saying is not None:
            self._saying.cancel()
            self._saying = None

    async def _say(self, action: order.SayAnnouncement) -> None:
        log.info("saying an announcement")
        mouth, voice = self._house.mouth, self._house.voice
        try:
            pcm = await voice.speak(action.text)
        except Exception as error:
            self.post(ev.AnnouncementUnsaid(action.serial, reason(error)))
            raise
        on_heard = partial(self._note_said, action.serial)
        self._attempt(Device.SPEAKER, "SayAnnouncement", lambda: mouth.say(pcm, voice.rate, on_heard))

    def _note_said(self, serial: int, heard: bool) -> None:
        if heard:
            self.post(ev.AnnouncementSaid(serial, self._house.ear.position_at(time.monotonic())))
        else:
            self.post(ev.AnnouncementUnsaid(serial, "the loudspeaker does not work"))

    async def _read_aloud(self, action: order.ReadAloud) -> None:
        log.info("saying: %s", action.note or "the words of the answer")
        mouth, voice = self._house.mouth, self._house.voice
        for piece in filter(None, (*action.text, action.note)):
            try:
                pcm = await voice.speak(piece)
            except Exception as error:
                self.post(ev.ReadingFailed(action.turn, reason(error)))
                raise
            if self.status.turn != action.turn or self.status.phase is Phase.IDLE:
                return
            self._attempt(Device.SPEAKER, "ReadAloud", partial(mouth.read_answer, action.turn, pcm, voice.rate))
        self._attempt(Device.SPEAKER, "ReadAloud", partial(mouth.end_answer, action.turn))

    async def _run_tool(self, call: order.RunTool) -> None:
        try:
            fact: Event = ev.ToolFinished(call.call_id, await self._output_of(call))
        except UnconfirmedError as error:
            needed = error.confirmation
            bound = needed.arguments or call.arguments
            fact = ev.ConfirmationNeeded(call.call_id, call.name, bound, needed.way, needed.what)
        self.post(fact)

    async def _output_of(self, call: order.RunTool) -> str:
        """Run a tool; whatever else it raises becomes the output, since the provider waits for one.

        Raise UnconfirmedError.
        """
        try:
            return await self._house.tools.call(call.name, call.arguments, call.confirmed)
        except UnconfirmedError:
            raise
        except ToolError as error:
            return str(error)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            log.error("a tool was cancelled from within")
        except Exception as error:  # noqa: BLE001 - the boundary: the history must not keep a call without an answer
            log.error("a tool broke: %s", where(error))
        return failures.TOOL_BROKE


@contextlib.contextmanager
def _surviving(tell: Callable[[Exception], None]) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # noqa: BLE001 - the one place: no part of the house may stop the orders to another
        tell(error)


_QUIET = (
    ev.VoiceStarted,
    ev.VoiceStopped,
    ev.VoiceConfirmed,
    ev.LinkAnswered,
    ev.Heard,
    ev.Understood,
    ev.Said,
    ev.ToolCalled,
    ev.ToolFinished,
    ev.ButtonPressed,
    ev.ButtonLifted,
)
"""Facts that hold what people say, or come with every noise: logged at the debug level only."""


def _log_fact(fact: Event) -> None:
    if trouble := failures.trouble(fact):
        log.warning("%s", trouble, extra=failures.fields(fact))
    else:
        log.log(logging.DEBUG if isinstance(fact, _QUIET) else logging.INFO, "%s", fact, extra=failures.fields(fact))
