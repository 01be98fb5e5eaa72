"""A simulated Home Assistant: its WebSocket API, as far as the device uses it, and strict about it.

Registries, exposed entities, compressed state events and services answer as Home Assistant 2026.11 does
(tests/contracts/test_homeassistant.py asks both); an id that does not grow, a command before the login or one that is
not known here is refused as there.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine, Mapping
from typing import Any, Self

import msgspec
import websockets.asyncio.server
import websockets.exceptions

from device.sim.home import assistant, commands
from device.sim.home.entities import Area, Entity, Floor, RefusedError, ServiceCall
from device.sim.home.services import effect_of

__all__ = ["GUEST_TOKEN", "TOKEN", "Area", "Entity", "Floor", "ServiceCall", "SimulatedHome"]

TOKEN = "token-of-the-simulated-home"
GUEST_TOKEN = "token-of-somebody-who-is-no-administrator"


class SimulatedHome:
    """Runs on a port of loopback. An async context manager."""

    version = "2026.11.0"

    def __init__(
        self, entities: Mapping[str, Entity], areas: Mapping[str, str], floors: Mapping[str, str] | None = None
    ) -> None:
        """Take the entities by id, and the names of areas and floors by theirs; an area is on the floor of its prefix
        ("up_bedroom" on "up")."""
        self.entities = dict(entities)
        self.floors = {key: Floor(name) for key, name in (floors or {}).items()}
        self.areas = {key: Area(name, self._floor_of(key)) for key, name in areas.items()}
        self.token = TOKEN
        self.calls: list[ServiceCall] = []
        self.said: list[str] = []
        """What its conversation agent was told."""
        self.sentences: dict[str, str] = {}
        """Sentences that somebody has taught it, and what it answers."""
        self.refusals: dict[str, tuple[str, str]] = {}
        """Command or service -> the code and message with which it is refused."""
        self.state = "RUNNING"
        """"NOT_RUNNING" while it starts: then it answers, and has not all of its entities yet."""
        self.hangs = False
        """It takes what comes, and answers nothing."""
        self.ready = asyncio.Event()
        """While it is not set, services are done, and not reported as done: as with a radio that is slow."""
        self.ready.set()
        self.logins = 0
        self.port = 0
        self._sessions: set[_Session] = set()
        self._server: websockets.asyncio.server.Server | None = None

    @property
    def url(self) -> str:
        """The address of its page."""
        return f"http://127.0.0.1:{self.port}"

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Listen; again on the same port after `stop`."""
        self._server = await websockets.asyncio.server.serve(self._welcome, "127.0.0.1", self.port, compression=None)
        self.port = next(iter(self._server.sockets)).getsockname()[1]

    async def stop(self) -> None:
        """Go away, as when it is killed."""
        server, self._server = self._server, None
        if server is not None:
            for session in tuple(self._sessions):
                session.connection.transport.abort()
            server.close()
            await server.wait_closed()

    def change(self, entity: str, state: str, **attributes: Any) -> None:
        """Something has changed in the home; an attribute that is None is so from now on."""
        known = self.entities[entity]
        known.state = state
        known.attributes.update({name: new for name, new in attributes.items() if name != "friendly_name"})
        for session in tuple(self._sessions):
            session.tell_entity(entity, {"c": {entity: {"+": {"s": state, "a": attributes, "lc": 0.0, "c": "x"}}}})

    def add(self, entity: str, about: Entity) -> None:
        """Somebody has brought something new, or an integration is there at last."""
        self.entities[entity] = about
        for session in tuple(self._sessions):
            session.tell_entity(entity, {"a": {entity: commands.whole(about)}})
        if about.registered:
            self.change_registry()

    def remove(self, entity: str) -> Entity:
        """Somebody has taken something away; return it."""
        about = self.entities.pop(entity)
        for session in tuple(self._sessions):
            session.tell_entity(entity, {"r": [entity]})
        return about

    def change_registry(self, which: str = "entity") -> None:
        """Somebody has renamed, moved or exposed something."""
        for session in tuple(self._sessions):
            session.tell(f"{which}_registry_updated")

    def call(self, domain: str, service: str, data: Mapping[str, Any], entities: tuple[str, ...]) -> None:
        """Do what a service does; of entities that there are not nothing is said. Raise RefusedError."""
        effect = effect_of(domain, service, data)
        known = {entity: effect(self.entities[entity]) for entity in entities if entity in self.entities}
        self.calls.append(ServiceCall(f"{domain}.{service}", entities, data))
        for entity, (state, attributes) in known.items():
            self.change(entity, state, **attributes)
            for other, (becomes, new) in self.entities[entity].does.items():
                self.change(other, becomes, **new)

    def _floor_of(self, area: str) -> str | None:
        return next((floor for floor in self.floors if area.startswith(f"{floor}_")), None)

    async def _welcome(self, connection: websockets.asyncio.server.ServerConnection) -> None:
        session = _Session(self, connection)
        with contextlib.suppress(websockets.exceptions.ConnectionClosed):
            if await session.let_in():
                self.logins += 1
                self._sessions.add(session)
                await session.serve()
        session.end()
        self._sessions.discard(session)


