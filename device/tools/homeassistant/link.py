"""The connection to Home Assistant: one WebSocket, opened anew when it is lost. The only file here with I/O.

Not hass-client: it needs aiohttp, and the two take 11 MB when they are imported, more than all that is kept of a house
of 2,000 things; the daemon has a WebSocket library already. The protocol is in Home Assistant's developer
documentation, "WebSocket API".
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import msgspec

from device.core.events import Way
from device.core.health import Health, unwell, well
from device.errors import HearthsideError, ToolError
from device.kit import dial
from device.kit.backoff import Backoff
from device.kit.outsiders import LONGEST_SENTENCE, one_line
from device.kit.threads import Threads
from device.ports.home import Call, Rules, Thing
from device.secrets import Secret
from device.tools.home.listing import chosen
from device.tools.homeassistant.address import socket_url
from device.tools.homeassistant.registries import NAME, Things, entries_of, places_of
from device.tools.homeassistant.settings import HomeAssistant
from device.units import Ms, ms_from_seconds

log = logging.getLogger(__name__)

ANSWER_LIMIT_S = 8.0
"""What a service may take: a slow radio's light answers within this."""
CONNECT_LIMIT_S = 10.0
_LARGEST_MESSAGE = 32 * 1024 * 1024
_PING_S = 20.0
_SETTLE_S = 2.0
"""After a change in the registries: several come together."""
_CLOSE_S = 0.5
REFUSED_PAUSE_S = 300.0
"""After a token that was refused: Home Assistant bans an address that goes on trying."""
_REGISTRIES = ("entity_registry_updated", "area_registry_updated", "device_registry_updated", "floor_registry_updated")

_CHECK = "check the network, and tools.home_assistant.url; it is tried again by itself"
_TOKEN = "make a new token there (profile, Security), and give it with `hearthside setup` or as home_assistant_token"


class LinkError(HearthsideError):
    """Home Assistant cannot be reached, or does not let this device in."""

    def __init__(self, message: str, advice: str = _CHECK, pause_s: float = 0.0) -> None:
        super().__init__(message)
        self.advice = advice
        self.pause_s = pause_s


