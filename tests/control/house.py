"""A control socket over a house that does as it is told, for tests of what goes over the wire."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from device.control.desk import Desk, Outside
from device.control.messages import LONGEST_LINE
from device.control.rights import Right
from device.control.server import ControlServer
from device.control.socketfile import SocketFile
from device.core.actions import Outcome, TellOutcome
from device.core.events import Event, MuteRequested, UnmuteRequested
from device.errors import AudioError, ChoiceError, ToolError
from device.tools.clock import clock_tool
from device.tools.registry import Registry


@contextmanager
def short_folder() -> Iterator[Path]:
    """A folder for sockets, whose path may have 107 characters at most: pytest's own are longer."""
    with tempfile.TemporaryDirectory(prefix="hearthside-") as folder:
        yield Path(folder)


class FakeHouse:
    """What the desk is told, and what it would find."""

    def __init__(self) -> None:
        self.facts: list[Event] = []
        self.muted = False
        self.holders = ""
        self.closed = False
        self.percent = 40
        self.personas = ("default", "butler")
        self.wake_words = ("all", "alexa")
        self.persona, self.wake_word = "default", "all"
        self.volume_error: AudioError | None = None
        self.tools = Registry([replace(clock_tool(), source="clock")], timeout_s=5)
        self.closing = asyncio.Event()
        """The microphone's card is done with it."""
        self.closing.set()
        self.desk: Desk | None = None
        """Where it is asked."""

    def post(self, fact: Event) -> None:
        """See Post."""
        self.facts.append(fact)
        if isinstance(fact, MuteRequested):
            self.muted = True
        elif isinstance(fact, UnmuteRequested) and not self.holders:
            self.muted = self.closed = False

    async def settled(self) -> None:
        """Microphone."""
        await self.closing.wait()
        self.closed = self.muted

    async def get(self) -> int:
        """Volume."""
        if self.volume_error:
            raise self.volume_error
        return self.percent

    async def set(self, percent: int) -> int:
        """Volume."""
        self.percent = percent
        return await self.get()

    async def change(self, by: int) -> int:
        """Volume."""
        return await self.set(min(100, max(0, self.percent + by)))

    def settle(self, ticket: int, outcome: Outcome, words: str = "") -> None:
        """Tell who asked for an announcement what became of it."""
        assert self.desk is not None
        self.desk.observe(TellOutcome(ticket, outcome, words), None)

    async def table(self) -> list[dict[str, Any]]:
        """Timers."""
        return [{"id": 1, "name": "pasta timer"}]

    async def choose_persona(self, name: str) -> None:
        """Choices."""
        if name not in self.personas:
            raise ChoiceError(f'no persona "{name}" is configured')
        self.persona = name

    async def choose_wake_word(self, word: str) -> None:
        """Choices."""
        self.wake_word = word

    async def cancel(self, name: str) -> str:
        """Timers."""
        if name != "pasta":
            raise ToolError("nothing like that is set")
        return "Cancelled: the pasta timer"

    @property
    def outside(self) -> Outside:
        """What the desk gets."""
        return Outside(
            post=self.post,
            status=lambda: {"state": "muted" if self.muted else "listening"},
            levels=lambda: {"rms_dbfs": -50.0},
            volume=self,
            tools=self.tools,
            is_muted=lambda: self.muted,
            mute_holders=lambda: self.holders,
            microphone_settled=self.settled,
            microphone_is_closed=lambda: self.closed,
            timers=self,
            choices=self,
        )


@asynccontextmanager
async def serving(folder: Path, house: FakeHouse) -> AsyncIterator[ControlServer]:
    """Serve people and agents in the folder; give the server for people."""
    files = [SocketFile(folder, right) for right in Right]
    house.desk = Desk(house.outside)
    servers = [ControlServer(file, house.desk.do) for file in files]
    for server in servers:
        await server.start()
    try:
        yield servers[0]
    finally:
        for server in servers:
            await server.close()
        for file in files:
            file.close()


class Client:
    """Writes and reads lines, right ones and others."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self._asked = 0

    def send(self, line: bytes) -> None:
        """Send it as it is."""
        self.writer.write(line)

    async def next(self) -> dict[str, Any]:
        """Return the next line that comes."""
        line = await asyncio.wait_for(self.reader.readline(), 20)
        assert line.endswith(b"\n"), "the house has closed"
        table: dict[str, Any] = json.loads(line)
        return table

    async def ask(self, do: str, **more: Any) -> dict[str, Any]:
        """Ask properly; return the answer."""
        self._asked += 1
        self.send(json.dumps({"id": self._asked, "do": do, **more}).encode() + b"\n")
        answer = await self.next()
        assert answer["id"] == self._asked
        return answer

    async def ended(self) -> bool:
        """Wait for the house to close the connection; tell whether nothing came before that."""
        try:
            return await asyncio.wait_for(self.reader.read(), 20) == b""
        except ConnectionResetError:
            return True


@asynccontextmanager
async def connected(folder: Path) -> AsyncIterator[Client]:
    """Connect to the socket in a folder."""
    path = str(folder / "control.sock")
    reader, writer = await asyncio.open_unix_connection(path, limit=16 * LONGEST_LINE)
    try:
        yield Client(reader, writer)
    finally:
        writer.transport.abort()