class _Session:
    def __init__(self, home: SimulatedHome, connection: websockets.asyncio.server.ServerConnection) -> None:
        self.home = home
        self.connection = connection
        self._last = 0
        self._is_administrator = False
        self._entities: dict[int, frozenset[str]] = {}
        """Subscriptions, and the entities that each wants to know of; none: all."""
        self._events: dict[int, str] = {}
        self._telling: set[asyncio.Task[None]] = set()

    async def let_in(self) -> bool:
        """Ask for a token; say whether it is right."""
        await self._send({"type": "auth_required", "ha_version": self.home.version})
        given = msgspec.json.decode(await self.connection.recv())
        if given not in [{"type": "auth", "access_token": token} for token in (self.home.token, GUEST_TOKEN)]:
            await self._send({"type": "auth_invalid", "message": "Invalid access token or password"})
            return False
        self._is_administrator = given["access_token"] == self.home.token
        await self._send({"type": "auth_ok", "ha_version": self.home.version})
        return True

    async def serve(self) -> None:
        """Answer until the other side has gone."""
        async for message in self.connection:
            if self.home.hangs:
                continue
            try:
                command = msgspec.json.decode(message)
            except msgspec.DecodeError:
                # As there: it goes without a word.
                return
            await self._take(command.pop("id", None), command)

    def end(self) -> None:
        """Whoever was there has gone."""
        for task in tuple(self._telling):
            task.cancel()

    async def _take(self, number: Any, command: dict[str, Any]) -> None:
        try:
            if not isinstance(number, int):
                number = None
                raise RefusedError("invalid_format", "Message incorrectly formatted.")
            if number <= self._last:
                raise RefusedError("id_reuse", "Identifier values have to increase.")
            self._last = number
            await self._answer(number, command.pop("type"), command)
        except RefusedError as refusal:
            error = {"code": refusal.code, "message": str(refusal)}
            await self._send({"id": number, "type": "result", "success": False, "error": error})

    async def _answer(self, number: int, kind: str, given: dict[str, Any]) -> None:
        if refusal := self.home.refusals.get(kind):
            raise RefusedError(*refusal)
        if kind in commands.FOR_ADMINISTRATORS and not self._is_administrator:
            raise RefusedError("unauthorized", "Unauthorized")
        match kind:
            case "ping":
                await self._send({"id": number, "type": "pong"})
            case "subscribe_events":
                self._events[number] = given["event_type"]
                await self._succeed(number, None)
            case "unsubscribe_events":
                if self._entities.pop(given["subscription"], None) is None:
                    raise RefusedError("not_found", "Subscription not found.")
                await self._succeed(number, None)
            case "subscribe_entities":
                await self._subscribe(number, frozenset(given.get("entity_ids") or ()))
            case "call_service":
                await self._call(number, given)
            case "conversation/process":
                await self._succeed(number, assistant.process(self.home, given["text"]))
            case _:
                await self._succeed(number, commands.answer(self.home, kind, given))

    def tell_entity(self, entity: str, event: Mapping[str, Any]) -> None:
        """Tell who wants to know of it."""
        for number, entities in self._entities.items():
            if entity in entities or not entities:
                self._tell(number, event)

    def tell(self, kind: str) -> None:
        """Tell of an event."""
        for number, wanted in self._events.items():
            if wanted == kind:
                self._tell(number, {"event_type": kind, "data": {}})

    def _tell(self, number: int, event: Mapping[str, Any]) -> None:
        if not self.home.hangs:
            self._start(self._send({"id": number, "type": "event", "event": event}))

    def _start(self, telling: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(telling)
        self._telling.add(task)
        task.add_done_callback(self._told)

    def _told(self, task: asyncio.Task[None]) -> None:
        self._telling.discard(task)
        if not task.cancelled():
            # Whoever has gone is told nothing more.
            task.exception()

    async def _subscribe(self, number: int, wanted: frozenset[str]) -> None:
        self._entities[number] = wanted
        await self._succeed(number, None)
        known = self.home.entities.items()
        told = {key: commands.whole(about) for key, about in known if key in wanted or not wanted}
        await self._send({"id": number, "type": "event", "event": {"a": told}})

    async def _call(self, number: int, given: Mapping[str, Any]) -> None:
        entities = tuple(given.get("target", {}).get("entity_id", ()))
        if refusal := self.home.refusals.get(f"{given['domain']}.{given['service']}"):
            raise RefusedError(*refusal)
        self.home.call(given["domain"], given["service"], dict(given.get("service_data") or {}), entities)
        self._start(self._report(number))

    async def _report(self, number: int) -> None:
        await self.home.ready.wait()
        await self._succeed(number, {"context": {"id": "x", "parent_id": None, "user_id": "x"}})

    async def _succeed(self, number: int, result: Any) -> None:
        await self._send({"id": number, "type": "result", "success": True, "result": result})

    async def _send(self, message: Mapping[str, Any]) -> None:
        await self.connection.send(msgspec.json.encode(message), text=True)
