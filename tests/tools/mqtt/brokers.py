"""A mosquitto of a test's own on a free port, a second client to look with, and a link without a network."""

from __future__ import annotations

import asyncio
import contextlib
import getpass
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

from device.secrets import Secret
from device.tools.mqtt.link import Handler, Link
from device.tools.mqtt.messages import LARGEST_PAYLOAD, Message, matches
from device.tools.mqtt.settings import Mqtt
from tests.ports import free_port
from tests.waiting import block_until, until

PLACES = (os.environ["PATH"], "/usr/sbin", f"{sys.prefix}/mosquitto/usr/sbin")
MOSQUITTO = shutil.which("mosquitto", path=os.pathsep.join(PLACES)) or "mosquitto"
"""The machine's own, else the one that scripts/setup --dev has unpacked."""


class Broker:
    """A real mosquitto. `lines` are its configuration beside the listener."""

    def __init__(self, folder: Path, *lines: str, anonymous: bool = True) -> None:
        self.port = free_port()
        self._configuration = folder / "mosquitto.conf"
        text = [f"listener {self.port} 127.0.0.1", f"allow_anonymous {str(anonymous).lower()}", *lines]
        # As root it would become somebody who may not read the folder.
        text.append(f"user {getpass.getuser()}")
        self._configuration.write_text("\n".join([*text, ""]))
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Broker:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def start(self) -> None:
        """Run it, and wait until it listens."""
        command = [MOSQUITTO, "-c", str(self._configuration)]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        block_until(self._listens, "mosquitto")

    def stop(self) -> None:
        """End it as systemd does; harmless when it has ended."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once; harmless when it has ended."""
        self._end(signal.SIGKILL)

    def hang(self) -> None:
        """Have it do nothing, with every connection open."""
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Have it do what it left."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: int) -> None:
        if self._process is not None:
            self._process.send_signal(number)

    def _end(self, number: int) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            self._process.send_signal(signal.SIGCONT)
            self._process.wait(10)
            self._process = None

    def _listens(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, "mosquitto refuses its configuration"
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


def settings_for(broker: Broker, **more: Any) -> Mqtt:
    """Return the settings of a device that uses it."""
    return msgspec.convert({"host": "127.0.0.1", "port": broker.port, "id": "kitchen", **more}, Mqtt)


@asynccontextmanager
async def running(link: Link, wait: bool = True) -> AsyncIterator[Link]:
    """Keep a link running, and with `wait` begin when it is connected."""
    task = asyncio.create_task(link.run())
    try:
        if wait:
            await until(lambda: link.health()[0].ok, "a connection")
        yield link
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


class Onlooker:
    """Another client of the broker: sees what is published, and publishes."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self.seen: list[Message] = []
        link.subscribe("#", self.seen.append)

    def on(self, topic: str) -> list[str]:
        """Return what was published on a topic, in order."""
        return [message.payload.decode(errors="replace") for message in self.seen if message.topic == topic]

    def last(self, topic: str) -> str | None:
        """Return the last of it; None for nothing."""
        return (self.on(topic) or [None])[-1]

    def publish(self, topic: str, payload: str | bytes, retain: bool = False) -> None:
        """Send a message."""
        assert self._link.publish(topic, payload, retain)

    async def sees(self, topic: str, payload: str) -> None:
        """Wait until that was the last on a topic."""
        await until(lambda: self.last(topic) == payload, f"{payload} on {topic}, where {self.last(topic)} is last")


@asynccontextmanager
async def onlooker(broker: Broker, password: str = "", **settings: Any) -> AsyncIterator[Onlooker]:
    """Look at all that is published there."""
    link = Link(settings_for(broker, **{"id": "onlooker", **settings}), Secret(password) if password else None)
    looking = Onlooker(link)
    async with running(link):
        yield looking


class FakeLink:
    """A link without a network: `deliver` is what the broker does, `published` what it was given."""

    def __init__(self, identifier: str = "kitchen", is_connected: bool = True) -> None:
        self.id = identifier
        self.topic = f"hearthside/{identifier}"
        self.availability = f"{self.topic}/availability"
        self.is_connected = is_connected
        self.when_connected: list[Callable[[], None]] = []
        self.when_lost: list[Callable[[], None]] = []
        self.published: list[tuple[str, bytes, bool]] = []
        self._handlers: list[tuple[str, Handler]] = []

    def subscribe(self, pattern: str, handler: Handler, largest: int = LARGEST_PAYLOAD) -> None:
        """See Link."""
        self._handlers.append((pattern, handler))

    def unsubscribe(self, pattern: str, handler: Handler) -> None:
        """See Link."""
        self._handlers.remove((pattern, handler))

    def publish(self, topic: str, payload: str | bytes, retain: bool = False) -> bool:
        """See Link."""
        if self.is_connected:
            self.published.append((topic, payload.encode() if isinstance(payload, str) else payload, retain))
        return self.is_connected

    def deliver(self, topic: str, payload: str | bytes, retained: bool = False) -> None:
        """Have it arrive."""
        data = payload.encode() if isinstance(payload, str) else payload
        for pattern, handler in tuple(self._handlers):
            if matches(pattern, topic):
                handler(Message(topic, data, retained))

    def connect(self) -> None:
        """Be connected anew."""
        self.is_connected = True
        for call in self.when_connected:
            call()

    def last(self, topic: str) -> str | None:
        """Return what was published on a topic last; None for nothing."""
        return next((payload.decode() for name, payload, _ in reversed(self.published) if name == topic), None)
