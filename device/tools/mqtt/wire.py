"""One connection to a broker, from its first packet to its end. The only file that knows paho.

paho speaks the protocol; the event loop does the rest, as its documentation has it for event loops of others
(`loop_read`, `loop_write`, `loop_misc`). Not aiomqtt, which does this too: it makes its connection in a thread that is
started late and that the end of the program waits for, cannot be given a socket (so names would be looked up by the
library, and the address at which a password arrives would be nobody's choice), and starts a task a message.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from device.errors import HearthsideError, where
from device.secrets import Secret
from device.tools.mqtt.messages import LARGEST_PAYLOAD, LONGEST_TOPIC, Message

log = logging.getLogger(__name__)

KEEPALIVE_S = 15
"""After so long without a word the broker is asked for one; after as long again without an answer it hangs."""
MOST_WAITING = 200
"""So many messages may wait for the broker to confirm them; further ones are not sent."""
_AROUND = LONGEST_TOPIC + 64
"""In bytes: of a packet beside its payload. An MQTT 5 broker leaves out for us what is larger."""
FAR_TOO_LARGE = 1024 * 1024
"""In bytes. A broker that sends such a packet all the same is left before it has been read."""

_LOOK_S = 5.0
_EXACTLY_ONCE = 2
_NEW, _OLD = paho.MQTTv5, paho.MQTTv311
# Reason codes of MQTT 5.0, section 2.4, which paho also uses for the return codes of 3.1.1 (section 3.2.2.3 there).
_UNSUPPORTED_VERSION = (0x84,)
_NOT_LET_IN = (0x85, 0x86, 0x87, 0x8A, 0x8C)
_SILENT = (0x8D,)
_TAKEN_OVER = (0x8E,)


class WireError(HearthsideError):
    """The connection could not be made, or has ended."""


class OlderError(WireError):
    """The broker does not speak this version of MQTT."""


class ShutOutError(WireError):
    """The broker closed the connection instead of answering: it may not speak this version."""


class NotLetInError(WireError):
    """The broker does not take this device's name or password."""


class TakenOverError(WireError):
    """Somebody else has connected with this device's id."""


@dataclass(frozen=True, slots=True)
class Login:
    """How this device introduces itself."""

    identifier: str
    will_topic: str
    """Where the broker says `will` (retained) when this device is gone without a word."""
    will: str
    username: str = ""
    password: Secret | None = None


class _Client(paho.Client):
    """paho's client over a socket that is connected already, and that reads no packet without a limit."""

    def __init__(self, ready: socket.socket, login: Login, old: bool, far_too_large: int) -> None:
        super().__init__(
            CallbackAPIVersion.VERSION2,
            client_id=login.identifier,
            protocol=_OLD if old else _NEW,
            reconnect_on_failure=False,
        )
        self._ready = ready
        self._far_too_large = far_too_large

    def _create_socket(self) -> socket.socket:
        return self._ready

    def _sock_recv(self, bufsize: int) -> bytes:
        # It asks for all that is missing of a packet, and a buffer of that size would be made.
        if bufsize > self._far_too_large:
            raise ConnectionAbortedError
        return super()._sock_recv(bufsize)

    def _handle_publish(self) -> MQTTErrorCode:
        # All is subscribed to with "at least once", so "exactly once" (bits 1 and 2, MQTT 5.0, section 3.3.1.2) never
        # comes; 65,535 such messages would be kept until the broker releases them.
        if self._in_packet["command"] >> 1 & 3 == _EXACTLY_ONCE:
            raise ConnectionAbortedError
        return super()._handle_publish()


