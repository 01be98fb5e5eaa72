"""The things on a broker as one source of the home: listens to what they say, and has them do what is asked."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from device.core.health import Health, unwell, well
from device.errors import ToolError
from device.ports.home import Call, Rules, Thing
from device.tools.home.listing import is_guarded, is_listed
from device.tools.mqtt.messages import Message
from device.tools.mqtt.things.parts import NAME, Dialect, Publication, is_answer
from device.units import Ms, ms_from_seconds

log = logging.getLogger(__name__)

ANSWER_LIMIT_S = 2.0
"""How long a thing may take to tell its new state: one that is reached does within a few hundred milliseconds."""
MORE_S, LONGEST_S = 0.1, 8.0
"""For each further thing that is told together with it, as a Zigbee network tells one after the other; and for all."""
ASK_PAUSE_S = 0.1
"""Between two things that are asked for their state: a Zigbee network carries about ten such questions a second."""
PATIENCE_S = 10.0
"""After a connection: so long nobody is missed."""
_CHECK = "see whether Zigbee2MQTT runs, and whether tools.mqtt.home.zigbee2mqtt is its base topic"
SETTLE_S = 1.0
"""After a connection, before anybody is asked: what the broker has kept comes first."""


def answer_limit_s(number: int) -> float:
    """Return how long so many things may take to answer together."""
    return max(ANSWER_LIMIT_S, min(LONGEST_S, ANSWER_LIMIT_S + MORE_S * (number - 1)))


class Broker(Protocol):
    """The connection (tools/mqtt/link)."""

    when_connected: list[Callable[[], None]]
    when_lost: list[Callable[[], None]]

    @property
    def is_connected(self) -> bool:
        """Whether what is published now arrives."""

    def subscribe(self, pattern: str, handler: Callable[[Message], None], largest: int = ...) -> None:
        """Have a handler called with every message of a pattern, if its payload has at most `largest` bytes."""

    def unsubscribe(self, pattern: str, handler: Callable[[Message], None]) -> None:
        """Have it called no more."""

    def publish(self, topic: str, payload: str | bytes, retain: bool = False) -> bool:
        """Send a message; tell whether it went out."""


@dataclass(slots=True)
class _Waiting:
    """A call that waits until things have answered it."""

    call: Call
    missing: set[str]
    """The ids of those that have not."""
    over: asyncio.Future[bool]
    """True when all have, False when the connection was lost."""


class MqttThings:
    """Implements ports.home.Source."""

    name = NAME

    def __init__(
        self,
        broker: Broker,
        dialects: Sequence[Dialect],
        rules: Rules,
        allow: Sequence[str] = (),
        deny: Sequence[str] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Where two dialects have a thing with the same id, it is that of the first."""
        self.rules = rules
        self._broker = broker
        self._dialects = tuple(dialects)
        self._allow, self._deny = tuple(allow), tuple(deny)
        self._clock = clock
        self._connected_at = clock()
        parts = (dialect.part for dialect in self._dialects if dialect.part)
        self._health = {part: Health(part, ok=True, since=self._now()) for part in parts}
        self._waiting: list[_Waiting] = []
        self._asking: asyncio.Task[None] | None = None
        self._left_out: dict[int, int] = {}
        for dialect in self._dialects:
            self._listen(dialect)
        broker.when_connected.append(self._welcome)
        broker.when_lost.append(self._lose)

    def health(self) -> tuple[Health, ...]:
        """Return whether each dialect that needs somebody at the broker has heard of him. Without the broker, whose
        own health is told, nobody knows."""
        waited = self._clock() - self._connected_at > PATIENCE_S
        for dialect in self._dialects:
            if dialect.part and self.is_connected:
                before = self._health[dialect.part]
                if not dialect.missing:
                    self._health[dialect.part] = well(before, self._now())
                elif waited:
                    self._health[dialect.part] = unwell(before, dialect.missing, _CHECK, self._now())
        return tuple(self._health.values())

    @property
    def is_connected(self) -> bool:
        """Whether the broker is there; each thing says by its state whether it is."""
        return self._broker.is_connected

    @property
    def things(self) -> Iterator[Thing]:
        """What may be used."""
        for thing, _ in self._all():
            if self._is_allowed(thing):
                yield thing

    async def call(self, things: tuple[Thing, ...], call: Call) -> tuple[Thing, ...]:
        """Tell them; return those that have not answered in time. Raise ToolError, before anything is sent where one
        of them cannot do it."""
        owners = {known.id: dialect for known, dialect in self._all()}
        if missing := next((thing for thing in things if thing.id not in owners), None):
            raise ToolError(f"{missing.name} is not there any more")
        sent = [publication for thing in things for publication in owners[thing.id].publications(thing, call)]
        mute = {thing.id for thing in things if not owners[thing.id].tells(thing)}
        waiting = _Waiting(call, {thing.id for thing in things} - mute, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        try:
            self._send(sent)
            await self._answered(waiting)
        finally:
            self._waiting.remove(waiting)
        return tuple(thing for thing in things if thing.id in waiting.missing | mute)

    def close(self) -> None:
        """Ask nobody any more."""
        if self._asking is not None:
            self._asking.cancel()

    def _send(self, publications: Sequence[Publication]) -> None:
        for number, publication in enumerate(publications):
            if not self._broker.publish(publication.topic, publication.payload):
                done = " all of" if number else ""
                raise ToolError(f"MQTT cannot be reached at the moment: not{done} it was sent")

    async def _answered(self, waiting: _Waiting) -> None:
        """Wait until all have answered, at most as long as they may take. Raise ToolError when the broker is lost."""
        if not waiting.missing:
            return
        try:
            async with asyncio.timeout(answer_limit_s(len(waiting.missing))):
                reached = await waiting.over
        except TimeoutError:
            return
        if not reached:
            raise ToolError("the connection to MQTT was lost; whether it was done is not known")

    def _all(self) -> Iterator[tuple[Thing, Dialect]]:
        known: set[str] = set()
        for dialect in self._dialects:
            for thing in dialect.things:
                if thing.id not in known:
                    known.add(thing.id)
                    yield thing, dialect

    def _is_allowed(self, thing: Thing) -> bool:
        room = thing.place.id if thing.place else ""
        allowed = not self._allow or is_listed(thing.id, room, self._allow)
        return allowed and not is_guarded(thing, self._deny)

    def _listen(self, dialect: Dialect) -> None:
        def take(message: Message) -> None:
            before = dialect.patterns
            heard = dialect.take(message)
            if dialect.patterns != before:
                self._listen_to(dialect, before, take)
            if heard:
                self._note(dialect, heard)
            if dialect.is_curious:
                self._ask()
            self._tell_left_out(dialect)

        self._listen_to(dialect, (), take)

    def _listen_to(self, dialect: Dialect, before: tuple[str, ...], take: Callable[[Message], None]) -> None:
        for pattern in before:
            if pattern not in dialect.patterns:
                self._broker.unsubscribe(pattern, take)
        for pattern in dialect.patterns:
            if pattern not in before:
                self._broker.subscribe(pattern, take, dialect.largest(pattern))

    def _note(self, dialect: Dialect, heard: tuple[str, ...]) -> None:
        """Let the calls go on that have waited for this."""
        if not self._waiting:
            return
        states = {thing.id: thing for thing in dialect.things if thing.id in heard}
        for waiting in self._waiting:
            answered = {key for key, thing in states.items() if is_answer(thing, waiting.call)}
            waiting.missing -= answered
            if not waiting.missing and not waiting.over.done():
                waiting.over.set_result(True)

    def _welcome(self) -> None:
        self._connected_at = self._clock()
        self._ask()

    def _now(self) -> Ms:
        return ms_from_seconds(self._clock())

    def _lose(self) -> None:
        for dialect in self._dialects:
            dialect.forget()
        for waiting in self._waiting:
            if not waiting.over.done():
                waiting.over.set_result(False)

    def _ask(self) -> None:
        """Ask those things for their state that have not told it, if nobody does so already."""
        if self._broker.is_connected and (self._asking is None or self._asking.done()):
            self._asking = asyncio.create_task(self._ask_all(), name="mqtt questions")

    async def _ask_all(self) -> None:
        await asyncio.sleep(SETTLE_S)
        for dialect in self._dialects:
            for question in dialect.questions():
                if not self._broker.publish(question.topic, question.payload):
                    return
                await asyncio.sleep(ASK_PAUSE_S)

    def _tell_left_out(self, dialect: Dialect) -> None:
        number = dialect.left_out
        if number and self._left_out.get(id(dialect)) != number:
            log.warning("MQTT: %d things cannot be used: they have no name of their own, or are too many", number)
        self._left_out[id(dialect)] = number
