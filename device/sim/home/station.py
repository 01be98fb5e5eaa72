"""A client of a real broker, for simulated things: it stands for somebody else's machine and shares nothing with the
device but the library."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Self

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

_CONNECT_S = 5.0


class Station:
    """Is connected while it is entered. Messages are taken in on the library's own thread."""

    def __init__(self, port: int, will: tuple[str, str] | None = None) -> None:
        """`port` is that of a broker on loopback; `will` what it says (retained) when this one is gone."""
        self.port = port
        self.deaf = False
        """It takes what comes, and does nothing."""
        self.heard: list[tuple[str, str]] = []
        """Topics and payloads of all commands, in order."""
        self._client = paho.Client(CallbackAPIVersion.VERSION2)
        self._client.on_message = lambda client, data, message: self._received(message)
        self._client.on_connect = lambda client, data, flags, code, properties: self._welcome()
        if will is not None:
            self._client.will_set(*will, qos=1, retain=True)

    def __enter__(self) -> Self:
        self._client.connect("127.0.0.1", self.port, keepalive=60)
        self._client.loop_start()
        return self

    def __exit__(self, *_: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    @property
    def is_connected(self) -> bool:
        """Whether it is."""
        return self._client.is_connected()

    def publish(self, topic: str, content: Mapping[str, Any] | Sequence[Any] | str, retain: bool = False) -> None:
        """Send a message: a text, or what becomes JSON."""
        self._client.publish(topic, content if isinstance(content, str) else json.dumps(content), qos=1, retain=retain)

    def patterns(self) -> tuple[str, ...]:
        """Return what it listens to."""
        raise NotImplementedError

    def arrive(self) -> None:
        """Say that it is there, and what it is."""
        raise NotImplementedError

    def obey(self, topic: str, payload: str) -> None:
        """Do what a command says."""
        raise NotImplementedError

    def _welcome(self) -> None:
        self._client.subscribe([(pattern, 1) for pattern in self.patterns()])
        self.arrive()

    def _received(self, message: paho.MQTTMessage) -> None:
        payload = message.payload.decode()
        self.heard.append((message.topic, payload))
        if not self.deaf:
            self.obey(message.topic, payload)