class Wire:
    """One connection. All of it belongs to the event loop's thread."""

    def __init__(
        self,
        ready: socket.socket,
        login: Login,
        old: bool,
        take: Callable[[Message], None],
        refused: Callable[[str], None],
        largest: int = LARGEST_PAYLOAD,
    ) -> None:
        """`ready` is connected, with TLS where it is wanted; `old`: speak MQTT 3.1.1 instead of 5.

        `refused` is told of a topic on which this device may not publish: only MQTT 5 says so. What has a payload of
        more than `largest` bytes is left out.
        """
        self._largest = largest
        self._loop = asyncio.get_running_loop()
        self._take = take
        self._refused = refused
        self._answer: asyncio.Future[None] = self._loop.create_future()
        self._end: asyncio.Future[None] = self._loop.create_future()
        self._subscribing: dict[int, asyncio.Future[list[ReasonCode]]] = {}
        self._waiting: dict[int, str] = {}
        """What was published on which topic and is not confirmed, by paho's number."""
        self._old = old
        self._socket = ready
        # A command right after a confirmation would wait for the broker's machine to have noticed that: 40 ms.
        ready.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._looking: asyncio.TimerHandle | None = None
        self._client = client = _Client(ready, login, old, max(FAR_TOO_LARGE, largest + _AROUND))
        client.enable_logger(_quiet_logger())
        client.will_set(login.will_topic, login.will, qos=1, retain=True)
        if login.username:
            client.username_pw_set(login.username, login.password.reveal() if login.password else None)
        client.on_socket_register_write = lambda client, data, sock: self._loop.add_writer(ready, self._write)
        client.on_socket_unregister_write = lambda client, data, sock: self._stop_writing()
        client.on_socket_close = lambda client, data, sock: self._let_go()
        client.on_connect = self._connected
        client.on_disconnect = self._disconnected
        client.on_subscribe = lambda client, data, number, codes, properties: self._subscribed(number, codes)
        client.on_publish = lambda client, data, number, code, properties: self._published(number, code)
        client.on_message = lambda client, data, message: self._received(message)

    async def greet(self) -> None:
        """Introduce this device, and wait until it is let in. Raise WireError."""
        properties = None
        if not self._old:
            properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
            properties.MaximumPacketSize = self._largest + _AROUND
        try:
            self._loop.add_reader(self._socket, self._read)
            # Who it is has been settled with the socket: what stands here is not looked up.
            self._client.connect("broker", keepalive=KEEPALIVE_S, properties=properties)
            self._look()
            await self._answer
        except BaseException:
            self.drop()
            raise

    async def subscribe(self, patterns: Sequence[str]) -> list[str]:
        """Subscribe to them; return those that the broker does not let this device read. Raise WireError."""
        if not patterns:
            return []
        code, number = self._client.subscribe([(pattern, 1) for pattern in patterns])
        if code != paho.MQTT_ERR_SUCCESS or number is None:
            raise WireError("the connection was lost")
        self._subscribing[number] = answer = self._loop.create_future()
        codes = await answer
        return [pattern for pattern, code in zip(patterns, codes, strict=False) if code.is_failure]

    def unsubscribe(self, pattern: str) -> None:
        """Ask for no more of it."""
        self._client.unsubscribe(pattern)

    def publish(self, topic: str, payload: bytes, retain: bool) -> bool:
        """Send a message; tell whether there was room for it. Never waits."""
        if self._end.done() or len(self._waiting) >= MOST_WAITING:
            return False
        sent = self._client.publish(topic, payload, qos=1, retain=retain)
        if sent.rc != paho.MQTT_ERR_SUCCESS:
            return False
        self._waiting[sent.mid] = topic
        return True

    async def ended(self) -> None:
        """Wait for the end of the connection, and raise WireError with its reason."""
        await asyncio.shield(self._end)

    async def settled(self) -> None:
        """Wait until the broker has confirmed all that was published."""
        while self._waiting and not self._end.done():  # noqa: ASYNC110 - at the end only, for a moment
            await asyncio.sleep(0.01)

    def hang_up(self) -> None:
        """Take leave, so that the broker does not tell the will; then `drop` it."""
        self._client.disconnect()
        self._client.loop_write()

    def drop(self) -> None:
        """Let it go at once. Harmless when it has ended."""
        self._fail(WireError("the connection was closed"))
        self._let_go()
        self._socket.close()

    # -- what paho tells

    def _connected(self, client: Any, data: Any, flags: Any, code: ReasonCode, properties: Any) -> None:
        if self._answer.done():
            return
        if not code.is_failure:
            self._answer.set_result(None)
        elif code.value in _UNSUPPORTED_VERSION:
            self._fail(OlderError("the broker does not speak this version of MQTT"))
        elif code.value in _NOT_LET_IN:
            self._fail(NotLetInError(f"the broker does not let this device in: {code}"))
        else:
            self._fail(WireError(f"the broker refuses the connection: {code}"))

    def _disconnected(self, client: Any, data: Any, flags: Any, code: ReasonCode, properties: Any) -> None:
        if code.value in _TAKEN_OVER:
            self._fail(TakenOverError("another device has connected to the broker with the same id"))
        elif code.value in _SILENT:
            self._fail(WireError("the broker does not answer"))
        elif not self._answer.done():
            # A broker that knows only 3.1.1 may just close the connection.
            self._fail(ShutOutError("the broker closes the connection without a word"))
        else:
            self._fail(WireError("the connection to the broker was lost"))

    def _subscribed(self, number: int, codes: list[ReasonCode]) -> None:
        if (answer := self._subscribing.pop(number, None)) is not None and not answer.done():
            answer.set_result(codes)

    def _published(self, number: int, code: ReasonCode) -> None:
        topic = self._waiting.pop(number, "")
        if code.is_failure and topic:
            self._refused(topic)

    def _received(self, message: paho.MQTTMessage) -> None:
        try:
            topic = message.topic
        except UnicodeDecodeError:
            return
        if len(message.payload) <= self._largest and len(topic) <= LONGEST_TOPIC:
            self._take(Message(topic, bytes(message.payload), message.retain))

    # -- what the event loop does

    def _read(self) -> None:
        # What TLS has decrypted already no selector knows of.
        pending = getattr(self._socket, "pending", lambda: 0)
        self._guarded(self._client.loop_read)
        while not self._end.done() and pending() > 0:
            self._guarded(self._client.loop_read)

    def _write(self) -> None:
        self._guarded(self._client.loop_write)

    def _guarded(self, work: Callable[[], object]) -> None:
        """Do paho's work. What is not MQTT makes it raise this and that, and then the connection is of no more use."""
        try:
            work()
        except Exception as error:  # noqa: BLE001 - the boundary: the library's own checks of what has come
            log.debug("mqtt: %s", where(error))
            self._fail(WireError("what answers there does not speak MQTT"))
            self.drop()

    def _look(self) -> None:
        if not self._end.done():
            self._guarded(self._client.loop_misc)
            self._looking = self._loop.call_later(min(_LOOK_S, KEEPALIVE_S / 2), self._look)

    def _stop_writing(self) -> None:
        self._loop.remove_writer(self._socket)

    def _let_go(self) -> None:
        if self._looking is not None:
            self._looking.cancel()
        if self._socket.fileno() >= 0:
            self._loop.remove_reader(self._socket)
            self._loop.remove_writer(self._socket)

    def _fail(self, error: WireError) -> None:
        all_waiting: tuple[asyncio.Future[Any], ...] = (self._answer, *self._subscribing.values(), self._end)
        for waiting in all_waiting:
            if not waiting.done():
                waiting.set_exception(error)
                # Nobody need be waiting for it.
                waiting.exception()


def _quiet_logger() -> logging.Logger:
    """Return a logger without the library's lines, which hold topics and come once a failure."""
    logger = logging.getLogger(f"{__name__}.paho")
    logger.setLevel(logging.CRITICAL)
    return logger
