"""The link to Home Assistant: keeps what is known of it current, connects anew when it is lost, and calls services."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

from msgspec import Raw

from device.core.events import Way
from device.core.health import Health, unwell, well
from device.errors import ToolError
from device.kit.backoff import Backoff
from device.kit.outsiders import LONGEST_SENTENCE, one_line
from device.kit.threads import Threads
from device.ports.home import Call, Rules, Thing
from device.secrets import Secret
from device.tools.home.listing import chosen
from device.tools.homeassistant.connection import (
    ANSWER_LIMIT_S,
    CHECK,
    CommandError,
    Connection,
    LinkError,
    connect,
    decoded,
)
from device.tools.homeassistant.messages import (
    Area,
    Config,
    Conversation,
    Device,
    Event,
    Exposed,
    Floor,
    Known,
    Registered,
)
from device.tools.homeassistant.registries import NAME, Entry, Things, entries_of, of_speakers, places_of
from device.tools.homeassistant.settings import HomeAssistant
from device.units import Ms, ms_from_seconds

log = logging.getLogger(__name__)

SETTLE_S = 2.0
"""After a change in the registries: several come together."""
LOOK_S = 1.0
"""While Home Assistant starts: between two looks whether it has."""
START_LIMIT_S = 180.0
"""Then what it has is used: it is an integration for which it waits."""
AGAIN_S = 900.0
"""Nobody tells when something that the registries do not know (a scene from a file) is no longer exposed."""
_AT_ONCE = 200
"""Entries of the registry: what they say is long, and most of it is dropped."""
_REGISTRIES = ("entity_registry_updated", "area_registry_updated", "device_registry_updated", "floor_registry_updated")

Result = TypeVar("Result")


class Link:
    """Keeps `things` current for as long as `run` runs, and calls services."""

    def __init__(self, settings: HomeAssistant, token: Secret, clock: Callable[[], float] = time.monotonic) -> None:
        self.name = NAME
        self.rules = Rules(
            settings.area,
            Way(settings.confirm) if settings.confirm else None,
            settings.confirm_for,
            "tools.home_assistant.confirm",
        )
        self.things = Things()
        self._settings = settings
        self._token = token
        self._clock = clock
        self._threads = Threads("home assistant")
        self._connection: Connection | None = None
        """One over which what is known is current."""
        self._stale = asyncio.Event()
        self._backoff = Backoff()
        # No fault before it has been tried.
        self._health = Health("home assistant", ok=True, since=self._now(), why="connecting")

    def health(self) -> tuple[Health, ...]:
        """Return whether it is connected."""
        return (self._health,)

    @property
    def is_connected(self) -> bool:
        """Say whether what is known is current."""
        return self._connection is not None

    async def run(self) -> None:
        """Connect, listen, and connect again; never returns."""
        while True:
            began = self._clock()
            try:
                await self._live()
            except LinkError as error:
                self._lose(error)
                await asyncio.sleep(max(error.pause_s, self._backoff.pause_s(self._clock() - began)))

    async def call(self, things: tuple[Thing, ...], call: Call) -> tuple[Thing, ...]:
        """Call a service for things, and wait until it is done: all have answered then. Raise ToolError."""
        target = {"entity_id": [thing.id for thing in things]}
        about = {"domain": call.domain, "service": call.service, "service_data": call.data}
        await self._ask(Raw, "call_service", **about, target=target)
        return ()

    async def converse(self, text: str) -> str:
        """Pass a sentence to its conversation agent; return what that says. Raise ToolError."""
        said = await self._ask(Conversation, "conversation/process", text=text)
        return one_line(said.response.speech.plain.speech, LONGEST_SENTENCE) or "Done"

    async def _ask(self, result: type[Result], kind: str, **more: Any) -> Result:
        """Send a command; return its result. Raise ToolError with a sentence for the model."""
        if self._connection is None:
            raise ToolError(f"Home Assistant cannot be reached: {self._health.why}")
        try:
            return await self._connection.command(result, kind, **more)
        except CommandError as error:
            raise ToolError(f"Home Assistant refused it: {error}") from error
        except TimeoutError as error:
            raise ToolError("Home Assistant does not answer; whether it was done is not known") from error
        except LinkError as error:
            raise ToolError("the connection to Home Assistant was lost; whether it was done is not known") from error

    # -- one connection

    async def _live(self) -> None:
        """Connect, keep what is known current, and raise LinkError at the end."""
        connection = await connect(self._settings.url, self._token, self._threads)
        reader = asyncio.create_task(connection.read(), name="home assistant reader")
        loader = asyncio.create_task(self._load(connection), name="home assistant loader")
        try:
            done, _ = await asyncio.wait({reader, loader}, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                await task
        except TimeoutError:
            raise LinkError("Home Assistant does not answer") from None
        except CommandError as error:
            raise LinkError(f"Home Assistant refused to tell what it has: {error}", _advice(error)) from error
        finally:
            self._connection = None
            for task in (reader, loader):
                task.cancel()
            await asyncio.gather(reader, loader, return_exceptions=True)
            await connection.close()

    async def _load(self, connection: Connection) -> None:
        """Learn what there is, and anew whenever that may have changed; ends only by raising."""
        for event in _REGISTRIES:
            with contextlib.suppress(CommandError):
                await connection.subscribe("subscribe_events", lambda event: self._stale.set(), event_type=event)
        await self._wait_until_started(connection)
        entities: int | None = None
        while True:
            self._stale.clear()
            before, entities = entities, await self._learn(connection)
            if before is not None:
                await connection.unsubscribe(before)
            self._note_connected(connection)
            await self._wait_until_stale()

    async def _wait_until_started(self, connection: Connection) -> None:
        """One that has only just been started answers, and has not all of its things yet."""
        latest = self._clock() + START_LIMIT_S
        while (await connection.command(Config, "get_config")).state != "RUNNING" and self._clock() < latest:
            self._lose(LinkError("Home Assistant is starting", "wait a minute"))
            await asyncio.sleep(LOOK_S)

    async def _wait_until_stale(self) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stale.wait(), AGAIN_S)
            await asyncio.sleep(SETTLE_S)

    async def _learn(self, connection: Connection) -> int | None:
        """Read the registries, and subscribe to what may be used; return the number of the subscription."""
        candidates = await self._candidates(connection)
        entries, speakers = await self._entries(connection, candidates)
        rooms = {entity: entry.place.id for entity, entry in entries.items() if entry.place is not None}
        allowed = chosen(candidates, self._settings.allow, self._settings.deny, rooms)
        usable = [entity for entity in allowed if entity not in speakers]
        things = Things({entity: entries[entity] for entity in usable if entity in entries})
        if not usable:
            # Without a list Home Assistant would tell of everything.
            self.things = things
            return None
        told = asyncio.Event()

        def take(event: Raw) -> None:
            # The first event tells of all of them; until then what was known before still holds.
            things.apply(decoded(event, Event))
            if not told.is_set():
                self.things = things
                told.set()

        number = await connection.subscribe("subscribe_entities", take, entity_ids=usable)
        async with asyncio.timeout(ANSWER_LIMIT_S):
            await told.wait()
        return number

    async def _candidates(self, connection: Connection) -> list[str]:
        if self._settings.exposed_only:
            told = await connection.command(Exposed, "homeassistant/expose_entity/list")
            return sorted(entity for entity, to in told.exposed_entities.items() if to.conversation)
        return sorted(known.entity_id for known in await connection.command(list[Known], "get_states"))

    async def _entries(self, connection: Connection, entities: list[str]) -> tuple[dict[str, Entry], frozenset[str]]:
        """Return what is known of them, and which of them are parts of speakers."""
        areas = await connection.command(list[Area], "config/area_registry/list")
        floors = await connection.command(list[Floor], "config/floor_registry/list")
        devices = await connection.command(list[Device], "config/device_registry/list")
        known: dict[str, Registered | None] = {}
        for at in range(0, len(entities), _AT_ONCE):
            some = entities[at : at + _AT_ONCE]
            kind = "config/entity_registry/get_entries"
            known |= await connection.command(dict[str, Registered | None], kind, entity_ids=some)
        return entries_of(known, devices, places_of(areas, floors)), of_speakers(known, devices)

    def _note_connected(self, connection: Connection) -> None:
        if self._connection is None:
            log.info("Home Assistant is connected: %d things can be used", len(self.things))
        self._connection = connection
        # Whatever ends it now, it was there: it is looked for again soon.
        self._backoff = Backoff()
        self._health = replace(well(self._health, self._now()), why="", what_to_do="")

    def _lose(self, error: LinkError) -> None:
        if self._health.ok or self._health.why != str(error):
            log.warning("Home Assistant: %s", error)
        self._health = unwell(self._health, str(error), error.advice, self._now())

    def _now(self) -> Ms:
        return ms_from_seconds(self._clock())


def _advice(error: CommandError) -> str:
    if error.code != "unauthorized":
        return CHECK
    return "the token must be that of an administrator, or set tools.home_assistant.exposed_only = false, and `allow`"
