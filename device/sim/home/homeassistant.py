"""A simulated Home Assistant: its WebSocket API, as far as the device uses it, and strict about it.

Registries, exposed entities, compressed state events and services answer as Home Assistant 2026.11 does; an id that
does not grow, a command before the login or one that is not known here is refused as there.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import msgspec
import websockets.asyncio.server
import websockets.exceptions

TOKEN = "token-of-the-simulated-home"

_SWITCHED = {
    "turn_on": "on",
    "turn_off": "off",
    "open_cover": "open",
    "close_cover": "closed",
    "lock": "locked",
    "unlock": "unlocked",
}


@dataclass
class Entity:
    """What it is in the registries, and its state."""

    name: str
    state: str = "off"
    area: str | None = None
    aliases: tuple[str, ...] = ()
    exposed: bool = True
    attributes: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ServiceCall:
    """A service that was called."""

    service: str
    """With its domain: "light.turn_on"."""
    entities: tuple[str, ...]
    data: Mapping[str, Any]


class SimulatedHome:
    """Runs on a port of loopback. An async context manager."""

    def __init__(
        self, entities: Mapping[str, Entity], areas: Mapping[str, str], floors: Mapping[str, str] | None = None
    ) -> None:
        """Take the entities by id, and the names of areas and floors by theirs; an area is on the floor of its prefix
        ("up_bedroom" on "up")."""
        self.entities = dict(entities)
        self.areas = dict(areas)
        self.floors = dict(floors or {})
        self.token = TOKEN
        self.calls: list[ServiceCall] = []
        self.said: list[str] = []
        """What its conversation agent was told."""
        self.refusals: dict[str, tuple[str, str]] = {}
        """Command or service -> the code and message with which it is refused."""
        self.hangs = False
        """It takes what comes, and answers nothing."""
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
        """Something has changed in the home."""
        known = self.entities[entity]
        known.state = state
        known.attributes.update(attributes)
        for session in tuple(self._sessions):
            session.tell_change(entity, {"s": state, "a": attributes})

    def change_registry(self) -> None:
        """Somebody has renamed, moved or exposed something."""
        for session in tuple(self._sessions):
            session.tell("entity_registry_updated")

    async def _welcome(self, connection: websockets.asyncio.server.ServerConnection) -> None:
        session = _Session(self, connection)
        with contextlib.suppress(websockets.exceptions.ConnectionClosed):
            if await session.let_in():
                self.logins += 1
                self._sessions.add(session)
                await session.serve()
        self._sessions.discard(session)


class _Session:
    def __init__(self, home: SimulatedHome, connection: websockets.asyncio.server.ServerConnection) -> None:
        self.home = home
        self.connection = connection
        self._last = 0
        self._entities: dict[int, set[str]] = {}
        self._events: dict[int, str] = {}
        self._telling: set[asyncio.Task[None]] = set()

    async def let_in(self) -> bool:
        await self._send({"type": "auth_required", "ha_version": "2026.11.0"})
        given = msgspec.json.decode(await self.connection.recv())
        if given != {"type": "auth", "access_token": self.home.token}:
            await self._send({"type": "auth_invalid", "message": "Invalid access token or password"})
            return False
        await self._send({"type": "auth_ok", "ha_version": "2026.11.0"})
        return True

    async def serve(self) -> None:
        async for message in self.connection:
            if self.home.hangs:
                continue
            command = msgspec.json.decode(message)
            number = command.pop("id", None)
            if not isinstance(number, int) or number <= self._last:
                await self._refuse(number, "id_reuse", "Identifier values have to increase.")
                continue
            self._last = number
            await self._answer(number, command.pop("type"), command)

    def tell_change(self, entity: str, new: Mapping[str, Any]) -> None:
        for number, entities in self._entities.items():
            if entity in entities or not entities:
                self._tell(number, {"c": {entity: {"+": new}}})

    def tell(self, kind: str) -> None:
        for number, wanted in self._events.items():
            if wanted == kind:
                self._tell(number, {"event_type": kind, "data": {}})

    def _tell(self, number: int, event: Mapping[str, Any]) -> None:
        if not self.home.hangs:
            task = asyncio.ensure_future(self._send({"id": number, "type": "event", "event": event}))
            self._telling.add(task)
            task.add_done_callback(self._told)

    def _told(self, task: asyncio.Task[None]) -> None:
        self._telling.discard(task)
        if not task.cancelled():
            # Whoever has gone is told nothing more.
            task.exception()

    async def _answer(self, number: int, kind: str, given: dict[str, Any]) -> None:
        home = self.home
        if refusal := home.refusals.get(kind):
            await self._refuse(number, *refusal)
            return
        match kind:
            case "config/area_registry/list":
                areas = home.areas.items()
                result: Any = [
                    {"area_id": area, "name": name, "aliases": [], "floor_id": self._floor(area)}
                    for area, name in areas
                ]
            case "config/floor_registry/list":
                result = [
                    {"floor_id": floor, "name": name, "aliases": [], "level": None}
                    for floor, name in home.floors.items()
                ]
            case "config/device_registry/list":
                result = [
                    {"id": f"device of {entity}", "area_id": about.area} for entity, about in home.entities.items()
                ]
            case "config/entity_registry/get_entries":
                result = {entity: self._entry(entity) for entity in given["entity_ids"]}
            case "homeassistant/expose_entity/list":
                result = {
                    "exposed_entities": {
                        entity: {"conversation": True} if about.exposed else {}
                        for entity, about in home.entities.items()
                    }
                }
            case "get_states":
                result = [{"entity_id": entity, "state": about.state} for entity, about in home.entities.items()]
            case "subscribe_events":
                self._events[number] = given["event_type"]
                result = None
            case "unsubscribe_events":
                self._entities.pop(given["subscription"], None)
                result = None
            case "subscribe_entities":
                await self._subscribe(number, given)
                return
            case "call_service":
                await self._call(number, given)
                return
            case "conversation/process":
                home.said.append(given["text"])
                result = {"response": {"speech": {"plain": {"speech": "I did that"}}}, "conversation_id": None}
            case _:
                await self._refuse(number, "unknown_command", "Unknown command.")
                return
        await self._send({"id": number, "type": "result", "success": True, "result": result})

    def _floor(self, area: str) -> str | None:
        return next((floor for floor in self.home.floors if area.startswith(f"{floor}_")), None)

    def _entry(self, entity: str) -> dict[str, Any] | None:
        about = self.home.entities.get(entity)
        if about is None:
            return None
        return {
            "entity_id": entity,
            "name": None,
            "aliases": list(about.aliases),
            "area_id": None,
            "device_id": f"device of {entity}",
        }

    async def _subscribe(self, number: int, given: Mapping[str, Any]) -> None:
        wanted = set(given.get("entity_ids") or self.home.entities)
        self._entities[number] = wanted
        await self._send({"id": number, "type": "result", "success": True, "result": None})
        whole = {
            entity: {"s": about.state, "a": {"friendly_name": about.name, **about.attributes}, "c": "x", "lc": 0.0}
            for entity, about in self.home.entities.items()
            if entity in wanted
        }
        await self._send({"id": number, "type": "event", "event": {"a": whole}})

    async def _call(self, number: int, given: Mapping[str, Any]) -> None:
        service = f"{given['domain']}.{given['service']}"
        entities = tuple(given.get("target", {}).get("entity_id", ()))
        if refusal := self.home.refusals.get(service):
            await self._refuse(number, *refusal)
            return
        if missing := [entity for entity in entities if entity not in self.home.entities]:
            await self._refuse(number, "not_found", f"Entity {missing[0]} not found")
            return
        data = dict(given.get("service_data") or {})
        self.home.calls.append(ServiceCall(service, entities, data))
        for entity in entities:
            state = _SWITCHED.get(given["service"], self.home.entities[entity].state)
            bright = {"brightness": round(data["brightness_pct"] * 2.55)} if "brightness_pct" in data else {}
            self.home.change(entity, state, **bright)
        await self._send(
            {"id": number, "type": "result", "success": True, "result": {"context": {"id": "x"}, "response": None}}
        )

    async def _refuse(self, number: Any, code: str, message: str) -> None:
        await self._send(
            {"id": number, "type": "result", "success": False, "error": {"code": code, "message": message}}
        )

    async def _send(self, message: Mapping[str, Any]) -> None:
        await self.connection.send(msgspec.json.encode(message), text=True)
