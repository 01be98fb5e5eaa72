"""The connection to the broker: made anew when it is lost, and one for all who publish and listen."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import os
import socket
import ssl
import time
from collections.abc import Callable, Iterable

from device.core.health import Health, unwell, well
from device.errors import HearthsideError, where
from device.kit import dial
from device.kit.backoff import Backoff
from device.kit.threads import Threads
from device.secrets import Secret
from device.tools.mqtt.address import id_of, port_of, topic_of
from device.tools.mqtt.messages import LARGEST_PAYLOAD, Message, matches
from device.tools.mqtt.settings import Mqtt
from device.tools.mqtt.wire import Login, NotLetInError, OlderError, ShutOutError, TakenOverError, Wire, WireError
from device.units import Ms, ms_from_seconds

log = logging.getLogger(__name__)

Handler = Callable[[Message], None]
"""Takes a message in. Quick, and never waits; what it raises is logged and changes nothing."""

CONNECT_LIMIT_S = 10.0
"""For the address, the connection, TLS and the broker's answer together."""
REFUSED_PAUSE_S = 60.0
"""After a password that was refused, or a fight for one id."""
_LEAVE_S = 0.5
_SHORT_S = 20.0
_FIGHT = 3
"""So many connections in a row that ended so soon after they were made look like two that throw each other out."""

AVAILABLE, GONE = "online", "offline"

_CHECK = "check the network, and tools.mqtt.host and port; it is tried again by itself"
_LOGIN = "check tools.mqtt.username, and give its password as mqtt_password (docs/mqtt.md)"
_TWICE = "give each device an id of its own: tools.mqtt.id"
_ACCESS = "allow it in the broker's access list"
_TRUST = "check tools.mqtt.ca_file, and this machine's clock"


class LinkError(HearthsideError):
    """The broker cannot be reached, does not let this device in, or was lost."""

    def __init__(self, message: str, advice: str = _CHECK, pause_s: float = 0.0, held: bool = False) -> None:
        """`held`: there was a good connection before, so that this is not one failure more."""
        super().__init__(message)
        self.advice = advice
        self.pause_s = pause_s
        self.held = held


