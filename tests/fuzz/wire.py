"""Mutated events through sessions over a socket, with the house's own tools: relays on mock pins, clock, volume."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from device.audio.settings import Audio
from device.audio.volume import Volume
from device.controller import Controller
from device.conversation.openai.conversation import RealtimeConversation
from device.conversation.openai.keys.keys import OwnKey
from device.conversation.openai.settings import OpenAI
from device.core import events as ev
from device.core.actions import TurnEnd
from device.core.machine import Machine
from device.core.memory import Settings
from device.core.status import Phase, Status
from device.foreign.gpio import MockBoard
from device.orders import House
from device.secrets import Secret
from device.tools.clock import clock_tool
from device.tools.pins.settings import Relay
from device.tools.pins.switches import Relays, relay_tools
from device.tools.registry import Registry
from device.tools.volume import volume_tool
from device.units import Ms, Samples
from tests.conversation.openai_types import check_client_event
from tests.fuzz.direct import MUTATED, Tally, hold
from tests.fuzz.mutation import mutated, shuffled
from tests.fuzz.shapes import Provider, as_text, call_of
from tests.parts import Parts

RELAY = 17
LONGEST_SESSION = 400
"""Events after which the server hangs up: what the device keeps of a session is given back with it."""

PATIENCE_S = 20.0


class WireFuzz:
    """A server that talks nonsense, and a device that must live with it."""

    def __init__(self, seed: str, tally: Tally) -> None:
        self.rng = random.Random(seed)
        self.tally = tally
        self.last: Any = None
        self.problem: BaseException | None = None
        self._left = 0
        self._done = asyncio.Event()

    async def run(self, events: int) -> None:
        """Send so many messages. Raise whatever broke."""
        self._left = events
        async with self._device() as controller:
            while not self._done.is_set():
                controller.post(self._person(controller.status.phase))
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._done.wait(), 0.01)
        if self.problem is not None:
            raise self.problem

    def _person(self, phase: Phase) -> ev.Event:
        """Return what a person does next: a new question where nobody talks, else this and that."""
        at = Samples(self.tally.events)
        if phase is Phase.IDLE:
            return ev.WakeWordDetected("hey_jarvis", 0.9, at)
        whims = (
            ev.VoiceStarted(at),
            ev.VoiceConfirmed(),
            ev.VoiceStopped(at),
            ev.ButtonHeld(at),
            ev.ButtonReleased(at),
        )
        return self.rng.choice(whims)

    @asynccontextmanager
    async def _device(self) -> AsyncIterator[Controller]:
        board, parts = MockBoard(), Parts()
        async with serve(self._serve, "127.0.0.1", 0, max_size=None, compression=None) as listener:
            port = listener.sockets[0].getsockname()[1]
            relays = Relays({"light": Relay(pin=RELAY)})
            try:
                registry = await self._tools(relays)
                controller = Controller(
                    Machine(Settings(turn_end=self.rng.choice(tuple(TurnEnd)), follow_up=Ms(8_000)))
                )
                settings = OpenAI(url=f"ws://127.0.0.1:{port}/v1/realtime", connect_timeout_s=5.0)
                conversation = RealtimeConversation(
                    *(settings, "Be brief.", OwnKey(Secret("sk-fuzz-abcdefghijkl")), lambda: registry.specs),
                    *(controller.post, controller.on_answer_audio, controller.on_answer_item_end),
                )
                parts.post = controller.post
                controller.observers.append(self._count)
                part: Any = parts
                controller.move_in(
                    House(part, part, part, conversation, registry, part, part, lambda muted: None, part)
                )
                living = asyncio.create_task(controller.run())
                with self._watched():
                    yield controller
                controller.post(ev.ShutdownRequested())
                await living
                await conversation.aclose()
            finally:
                relays.close()
                board.close()

    def _count(self, what: object, status: Status) -> None:
        self.tally.ready += isinstance(what, ev.SessionReady)
        self.tally.failed += isinstance(what, ev.SessionFailed)

    async def _tools(self, relays: Relays) -> Registry:
        async def no_mixer(output: str, control: str) -> None:
            return None

        volume = Volume(Audio(), lambda gain: None, no_mixer)
        await volume.start()
        return Registry([clock_tool(), *relay_tools(relays), volume_tool(volume)], timeout_s=5.0)

    @contextmanager
    def _watched(self) -> Iterator[None]:
        """Take as broken what is logged with a traceback, and what the event loop was left with."""
        watch = _Watch(self)
        logging.getLogger("device").addHandler(watch)
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(
            lambda _, context: self._broken(context.get("exception") or RuntimeError(str(context)))
        )
        try:
            yield
        finally:
            loop.set_exception_handler(None)
            logging.getLogger("device").removeHandler(watch)

    def _broken(self, problem: BaseException) -> None:
        if self.problem is None:
            self.problem = problem
        self._done.set()

    # -- the server

    async def _serve(self, connection: ServerConnection) -> None:
        try:
            await _Session(self, connection).run()
        except ConnectionClosed:
            pass
        except Exception as problem:  # noqa: BLE001 - whatever it is, it is reported with its seed
            self._broken(problem)

    def spend(self, message: Any) -> None:
        """Count a message; the last one ends the run."""
        self.last = message
        self.tally.events += 1
        self._left -= 1
        if self._left <= 0:
            self._done.set()


class _Watch(logging.Handler):
    def __init__(self, fuzz: WireFuzz) -> None:
        super().__init__()
        self._fuzz = fuzz

    def emit(self, record: logging.LogRecord) -> None:
        """Take a traceback for what it is."""
        if record.exc_info and record.exc_info[1]:
            self._fuzz._broken(record.exc_info[1])
        elif record.levelno >= logging.ERROR:
            self._fuzz._broken(RuntimeError(record.getMessage()))


class _Session:
    """One connection: sends, and hears the answers to the calls that it sent whole."""

    def __init__(self, fuzz: WireFuzz, connection: ServerConnection) -> None:
        self._fuzz = fuzz
        self._connection = connection
        self._owed: set[str] = set()
        self._answers: dict[str, int] = {}
        self._configured = asyncio.Event()
        self._settled = asyncio.Event()

    async def run(self) -> None:
        """Talk nonsense until enough was said."""
        self._fuzz.tally.sessions += 1
        hearing = asyncio.create_task(self._hear())
        try:
            await self._talk()
            await self._settle()
        finally:
            hearing.cancel()

    async def _talk(self) -> None:
        rng, provider = self._fuzz.rng, Provider(self._fuzz.rng)
        created, updated = provider.opening()
        await self._connection.send(as_text(created))
        async with asyncio.timeout(PATIENCE_S):
            await self._configured.wait()
        await self._connection.send(as_text(updated))
        for _ in range(LONGEST_SESSION // 10):
            for event in shuffled(provider.turn(), rng):
                wrong = rng.random() < MUTATED
                message = mutated(event, rng) if wrong else as_text(event)
                if not wrong and (call := call_of(event)) and event["name"]:
                    self._owed.add(call)
                    self._fuzz.tally.calls += 1
                self._fuzz.spend(message)
                await self._connection.send(message)
            await asyncio.sleep(0)

    async def _settle(self) -> None:
        """Of a session that is still open no whole call may be without its one answer."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_S):
                while not self._owed <= self._answers.keys():
                    self._settled.clear()
                    await self._settled.wait()
        missing = sorted(self._owed - self._answers.keys())
        hold(not missing, f"calls without an answer: {missing}")
        hold(all(count == 1 for count in self._answers.values()), f"answered twice: {self._answers}")

    async def _hear(self) -> None:
        with contextlib.suppress(ConnectionClosed):
            async for message in self._connection:
                event = check_client_event(json.loads(message))
                if event["type"] == "session.update":
                    self._configured.set()
                item = event.get("item") or {}
                if item.get("type") == "function_call_output":
                    call = item["call_id"]
                    self._answers[call] = self._answers.get(call, 0) + 1
                    self._fuzz.tally.answered += call in self._owed
                    self._settled.set()
        # What the device closed, it owes nothing.
        self._owed.clear()
        self._settled.set()
