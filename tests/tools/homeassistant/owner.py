"""Whoever lives there: changes what Home Assistant has, over its WebSocket API, as its page does."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import websockets.asyncio.client

LIMIT_S = 120.0


class OwnerError(Exception):
    """Home Assistant refuses it."""


class Owner:
    """Sends commands, one after the other."""

    def __init__(self, connection: websockets.asyncio.client.ClientConnection) -> None:
        self._connection = connection
        self._number = 0
        self._events: deque[dict[str, Any]] = deque()

    async def command(self, kind: str, **more: Any) -> Any:
        """Return the result. Raise OwnerError, or TimeoutError."""
        async with asyncio.timeout(LIMIT_S):
            return await self._command(kind, **more)

    async def _command(self, kind: str, **more: Any) -> Any:
        self._number += 1
        await self._connection.send(msgspec.json.encode({"id": self._number, "type": kind, **more}), text=True)
        while True:
            told = msgspec.json.decode(await self._connection.recv())
            if told["type"] == "event":
                self._events.append(told["event"])
            elif told["id"] == self._number:
                if not told["success"]:
                    raise OwnerError(told["error"]["message"])
                return told["result"]

    async def event(self) -> dict[str, Any]:
        """Wait for the next event of what was subscribed to."""
        while not self._events:
            self._events.append(msgspec.json.decode(await self._connection.recv())["event"])
        return self._events.popleft()

    async def states(self) -> dict[str, dict[str, Any]]:
        """Return all entities with their states."""
        return {state["entity_id"]: state for state in await self.command("get_states")}

    async def state(self, entity: str) -> dict[str, Any]:
        """Return the state of one, with its attributes."""
        return (await self.states())[entity]

    async def call(self, service: str, entity: str, **data: Any) -> None:
        """Call a service."""
        domain, _, name = service.partition(".")
        target = {"entity_id": [entity]}
        await self.command("call_service", domain=domain, service=name, service_data=data, target=target)

    async def expose(self, *entities: str, exposed: bool = True) -> None:
        """Expose them to the voice assistant, or no longer."""
        if entities:
            await self.command(
                "homeassistant/expose_entity",
                assistants=["conversation"],
                entity_ids=list(entities),
                should_expose=exposed,
            )

    async def exposed(self) -> set[str]:
        """Return what is exposed."""
        told = (await self.command("homeassistant/expose_entity/list"))["exposed_entities"]
        return {entity for entity, to in told.items() if to.get("conversation")}

    async def device(self, entity: str, **changes: Any) -> None:
        """Rename the device of an entity (name_by_user), or put it into a room (area_id)."""
        about = await self.command("config/entity_registry/get_entries", entity_ids=[entity])
        await self.command("config/device_registry/update", device_id=about[entity]["device_id"], **changes)


@asynccontextmanager
async def owner_of(url: str, token: str) -> AsyncIterator[Owner]:
    """Come in as somebody with this token."""
    address = f"{url.replace('http', 'ws', 1)}/api/websocket"
    async with websockets.asyncio.client.connect(address, max_size=None, compression=None) as connection:
        async with asyncio.timeout(LIMIT_S):
            await connection.recv()
            await connection.send(msgspec.json.encode({"type": "auth", "access_token": token}), text=True)
            assert msgspec.json.decode(await connection.recv())["type"] == "auth_ok"
        yield Owner(connection)