class Link:
    """Connects for as long as `run` runs. All of it belongs to the event loop's thread."""

    def __init__(
        self,
        settings: Mqtt,
        password: Secret | None = None,
        clock: Callable[[], float] = time.monotonic,
        machine: str = "",
    ) -> None:
        """`machine` is its name; "": this one's."""
        machine = machine or socket.gethostname()
        self.id = id_of(settings, machine)
        self.topic = topic_of(settings, machine)
        """What this device's topics begin with."""
        self.availability = f"{self.topic}/availability"
        """Where it says whether it is there."""
        self.when_connected: list[Callable[[], None]] = []
        """Called after every connection, when what is subscribed to has been confirmed."""
        self.when_lost: list[Callable[[], None]] = []
        """Called when a connection that had been made is lost."""
        self._settings = settings
        self._login = Login(
            f"hearthside-{self.id}", self.availability, GONE, settings.username, password if settings.username else None
        )
        self._clock = clock
        self.threads = Threads("mqtt")
        """For what takes a moment: names that are looked up, TLS, what others look at of the machine."""
        self._tls: ssl.SSLContext | None = None
        self._handlers: dict[str, list[Handler]] = {}
        self._largest: dict[str, int] = {}
        """In bytes: of a payload that is taken, by pattern."""
        self._wire: Wire | None = None
        self._old = False
        self._short_lives = 0
        self._kept_from = ""
        self._later: set[asyncio.Task[None]] = set()
        self._health = Health("mqtt", ok=False, since=self._now(), why="not connected yet", what_to_do=_CHECK)

    def health(self) -> tuple[Health, ...]:
        """Return whether it is connected."""
        return (self._health,)

    @property
    def is_connected(self) -> bool:
        """Whether what is published now arrives."""
        return self._wire is not None

    def subscribe(self, pattern: str, handler: Handler, largest: int = LARGEST_PAYLOAD) -> None:
        """Have a handler called with every message of a topic or pattern, now and after every connection.

        Who expects payloads of more than LARGEST_PAYLOAD bytes says so, before the connection is made.
        """
        self._largest[pattern] = max(largest, self._largest.get(pattern, 0))
        handlers = self._handlers.setdefault(pattern, [])
        handlers.append(handler)
        if self._wire is not None and len(handlers) == 1:
            self._soon(self._wire, pattern)

    def unsubscribe(self, pattern: str, handler: Handler) -> None:
        """Have it called no more."""
        handlers = self._handlers.get(pattern, [])
        if handler in handlers:
            handlers.remove(handler)
        if not handlers and self._handlers.pop(pattern, None) is not None:
            self._largest.pop(pattern, None)
            if self._wire is not None:
                self._wire.unsubscribe(pattern)

    def publish(self, topic: str, payload: str | bytes, retain: bool = False) -> bool:
        """Send a message, at least once; tell whether it went out. Never waits, and keeps nothing for later."""
        data = payload.encode(errors="replace") if isinstance(payload, str) else payload
        return self._wire is not None and self._wire.publish(topic, data, retain)

    async def run(self) -> None:
        """Connect, listen, and connect again; never returns."""
        backoff = Backoff()
        while True:
            began = self._clock()
            try:
                await self._live()
            except LinkError as error:
                self._lose(error)
                tried_for_s = math.inf if error.held else self._clock() - began
                await asyncio.sleep(max(error.pause_s, backoff.pause_s(tried_for_s)))

    # -- one connection

    async def _live(self) -> None:
        """Be connected; raise LinkError at the end."""
        wire = await self._connect()
        began = self._clock()
        try:
            await self._settle_in(wire)
            await wire.ended()
        except TimeoutError:
            raise LinkError("the broker does not answer") from None
        except TakenOverError as error:
            raise LinkError(str(error), _TWICE, REFUSED_PAUSE_S) from None
        except WireError as error:
            raise self._lost(str(error), began) from None
        except asyncio.CancelledError:
            await self._take_leave(wire)
            raise
        finally:
            was_connected, self._wire = self._wire is not None, None
            for task in self._later:
                task.cancel()
            wire.drop()
            if was_connected:
                self._call(self.when_lost)

    def _lost(self, why: str, began: float) -> LinkError:
        """Return what is told of the end of a connection.

        Not every broker says to the one that it throws out that another has come with the same id (mosquitto 2.0).
        """
        self._short_lives = self._short_lives + 1 if self._clock() - began < _SHORT_S else 0
        if self._short_lives < _FIGHT:
            return LinkError(why, held=True)
        return LinkError(f"{why} again and again; perhaps another device has the same id ({self.id})", _TWICE)

    async def _connect(self) -> Wire:
        try:
            async with asyncio.timeout(CONNECT_LIMIT_S):
                try:
                    return await self._greeted(self._old)
                except (OlderError, ShutOutError) as error:
                    # Who says so is believed from now on; who just hung up may have had another reason.
                    self._old = isinstance(error, OlderError)
                    return await self._greeted(old=True)
        except TimeoutError:
            raise LinkError(f"{self._settings.host} does not answer") from None
        except NotLetInError as error:
            raise LinkError(str(error), _LOGIN, REFUSED_PAUSE_S) from None
        except dial.OutsideError as error:
            raise LinkError(f"{error}, and all of it would go there unencrypted; set tools.mqtt.tls") from None
        except WireError as error:
            raise LinkError(str(error)) from None
        except ssl.SSLCertVerificationError as error:
            why = f"the broker's certificate is not trusted ({error.verify_message})"
            raise LinkError(why, _TRUST) from None
        except OSError as error:
            raise LinkError(f"{self._settings.host} cannot be reached: {_cause(error)}") from error

    async def _greeted(self, old: bool) -> Wire:
        settings = self._settings
        ready = await dial.reach(self.threads, settings.host, port_of(settings), must_stay=not settings.tls)
        # Small packets in both directions: without this, one waits up to 40 ms for what confirms another.
        ready.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            if settings.tls:
                ready = await self.threads.call(self._encrypted, ready)
        except BaseException:
            ready.close()
            raise
        largest = max((LARGEST_PAYLOAD, *self._largest.values()))
        wire = Wire(ready, self._login, old, self._deliver, self._note_refused, largest)
        await wire.greet()
        return wire

    def _encrypted(self, plain: socket.socket) -> ssl.SSLSocket:
        """Return it with TLS. In a thread: files are read, and the handshake waits. Raise OSError or LinkError."""
        if self._tls is None:
            self._tls = _trusting(self._settings.ca_file)
        plain.settimeout(CONNECT_LIMIT_S)
        return self._tls.wrap_socket(plain, server_hostname=self._settings.host)

    async def _settle_in(self, wire: Wire) -> None:
        """Subscribe, say that this device is there, and tell those who have something to publish."""
        self._kept_from = ""
        wire.publish(self.availability, AVAILABLE.encode(), retain=True)
        self._wire = wire
        async with asyncio.timeout(CONNECT_LIMIT_S):
            unread = await wire.subscribe(list(self._handlers))
        log.info("MQTT: connected to %s", self._settings.host)
        self._health = well(self._health, self._now())
        for kept in unread:
            self._keep_from("read", kept)
        self._call(self.when_connected)

    async def _take_leave(self, wire: Wire) -> None:
        wire.publish(self.availability, GONE.encode(), retain=True)
        with contextlib.suppress(TimeoutError, WireError):
            async with asyncio.timeout(_LEAVE_S):
                await wire.settled()
        wire.hang_up()

    def _soon(self, wire: Wire, pattern: str) -> None:
        task = asyncio.create_task(self._add(wire, pattern), name="mqtt subscription")
        self._later.add(task)
        task.add_done_callback(self._later.discard)

    async def _add(self, wire: Wire, pattern: str) -> None:
        with contextlib.suppress(WireError):
            for kept in await wire.subscribe([pattern]):
                self._keep_from("read", kept)

    def _note_refused(self, topic: str) -> None:
        self._keep_from("publish on", topic)

    def _keep_from(self, doing: str, topic: str) -> None:
        """Tell of a topic that the broker keeps from this device: the first of them, for the others are like it."""
        if not self._kept_from:
            self._kept_from = f"the broker does not let this device {doing} {topic}"
            log.warning("MQTT: %s", self._kept_from)
        self._health = unwell(self._health, self._kept_from, _ACCESS, self._now())

    def _deliver(self, message: Message) -> None:
        for pattern, handlers in tuple(self._handlers.items()):
            if len(message.payload) <= self._largest.get(pattern, 0) and matches(pattern, message.topic):
                for handler in tuple(handlers):
                    self._guarded(lambda handler=handler: handler(message))  # type: ignore[misc]

    def _call(self, those: Iterable[Callable[[], None]]) -> None:
        for one in tuple(those):
            self._guarded(one)

    def _guarded(self, call: Callable[[], None]) -> None:
        try:
            call()
        except Exception as error:  # noqa: BLE001 - the boundary: one who fails must not take the connection along
            log.error("MQTT: %s", where(error))

    def _lose(self, error: LinkError) -> None:
        if self._health.ok or self._health.why != str(error):
            log.warning("MQTT: %s", error)
        self._health = unwell(self._health, str(error), error.advice, self._now())

    def _now(self) -> Ms:
        return ms_from_seconds(self._clock())


def _trusting(ca_file: str) -> ssl.SSLContext:
    """Return what trusts whoever the file, or else the system, vouches for. Raise LinkError."""
    try:
        return ssl.create_default_context(cafile=ca_file or None)
    except OSError as error:
        raise LinkError(f"{ca_file} cannot be read as certificates ({_cause(error)})", _TRUST) from None


def _cause(error: OSError) -> str:
    """Return why, without the addresses that asyncio writes into it; names that are not found have numbers below 0."""
    known = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror
    return known or type(error).__name__