class CommandError(HearthsideError):
    """Home Assistant did not do what it was asked."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


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
        self._connection: Any = None
        self._number = 0
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._listening: dict[int, Callable[[Mapping[str, Any]], None]] = {}
        self._stale = asyncio.Event()
        self._health = Health("home assistant", ok=False, since=self._now(), why="not connected yet", what_to_do=_CHECK)

    def health(self) -> tuple[Health, ...]:
        """Return whether it is connected."""
        return (self._health,)

    @property
    def is_connected(self) -> bool:
        """Say whether what is known is current."""
        return self._health.ok

    async def run(self) -> None:
        """Connect, listen, and connect again; never returns."""
        backoff = Backoff()
        while True:
            began = self._clock()
            try:
                await self._live()
            except LinkError as error:
                self._lose(error)
                await asyncio.sleep(max(error.pause_s, backoff.pause_s(self._clock() - began)))

    async def call(self, things: tuple[Thing, ...], call: Call) -> tuple[Thing, ...]:
        """Call a service for things, and wait until it is done: all have answered then. Raise ToolError."""
        target = {"entity_id": [thing.id for thing in things]}
        await self.ask("call_service", domain=call.domain, service=call.service, service_data=call.data, target=target)
        return ()

    async def converse(self, text: str) -> str:
        """Pass a sentence to its conversation agent; return what that says. Raise ToolError."""
        said = await self.ask("conversation/process", text=text)
        try:
            return one_line(said["response"]["speech"]["plain"]["speech"], LONGEST_SENTENCE)
        except (KeyError, TypeError):
            return "Done"

    async def ask(self, kind: str, **more: Any) -> Any:
        """Send a command; return its result. Raise ToolError with a sentence for the model."""
        if not self.is_connected:
            raise ToolError(f"Home Assistant cannot be reached: {self._health.why}")
        try:
            return await self._command(kind, **more)
        except CommandError as error:
            raise ToolError(f"Home Assistant refused it: {error}") from error
        except TimeoutError as error:
            raise ToolError("Home Assistant does not answer; whether it was done is not known") from error
        except LinkError as error:
            raise ToolError("the connection to Home Assistant was lost; whether it was done is not known") from error

    # -- one connection

    async def _live(self) -> None:
        """Connect, keep what is known current, and raise LinkError at the end."""
        self._connection = await self._open()
        reader = asyncio.create_task(self._read(), name="home assistant reader")
        loader = asyncio.create_task(self._load(), name="home assistant loader")
        try:
            done, _ = await asyncio.wait({reader, loader}, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                await task
        except TimeoutError:
            raise LinkError("Home Assistant does not answer") from None
        except CommandError as error:
            raise LinkError(f"Home Assistant refused to tell what it has: {error}", _advice(error)) from error
        finally:
            for task in (reader, loader):
                task.cancel()
            await asyncio.gather(reader, loader, return_exceptions=True)
            self._fail_waiting()
            await self._hang_up()

    async def _open(self) -> Any:
        import websockets.asyncio.client
        import websockets.exceptions

        url = socket_url(self._settings.url)
        try:
            async with asyncio.timeout(CONNECT_LIMIT_S):
                options = await self._way_there(url)
                connection = await websockets.asyncio.client.connect(
                    url,
                    compression=None,
                    max_size=_LARGEST_MESSAGE,
                    ping_interval=_PING_S,
                    ping_timeout=_PING_S,
                    open_timeout=None,
                    close_timeout=_CLOSE_S,
                    proxy=None,
                    logger=_quiet_logger(),
                    **options,
                )
                await self._let_in(connection)
        except TimeoutError:
            raise LinkError(f"{urlsplit(url).hostname} does not answer") from None
        except (OSError, websockets.exceptions.WebSocketException) as error:
            raise LinkError(f"{urlsplit(url).hostname} cannot be reached: {_cause(error)}") from error
        return connection

    async def _way_there(self, url: str) -> dict[str, Any]:
        """Return the options of the connection: a socket, looked up in a thread, and TLS where it is wanted."""
        parts = urlsplit(url)
        secure = parts.scheme == "wss"
        host = parts.hostname or ""
        try:
            reached = await dial.reach(self._threads, host, parts.port or (443 if secure else 80), must_stay=not secure)
        except dial.OutsideError as error:
            raise LinkError(f"{error}, and the token would go there unencrypted; use https://") from None
        options: dict[str, Any] = {"sock": reached}
        if secure:
            options["ssl"] = await self._threads.call(ssl.create_default_context)
        return options

    async def _let_in(self, connection: Any) -> None:
        await connection.recv()
        await connection.send(msgspec.json.encode({"type": "auth", "access_token": self._token.reveal()}), text=True)
        answer = _decoded(await connection.recv())
        if answer.get("type") != "auth_ok":
            await connection.close()
            raise LinkError("Home Assistant refuses this device's token", _TOKEN, REFUSED_PAUSE_S)

    async def _hang_up(self) -> None:
        connection, self._connection = self._connection, None
        with contextlib.suppress(OSError, TimeoutError):
            await connection.close()

    async def _read(self) -> None:
        import websockets.exceptions

        try:
            async for message in self._connection:
                self._take(_decoded(message))
        except (OSError, websockets.exceptions.WebSocketException) as error:
            raise LinkError(f"the connection was lost: {_cause(error)}") from error
        raise LinkError("Home Assistant has closed the connection")

    def _take(self, message: Mapping[str, Any]) -> None:
        number = message.get("id")
        if not isinstance(number, int):
            return
        if message.get("type") == "event":
            listener, event = self._listening.get(number), message.get("event")
            if listener is not None and isinstance(event, dict):
                listener(event)
        elif (answer := self._waiting.get(number)) is not None and not answer.done():
            answer.set_result(message)

    async def _command(self, kind: str, **more: Any) -> Any:
        """Raise CommandError, LinkError or TimeoutError."""
        self._number += 1
        return await self._exchange(self._number, {"type": kind, **more})

    async def _exchange(self, number: int, command: Mapping[str, Any]) -> Any:
        import websockets.exceptions

        answer = self._waiting[number] = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(ANSWER_LIMIT_S):
                await self._connection.send(msgspec.json.encode({"id": number, **command}), text=True)
                told = await answer
        except TimeoutError:
            # An OSError, too.
            raise
        except (OSError, websockets.exceptions.WebSocketException, AttributeError) as error:
            raise LinkError("the connection was lost") from error
        finally:
            del self._waiting[number]
        if not told.get("success"):
            why = told.get("error")
            about = why if isinstance(why, dict) else {}
            raise CommandError(str(about.get("code")), one_line(about.get("message") or "without a reason"))
        return told.get("result")

    async def _subscribe(self, kind: str, listener: Callable[[Mapping[str, Any]], None], **more: Any) -> int:
        self._number += 1
        number = self._number
        self._listening[number] = listener
        await self._exchange(number, {"type": kind, **more})
        return number

    def _fail_waiting(self) -> None:
        self._listening.clear()
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(LinkError("the connection was lost"))

    # -- what it has

    async def _load(self) -> None:
        """Learn what there is, and anew whenever the registries change; ends only by raising."""
        for event in _REGISTRIES:
            with contextlib.suppress(CommandError):
                # Who is no administrator is not told of these.
                await self._subscribe("subscribe_events", lambda event: self._stale.set(), event_type=event)
        entities: int | None = None
        while True:
            self._stale.clear()
            before, entities = entities, await self._learn()
            if before is not None:
                self._listening.pop(before, None)
                await self._command("unsubscribe_events", subscription=before)
            if not self._health.ok:
                log.info("Home Assistant is connected: %d things can be used", len(self.things))
            self._health = well(self._health, self._now())
            await self._stale.wait()
            await asyncio.sleep(_SETTLE_S)

    async def _learn(self) -> int | None:
        """Read the registries, and subscribe to what may be used; return the number of the subscription."""
        areas = _tables(await self._command("config/area_registry/list"))
        floors = _tables(await self._command("config/floor_registry/list"))
        devices = _tables(await self._command("config/device_registry/list"))
        candidates = await self._candidates()
        known = await self._command("config/entity_registry/get_entries", entity_ids=candidates) if candidates else {}
        entries = entries_of(known if isinstance(known, dict) else {}, devices, places_of(areas, floors))
        rooms = {entity: entry.place.id for entity, entry in entries.items() if entry.place is not None}
        usable = chosen(candidates, self._settings.allow, self._settings.deny, rooms)
        things = Things({entity: entries[entity] for entity in usable if entity in entries})
        if not usable:
            # Without a list Home Assistant would tell of everything.
            self.things = things
            return None

        def take(event: Mapping[str, Any]) -> None:
            # The first event tells of all of them; until then what was known before still holds.
            things.apply(event)
            self.things = things

        return await self._subscribe("subscribe_entities", take, entity_ids=usable)

    async def _candidates(self) -> list[str]:
        if self._settings.exposed_only:
            told = await self._command("homeassistant/expose_entity/list")
            exposed = told.get("exposed_entities", {}) if isinstance(told, dict) else {}
            return sorted(entity for entity, to in exposed.items() if isinstance(to, dict) and to.get("conversation"))
        return sorted(str(state.get("entity_id")) for state in _tables(await self._command("get_states")))

    def _lose(self, error: LinkError) -> None:
        if self._health.ok or self._health.why != str(error):
            log.warning("Home Assistant: %s", error)
        self._health = unwell(self._health, str(error), error.advice, self._now())

    def _now(self) -> Ms:
        return ms_from_seconds(self._clock())


def _advice(error: CommandError) -> str:
    if error.code != "unauthorized":
        return _CHECK
    return "the token must be that of an administrator, or set tools.home_assistant.exposed_only = false, and `allow`"


def _cause(error: Exception) -> str:
    """Return why, without what the library quotes of a message."""
    return error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__


def _decoded(message: str | bytes) -> Mapping[str, Any]:
    """Understand a message. Raise LinkError."""
    try:
        found = msgspec.json.decode(message)
    except (ValueError, RecursionError) as error:
        raise LinkError("what answers there is not Home Assistant") from error
    return found if isinstance(found, dict) else {}


def _tables(told: object) -> list[Mapping[str, Any]]:
    return [entry for entry in told if isinstance(entry, dict)] if isinstance(told, list) else []


def _quiet_logger() -> logging.Logger:
    """Return a logger without the library's debug lines, which hold the token."""
    logger = logging.getLogger(f"{__name__}.websockets")
    logger.setLevel(logging.INFO)
    return logger
