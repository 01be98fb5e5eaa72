"""A house without a sound card, a server that counts what arrives, and what is handed to the kernel in between."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, TypeVar

import numpy as np
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from device.audio.ear.frontend import Frontend
from device.audio.ear.gate import Gate
from device.audio.ear.preroll import PrerollRing
from device.audio.ear.segmenter import Segmenter, SegmenterSettings
from device.controller import Controller
from device.conversation.openai.conversation import RealtimeConversation
from device.conversation.openai.keys.keys import OwnKey
from device.conversation.openai.settings import OpenAI
from device.core import events as ev
from device.core.machine import Machine
from device.core.memory import Settings
from device.core.status import Phase
from device.kit import dial
from device.orders import House
from device.secrets import Secret
from device.units import CAPTURE_RATE, Hz, Samples

T = TypeVar("T")

FRAME_S = 0.02
FRAME = CAPTURE_RATE // 50
PATIENCE_S = 20.0
# A closing frame (8 bytes, masked) and what TLS puts around it and says at its own end. A frame of sound has 1,300.
GOODBYE = 100


class TappedSocket(socket.socket):
    """Counts the bytes that the kernel takes from it, and from all of its kind."""

    handed = 0
    own = 0

    def send(self, data: Any, flags: int = 0) -> int:
        """See socket.socket."""
        return self._note(super().send(data, flags))

    def sendmsg(self, buffers: Any, *arguments: Any) -> int:
        """See socket.socket."""
        return self._note(super().sendmsg(buffers, *arguments))

    def _note(self, count: int) -> int:
        TappedSocket.handed += count
        self.own += count
        return count


@contextmanager
def tapped() -> Iterator[type[TappedSocket]]:
    """Count what the device's own connections hand to the kernel."""
    connect = dial.connect

    async def connect_tapped(addresses: Any) -> socket.socket:
        sock = await connect(addresses)
        return TappedSocket(fileno=sock.detach())

    dial.connect = connect_tapped
    try:
        yield TappedSocket
    finally:
        dial.connect = connect


class CountingServer:
    """Accepts every session and counts the bytes that arrive."""

    def __init__(self) -> None:
        self.url = ""
        self.arrived = 0
        self.sessions: list[ServerConnection] = []
        self.resets = 0
        self.goodbyes = 0
        self.patient = asyncio.Event()
        """Sessions are made ready only while it is set."""
        self.patient.set()

    async def handle(self, connection: ServerConnection) -> None:
        """One session."""
        self.sessions.append(connection)
        try:
            await self._accept(connection)
            async for _ in connection:
                pass
            self.goodbyes += 1
        except ConnectionClosed:
            self.resets += 1

    async def _accept(self, connection: ServerConnection) -> None:
        await connection.send(json.dumps({"type": "session.created", "session": {}}))
        await connection.recv()
        await self.patient.wait()
        await connection.send(json.dumps({"type": "session.updated", "session": {}}))


@asynccontextmanager
async def counting_server(
    listener: socket.socket | None = None, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1"
) -> AsyncIterator[CountingServer]:
    """Serve at `listener`, or on this machine."""
    server = CountingServer()

    class Connection(ServerConnection):
        def data_received(self, data: bytes) -> None:
            server.arrived += len(data)
            super().data_received(data)

    where = {"sock": listener} if listener else {"host": "127.0.0.1", "port": 0}
    options: dict[str, Any] = {"compression": None, "max_size": None, "close_timeout": 0.2, "ssl": tls, **where}
    async with serve(server.handle, create_connection=Connection, **options) as running:
        port = next(iter(running.sockets)).getsockname()[1]
        server.url = f"{'wss' if tls else 'ws'}://{host}:{port}/v1/realtime"
        yield server


class _Nobody:
    """Every other part of the house: takes orders and does nothing."""

    rate = Hz(24_000)

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *arguments: None

    async def open(self) -> None:
        """The microphone."""

    async def close(self) -> None:
        """The microphone."""

    async def speak(self, text: str) -> bytes:
        """The voice."""
        return b""


