"""The house's end of the process that speaks with MCP servers: kept running, asked, and never trusted to answer.

The package `mcp` takes as much memory as the whole daemon, and what it reads is written by strangers: so it has a
process of its own, which knows no key of the daemon's, gets no sound, and may die or hang at any moment.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from device.core.health import Health, unwell, well
from device.errors import HearthsideError, ToolError, where
from device.kit.backoff import Backoff
from device.kit.outsiders import LONGEST_SENTENCE, one_line
from device.kit.programs import bare_environment
from device.ports.tools import Tool
from device.secrets import Secret
from device.tools.mcp import wire
from device.tools.mcp.settings import Server
from device.tools.mcp.tools import make, source
from device.units import Ms, ms_from_seconds

log = logging.getLogger(__name__)

MOST_CALLS = 32
"""At once, of all servers."""
UNABLE_PAUSE_S = 300.0
_LONGEST_DEATH_S = 1.0
_FAREWELL_S = 0.6
"""For the servers to be told; the daemon is to be gone within 2 s."""
_LONGEST_COMPLAINT = 4_096
"""In bytes, of what is read at once: of more the rest is thrown away, and the next is read a little later."""
_FLOOD, _FLOOD_PAUSE_S = 65_536, 0.02
_STRANGE = "nothing: it is asked again when its list changes; the log says more (debug)"
_AGAIN = "nothing: it is started again by itself; the log says more"


@dataclass(frozen=True, slots=True)
class Patience:
    """How long what is asked of the process may take, in seconds."""

    start_s: float = 60.0
    """Until all is loaded: 1 s on a PC, 10 on a Zero 2 W that does nothing else."""
    ping_s: float = 5.0
    """So often it is asked whether it lives."""
    pong_s: float = 10.0
    """So long it may take to say so: one that hangs is noticed within the sum of the two."""
    relist_s: float = 60.0
    """So often each server is asked what it has, for not all of them tell of changes."""
    answer_s: float = 20.0
    """So long a server may take for what is no call. One that hangs is noticed within the sum of these two; within this
    alone, if a call was given up."""
    pauses: float = 1.0
    """How long the pauses between two tries are, as a share of the usual ones."""


CHILD = (sys.executable, "-I", "-m", "device.tools.mcp.child")


class ChildError(HearthsideError):
    """The process ended, hangs, or says what it should not."""


@dataclass(slots=True)
class _Peer:
    """A server, as far as the house knows it."""

    settings: Server
    health: Health
    is_connected: bool = False
    tools: tuple[Tool[Any], ...] = ()
    left_out: dict[str, str] = field(default_factory=dict)
    """Its tools that the model may not use, and why."""


@dataclass(slots=True)
class _Child:
    process: asyncio.subprocess.Process
    began: float
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    answered: asyncio.Event = field(default_factory=asyncio.Event)
    """It has answered since it was last asked."""
    unable: str = ""


class Bridge:
    """Keeps the process running for as long as `run` runs."""

    def __init__(
        self,
        servers: Mapping[str, Server],
        tokens: Mapping[str, Secret],
        patience: Patience = Patience(),
        command: tuple[str, ...] = CHILD,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`tokens` by the names of their servers; `command` is what becomes the process."""
        self._command = command
        self._tokens = tokens
        self._patience = patience
        self._clock = clock
        self._peers = {
            # That it is not connected at the very start is no fault.
            name: _Peer(settings, Health(f"MCP server {name}", True, self._now(), "connecting"))
            for name, settings in servers.items()
        }
        self._tools: tuple[Tool[Any], ...] = ()
        self._child: _Child | None = None
        self._numbers = 0
        self._waiting: dict[int, asyncio.Future[wire.Done]] = {}

    @property
    def pid(self) -> int | None:
        """The process's id; None while there is none."""
        return self._child.process.pid if self._child else None

    def tools(self) -> tuple[Tool[Any], ...]:
        """Return what the servers have; those of a server that is away stay, and say so when they are called."""
        return self._tools

    @property
    def connected(self) -> tuple[str, ...]:
        """The names of the servers that can be asked."""
        return tuple(name for name, peer in self._peers.items() if peer.is_connected)

    def health(self) -> tuple[Health, ...]:
        """Return that of every server."""
        return tuple(peer.health for peer in self._peers.values())

    async def run(self) -> None:
        """Start the process, again and again; never returns."""
        backoff = Backoff()
        while True:
            began = self._clock()
            why, pause_s = await self._live()
            log.warning("the process that speaks with MCP servers: %s", why)
            await asyncio.sleep(pause_s or self._patience.pauses * backoff.pause_s(self._clock() - began))

    async def aclose(self) -> None:
        """Let the process and its servers end by themselves, for a moment; then they have no choice."""
        if self._child is None:
            return
        process = self._child.process
        assert process.stdin is not None
        process.stdin.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_FAREWELL_S):
                await process.wait()

    async def call(self, server: str, tool: str, arguments: dict[str, Any]) -> wire.Done:
        """Call a tool. Raise ToolError with a sentence for the model."""
        peer, child = self._peers[server], self._child
        if child is None or not peer.is_connected:
            raise ToolError(f"{source(server)} cannot be reached: {peer.health.why or 'it is being started'}")
        if len(self._waiting) >= MOST_CALLS:
            raise ToolError("too much is being done at once; try again when something has finished")
        self._numbers += 1
        number, answer = self._numbers, asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        try:
            self._send(child, wire.Call(number, server, tool, arguments))
            done: wire.Done = await answer
        finally:
            del self._waiting[number]
            if answer.cancelled() and child is self._child:
                self._send(child, wire.Cancel(number))
        return done

    # -- one process

    async def _live(self) -> tuple[str, float]:
        """Run the process until it ends; return why it did, and how long to wait (0.0: as after other failures)."""
        try:
            process = await self._start()
        except OSError as error:
            why = f"it cannot be started: {error.strerror}"
            self._lose_all(why, "free memory, or restart the service")
            return why, 0.0
        child = self._child = _Child(process, self._clock())
        tasks = [asyncio.create_task(work) for work in (self._read(child), self._watch(child), self._overhear(child))]
        why = "it ended"
        try:
            endpoints = tuple(self._endpoint(name) for name in self._peers)
            self._send(
                child, wire.Begin(endpoints, self._patience.relist_s, self._patience.answer_s, self._patience.pauses)
            )
            await asyncio.wait({tasks[0], tasks[1]}, return_when=asyncio.FIRST_COMPLETED)
            for task in (task for task in tasks[:2] if task.done()):
                await task
        except ChildError as error:
            why = str(error)
        finally:
            # First what waits for nothing: this may be cancelled itself.
            self._child = None
            _end(process)
            for task in tasks:
                task.cancel()
            what_to_do = _AGAIN
            if child.unable:
                why, what_to_do = child.unable, "install it: sudo scripts/install --with mcp"
            self._lose_all(why, what_to_do)
            with contextlib.suppress(TimeoutError):
                # Not wait_for: until Python 3.12 it may overlook that it is cancelled.
                async with asyncio.timeout(_LONGEST_DEATH_S):
                    await asyncio.gather(*tasks, return_exceptions=True)
                    await process.wait()
        return why, UNABLE_PAUSE_S if child.unable else 0.0

    async def _start(self) -> asyncio.subprocess.Process:
        pipe = asyncio.subprocess.PIPE
        try:
            return await asyncio.create_subprocess_exec(
                *(*self._command, str(os.getpid())),
                stdin=pipe,
                stdout=pipe,
                stderr=pipe,
                limit=wire.LONGEST_LINE,
                env=bare_environment(),
                start_new_session=True,
            )
        except RuntimeError as error:  # where no thread can be started to wait for it
            raise OSError(0, str(error)) from error

    def _endpoint(self, name: str) -> wire.Endpoint:
        settings = self._peers[name].settings
        token = self._tokens.get(name)
        return wire.Endpoint(
            name=name,
            command=settings.command,
            url=settings.url,
            token=token.reveal() if token else "",
            token_variable=settings.token_variable,
            environment=settings.environment,
        )

    def _send(self, child: _Child, message: wire.ToChild) -> None:
        """Hand it to the pipe. What does not get through is noticed by the pings."""
        assert child.process.stdin is not None
        if not child.process.stdin.is_closing():
            child.process.stdin.write(wire.encode(message))

    async def _read(self, child: _Child) -> None:
        """Take what it says. Raise ChildError for what it should not say."""
        assert child.process.stdout is not None
        try:
            while line := await child.process.stdout.readline():
                self._hear(child, line)
        except Exception as error:  # the boundary, for what is about nobody: a line without end, one that is no JSON
            log.debug("%s", where(error))
            raise ChildError(f"it said what it should not ({type(error).__name__})") from error

    def _hear(self, child: _Child, line: bytes) -> None:
        """Take a line; one that is wrong costs only whom it is about. Raise whatever it is where that is nobody."""
        try:
            self._take(child, wire.to_house.decode(line))
        except Exception as error:  # the boundary: what strangers wrote goes through here
            log.debug("%s", where(error))
            about = wire.whose.decode(line)
            if about.server in self._peers:
                why = f"what it has cannot be understood ({type(error).__name__})"
                self._lose(wire.Lost(about.server, why, _STRANGE), self._peers[about.server])
            elif about.number in self._waiting:
                self._answer(
                    wire.Failed(about.number, "what came of it cannot be understood; whether it was done is not known")
                )
            else:
                raise

    async def _watch(self, child: _Child) -> None:
        """Ask it whether it lives. Raise ChildError when it does not say so."""
        try:
            async with asyncio.timeout(self._patience.start_s):
                await child.ready.wait()
        except TimeoutError:
            raise ChildError(f"it did not start within {self._patience.start_s:g} s") from None
        for number in itertools.count(1):
            await asyncio.sleep(self._patience.ping_s)
            child.answered.clear()
            self._send(child, wire.Ping(number))
            try:
                async with asyncio.timeout(self._patience.pong_s):
                    await child.answered.wait()
            except TimeoutError:
                raise ChildError(f"it did not answer for {self._patience.pong_s:g} s, and was ended") from None

    async def _overhear(self, child: _Child) -> None:
        """Put what it and its servers complain about into the log; how many lines a minute, the log itself limits."""
        assert child.process.stderr is not None
        while piece := await child.process.stderr.read(_FLOOD):
            for line in piece[:_LONGEST_COMPLAINT].decode(errors="replace").splitlines():
                if said := self._without_tokens(one_line(line, LONGEST_SENTENCE)):
                    log.debug("MCP servers say: %s", said)
            if len(piece) > _LONGEST_COMPLAINT:
                await asyncio.sleep(_FLOOD_PAUSE_S)

    def _take(self, child: _Child, message: wire.ToHouse) -> None:
        match message:
            case wire.Ready():
                child.ready.set()
            case wire.Pong():
                child.answered.set()
            case wire.Unable():
                child.unable = one_line(message.why, LONGEST_SENTENCE)
            case wire.Tools() if peer := self._peers.get(message.server):
                self._note(message, peer)
            case wire.Lost() if peer := self._peers.get(message.server):
                self._lose(message, peer)
            case wire.Done() | wire.Failed():
                self._answer(message)

    def _note(self, message: wire.Tools, peer: _Peer) -> None:
        peer.tools, left_out = make(message.server, peer.settings, message.tools, self.call)
        for name, why in left_out.items():
            if peer.left_out.get(name) != why:
                log.info("%s: its tool %s is left out: %s", source(message.server), name, why)
        peer.left_out = left_out
        peer.is_connected = True
        peer.health = well(replace(peer.health, why=""), self._now())
        self._tools = tuple(tool for one in self._peers.values() for tool in one.tools)
        named = (source(message.server), len(peer.tools), len(message.tools) + message.left_out)
        log.info("%s is connected: %d of its %d tools may be used (MCP %s)", *named, one_line(message.version, 20))

    def _lose(self, message: wire.Lost, peer: _Peer) -> None:
        why = self._without_tokens(one_line(message.why, LONGEST_SENTENCE))
        if peer.health.ok or peer.health.why != why:
            log.warning("%s is away: %s", source(message.server), why)
        peer.is_connected = False
        peer.health = unwell(peer.health, why, one_line(message.what_to_do, LONGEST_SENTENCE), self._now())

    def _answer(self, message: wire.Done | wire.Failed) -> None:
        answer = self._waiting.get(message.number)
        if answer is None or answer.done():
            return
        if isinstance(message, wire.Done):
            answer.set_result(message)
        else:
            answer.set_exception(ToolError(self._without_tokens(one_line(message.why, LONGEST_SENTENCE))))

    def _lose_all(self, why: str, what_to_do: str) -> None:
        for peer in self._peers.values():
            peer.is_connected = False
            peer.health = unwell(peer.health, why, what_to_do, self._now())
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(ToolError("the connection was lost; whether it was done is not known"))

    def _without_tokens(self, text: str) -> str:
        for token in self._tokens.values():
            text = token.mask(text)
        return text

    def _now(self) -> Ms:
        return ms_from_seconds(self._clock())


def _end(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.kill()
    assert process.stdin is not None
    process.stdin.close()
