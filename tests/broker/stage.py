"""A broker at a socket, before a provider that is simulated, and a device that talks to it in plain HTTP."""

from __future__ import annotations

import asyncio
import json
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from device.broker import tokens
from device.broker.serve import opened
from device.broker.settings import Broker
from device.broker.store import Store
from device.secrets import Secret
from device.sim.realtime import SimulatedRealtime
from tests.ports import free_port

KEY = "sk-the-broker-s-own-key-0123456789"
MODEL = "gpt-realtime-2.1"
SESSION = {"type": "realtime", "model": MODEL}
FAR = 10**10


class NoHearing:
    """Understands nothing: no test of the broker speaks."""

    def learn(self, tools: Any) -> None:
        """Take the phrases, and forget them."""


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: Any

    @property
    def code(self) -> str:
        """Why it was refused."""
        return str(self.body["error"]["code"])


class Caller:
    """Somebody with a socket."""

    def __init__(self, port: int, trusted: Path | None = None, host: str = "127.0.0.1") -> None:
        self.host, self.port = host, port
        self._tls = None if trusted is None else ssl.create_default_context(cafile=str(trusted))

    async def post(self, path: str, body: Any, token: str = "") -> Answer:
        """Send JSON; return the answer."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = [
            "Host: broker",
            f"Content-Length: {len(raw)}",
            *([f"Authorization: Bearer {token}"] if token else []),
        ]
        data = await self.send("\r\n".join([f"POST {path} HTTP/1.1", *headers, "", ""]).encode() + raw)
        head, _, content = data.partition(b"\r\n\r\n")
        status, *lines = head.decode().split("\r\n")
        fields = dict(line.lower().split(": ", 1) for line in lines)
        return Answer(int(status.split()[1]), fields, json.loads(content) if content else None)

    async def send(self, raw: bytes) -> bytes:
        """Send bytes; return all that comes back until the end."""
        reader, writer = await asyncio.open_connection(self.host, self.port, ssl=self._tls)
        try:
            writer.write(raw)
            return await asyncio.wait_for(reader.read(), 20)
        finally:
            writer.close()

    async def enrol(self, token: str, name: str = "kitchen") -> Answer:
        """Enrol a device."""
        return await self.post("/enrol", {"token": token, "name": name})

    async def secret(self, token: str, session: Any = SESSION, **more: Any) -> Answer:
        """Ask for a client secret."""
        return await self.post("/v1/realtime/client_secrets", {"session": session, **more}, token)


@dataclass
class Stage:
    """A running broker."""

    folder: Path
    provider: SimulatedRealtime
    settings: Broker
    caller: Caller

    def enrolment(self, name: str = "") -> str:
        """Make an enrolment token, as `hearthside broker token` does."""
        token = tokens.make_token(tokens.ENROLMENT)
        store = Store(self.folder)
        store.add_enrolment(tokens.hash_of(token), name, time.time(), FAR)
        store.close()
        return token

    async def device(self, name: str = "kitchen") -> str:
        """Enrol a device; return its token."""
        return str((await self.caller.enrol(self.enrolment(), name)).body["device_token"])

    def outcomes(self) -> list[str]:
        """Return who did what in the audit log, and what came of it."""
        store = Store(self.folder)
        entries = store.audit(10**6)
        store.close()
        return [f"{entry.who or '-'} {entry.what}: {entry.outcome}" for entry in entries]


@asynccontextmanager
async def broker(folder: Path, **settings: Any) -> AsyncIterator[Stage]:
    """Run a broker in clear at a loopback address (or with `tls`), and its provider."""
    hearing: Any = NoHearing()
    async with SimulatedRealtime(understanding=hearing, key=KEY) as provider:
        url = f"{provider.http_url}/realtime/client_secrets"
        chosen = Broker(**{"tls": "off", "port": free_port(), "provider_url": url, "names": ("127.0.0.1",), **settings})
        async with opened(chosen, Secret(KEY), folder) as door:
            trusted = folder / "tls" / "ca.pem" if chosen.tls == "own" else None
            yield Stage(folder, provider, chosen, Caller(door.port, trusted))