class _NoVoice:
    def is_voice(self, frame: object) -> bool:
        return False


class Mutable:
    """A machine, a frontend with its gate, and a conversation over real sockets, fed with noise."""

    def __init__(self, url: str, behaviour: Settings | None = None) -> None:
        self.controller = Controller(Machine(behaviour or Settings(cues=False)))
        self.facts: list[object] = []
        self.controller.observers.append(lambda what, status: self.facts.append(what))
        ring, vad, nobody = PrerollRing(), _NoVoice(), _Nobody()
        settings = OpenAI(url=url)
        post, on_audio, on_end = (
            self.controller.post,
            self.controller.on_answer_audio,
            self.controller.on_answer_item_end,
        )
        self.conversation = RealtimeConversation(
            settings, "", OwnKey(Secret("sk-test-key")), tuple, post, on_audio, on_end
        )
        self.frontend = Frontend(
            ring=ring,
            gate=Gate(ring, self.conversation.input_rate, self.conversation.send_audio),
            vad=vad,
            segmenter=Segmenter(SegmenterSettings()),
            feed_wake=lambda pcm: None,
            reset_wake=lambda: None,
            post=post,
        )
        part: Any = nobody
        self.controller.move_in(
            House(self.frontend, part, part, self.conversation, part, part, part, lambda on: None, part)
        )
        self._noise = np.random.default_rng(1)
        self.hear(0.5)

    def hear(self, duration_s: float) -> None:
        """Take in some noise of the room, all in this turn of the loop; none while muted."""
        if self.controller.status.muted:
            return
        for _ in range(round(duration_s / FRAME_S)):
            pcm = self._noise.integers(-3_000, 3_000, FRAME, np.int16).tobytes()
            self.frontend.on_frame(pcm, asyncio.get_running_loop().time())

    async def listen_for(self, duration_s: float) -> None:
        """Live on: a frame is heard every 20 ms."""
        loop = asyncio.get_running_loop()
        end = loop.time() + duration_s
        while (left := end - loop.time()) > 0:
            await asyncio.sleep(min(FRAME_S, left))
            self.hear(FRAME_S)

    def wake(self) -> None:
        """Say the wake word: what was heard in the last 300 ms follows it."""
        self.controller.post(ev.WakeWordDetected("hey", 1.0, Samples(self.frontend.position - 15 * FRAME)))

    async def phase(self, wanted: Phase) -> None:
        """Live on until that phase."""
        async with asyncio.timeout(PATIENCE_S):
            while self.controller.status.phase is not wanted:
                await self.listen_for(FRAME_S)

    @property
    def is_connected(self) -> bool:
        """Whether there is a session, perhaps one that is being closed, to which sound could be sent."""
        sessions = (self.conversation._session, *self.conversation._ending)
        return any(session is not None and session._link is not None for session in sessions)

    def socket(self) -> TappedSocket:
        """Return that of the session."""
        session = self.conversation._session
        assert session is not None
        assert session._link is not None
        tapped: TappedSocket = session._link._wire._socket._sock
        return tapped

    async def fact(self, kind: type[T]) -> T:
        """Live on until there is a fact, or an order, of a kind; return the first."""
        async with asyncio.timeout(PATIENCE_S):
            while not any(isinstance(fact, kind) for fact in self.facts):
                await self.listen_for(FRAME_S)
        return next(fact for fact in self.facts if isinstance(fact, kind))

    def mute(self) -> None:
        """Press for long; or once more, to unmute."""
        if self.controller.status.muted:
            self.controller.post(ev.ButtonHeld(self.frontend.position))
        self.controller.post(ev.ButtonLongPressed())

    def leave(self) -> None:
        """Click."""
        self.controller.post(ev.ButtonClicked(self.frontend.position))
