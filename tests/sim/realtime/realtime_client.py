"""A client of the simulated server, over a real WebSocket, in the words of the tests."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
import soxr
import websockets

from device.foreign.espeak import EspeakVoice, VoiceStyle
from device.ports.tools import Phrase, ToolSpec
from device.sim.person.voice import without_silence
from device.sim.realtime import DEFAULT_KEY, SimulatedRealtime

MODEL = "gpt-realtime-2.1"
SWITCHES = {"name": {"light": "light", "fan": "fan", "desk lamp": "desk_lamp"}}
SWITCH = ToolSpec(
    "set_switch",
    "Switch something",
    {"type": "object", "properties": {"name": {"type": "string"}, "on": {"type": "boolean"}}},
    (
        Phrase("turn on the {name}", SWITCHES, {"on": True}),
        Phrase("turn the {name} on", SWITCHES, {"on": True}),
        Phrase("turn off the {name}", SWITCHES, {"on": False}),
        Phrase("turn the {name} off", SWITCHES, {"on": False}),
    ),
)
TIME = ToolSpec("get_time", "The time", {"type": "object"}, (Phrase("what time is it"), Phrase("what is the time")))
TOOLS = (SWITCH, TIME)
VOICE = EspeakVoice(VoiceStyle(words_per_minute=150))


def function(spec: ToolSpec) -> dict[str, Any]:
    """Return a tool as a session carries it."""
    return {"type": "function", "name": spec.name, "description": spec.description, "parameters": spec.parameters}


def silence(duration_ms: int) -> bytes:
    """Return quiet at 24 kHz."""
    return bytes(48 * duration_ms)


async def spoken(text: str) -> bytes:
    """Return a sentence at 24 kHz, with 100 ms of quiet before it and none after it."""
    pcm = np.frombuffer(without_silence(await VOICE.speak(text), VOICE.rate), "<i2")
    return silence(100) + soxr.resample(pcm, VOICE.rate, 24000).astype("<i2").tobytes()


class Client:
    """One session."""

    def __init__(self, socket: websockets.ClientConnection) -> None:
        self.socket = socket
        self.events: list[dict[str, Any]] = []

    async def send(self, kind: str, **fields: Any) -> None:
        """Send an event."""
        await self.socket.send(json.dumps({"type": kind, **fields}))

    async def next(self) -> dict[str, Any]:
        """Return the next event."""
        event: dict[str, Any] = json.loads(await self.socket.recv())
        self.events.append(event)
        return event

    async def until(self, kind: str) -> dict[str, Any]:
        """Return the next event of a type; what comes before it is kept in `events`."""
        while (event := await self.next())["type"] != kind:
            pass
        return event

    async def refused(self, kind: str, **fields: Any) -> dict[str, Any]:
        """Send what must be refused; return the error."""
        await self.send(kind, **fields)
        error: dict[str, Any] = (await self.until("error"))["error"]
        return error

    async def configure(self, **session: Any) -> dict[str, Any]:
        """Update the session; return it as the server has it."""
        await self.send("session.update", session={"type": "realtime", **session})
        updated: dict[str, Any] = (await self.until("session.updated"))["session"]
        return updated

    async def hears(self, pcm: bytes, chunk_ms: int = 100) -> None:
        """Send sound at 24 kHz, as fast as it goes."""
        for at in range(0, len(pcm), 48 * chunk_ms):
            audio = base64.b64encode(pcm[at : at + 48 * chunk_ms]).decode()
            await self.send("input_audio_buffer.append", audio=audio)

    async def says(self, text: str, quiet_ms: int = 800) -> None:
        """Say a sentence into the microphone."""
        await self.hears(await spoken(text) + silence(quiet_ms))

    async def writes(self, text: str) -> None:
        """Add a written message of the user, and ask for an answer."""
        content = [{"type": "input_text", "text": text}]
        item = {"type": "message", "role": "user", "content": content}
        await self.send("conversation.item.create", item=item)
        await self.send("response.create")

    def types(self) -> list[str]:
        """Return the types of all events so far, several of the same deltas as one."""
        types = [event["type"] for event in self.events]
        return [kind for at, kind in enumerate(types) if at == 0 or not (kind == types[at - 1] and "delta" in kind)]

    def reply_audio(self) -> bytes:
        """Return the sound of all answers so far."""
        deltas = [event["delta"] for event in self.events if event["type"] == "response.output_audio.delta"]
        return b"".join(map(base64.b64decode, deltas))


@asynccontextmanager
async def dialled(
    server: SimulatedRealtime, query: str = f"?model={MODEL}", headers: dict[str, str] | None = None
) -> AsyncIterator[Client]:
    """Connect as a device does."""
    sent = {"Authorization": f"Bearer {DEFAULT_KEY}"} if headers is None else headers
    options: dict[str, Any] = {"additional_headers": sent, "compression": None, "max_size": None}
    async with websockets.connect(server.url + query, **options) as socket:
        yield Client(socket)


@asynccontextmanager
async def talking(server: SimulatedRealtime, **session: Any) -> AsyncIterator[Client]:
    """Connect, and configure a session with the tools of the tests."""
    async with dialled(server) as client:
        await client.until("session.created")
        await client.configure(tools=[function(spec) for spec in TOOLS], **session)
        client.events.clear()
        yield client
