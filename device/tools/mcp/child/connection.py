"""One server: connected, listed, followed, called, and connected again when it is lost."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import mcp_types as types
import msgspec
from mcp import Client
from mcp.client.subscriptions import ListenNotSupportedError, SubscriptionLost
from mcp.shared.exceptions import MCPError

from device import __version__
from device.kit.backoff import Backoff
from device.tools.mcp import wire
from device.tools.mcp.child import transports
from device.tools.mcp.child.explaining import REFUSED, explained
from device.tools.mcp.child.listing import as_listed
from device.tools.mcp.child.results import text_of

CALL_LIMIT_S = 310.0
"""The house gives a call up before that."""
REFUSED_PAUSE_S = 300.0
"""After a token that was refused: Home Assistant bans an address that goes on trying."""
MOST_PAGES = 50
_SETTLE_S = 0.2
"""After a change of the list: several come together."""


class Connection:
    """Kept for as long as `run` runs, which never returns."""

    def __init__(self, endpoint: wire.Endpoint, tell: Callable[[wire.ToHouse], None], patience: wire.Begin) -> None:
        """`patience` says how often it is asked what it has, and how long it may take to say so."""
        self._endpoint = endpoint
        self._tell = tell
        self._patience = patience
        self._client: Client | None = None
        self._news = asyncio.Event()
        """Its list has changed, it is gone, or it may hang."""
        self._gone = False
        self._told: list[types.Tool] | None = None
        """What the house was told of last."""
        self._status = 0
        """Of its last answer over HTTP."""

    async def run(self) -> None:
        """Connect, follow, and connect again."""
        backoff = Backoff()
        while True:
            began = time.monotonic()
            try:
                await self._live()
                why, what_to_do = "it has ended the connection", "look at its log; it is connected again by itself"
            except Exception as error:  # noqa: BLE001 - the boundary: the library raises whatever its own libraries do
                why, what_to_do = explained(error, self._endpoint, self._status)
            self._told = None
            self._tell(wire.Lost(self._endpoint.name, why, what_to_do))
            pause_s = self._patience.pauses * backoff.pause_s(time.monotonic() - began)
            await asyncio.sleep(REFUSED_PAUSE_S if self._status in REFUSED else pause_s)

    async def call(self, call: wire.Call) -> wire.Done | wire.Failed:
        """Call a tool; never raises but when it is given up."""
        if (client := self._client) is None:
            return wire.Failed(call.number, "its server cannot be reached at the moment")
        try:
            result = await client.call_tool(call.tool, call.arguments, read_timeout_seconds=CALL_LIMIT_S)
            return wire.Done(call.number, text_of(result), bool(result.is_error))
        except MCPError as error:
            self._look()
            if self._status == 404:
                return wire.Failed(call.number, "not done: its server has been started anew; try once more")
            if error.error.code in (types.CONNECTION_CLOSED, types.REQUEST_TIMEOUT):
                return wire.Failed(call.number, "the connection was lost; whether it was done is not known")
            return wire.Done(call.number, error.error.message[: wire.LONGEST_TEXT], failed=True)
        except asyncio.CancelledError:
            self._look()
            raise
        except Exception as error:  # noqa: BLE001 - as in run
            self._look()
            why, _ = explained(error, self._endpoint, self._status)
            return wire.Failed(call.number, f"it did not work, and whether it was done is not known: {why}")

    # -- one connection

    async def _live(self) -> None:
        """Return when it has ended. Raise whatever the library does."""
        self._gone = False
        self._status = 0
        self._news.clear()
        me = types.Implementation(name="hearthside", version=__version__)
        # Neither a person nor a model can be asked anything by a server: no callbacks for that.
        client = Client(
            self._transport(),
            read_timeout_seconds=self._patience.answer_s,
            message_handler=self._heard,
            client_info=me,
            cache=None,
        )
        async with client:
            listening = asyncio.create_task(self._listen(client))
            try:
                await self._publish(client)
                self._client = None if self._gone else client
                while not self._gone:
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(self._patience.relist_s):
                            await self._news.wait()
                        await asyncio.sleep(0 if self._gone else _SETTLE_S)
                    self._news.clear()
                    if not self._gone:
                        await self._publish(client)
            finally:
                self._client = None
                listening.cancel()

    @contextlib.asynccontextmanager
    async def _transport(self) -> AsyncIterator[tuple[Any, Any]]:
        async with transports.open_transport(self._endpoint, self._note_status) as (reading, writing):
            yield transports.Noticing(reading, self._end), writing

    def _note_status(self, status: int) -> None:
        self._status = status

    def _end(self) -> None:
        self._gone = True
        # Whoever calls from now on is told that nothing was done.
        self._client = None
        self._news.set()

    def _look(self) -> None:
        """See whether it is still there."""
        self._news.set()

    async def _heard(self, message: Any) -> None:
        """A notification of a server that speaks a protocol of 2025 or before."""
        if isinstance(message, types.ToolListChangedNotification):
            self._look()

    async def _listen(self, client: Client) -> None:
        """Follow the list of a server that speaks a later one, as long as it lets us; all are asked now and then."""
        with contextlib.suppress(ListenNotSupportedError, SubscriptionLost, MCPError):
            async with client.listen(tools_list_changed=True) as changes:
                async for _ in changes:
                    self._look()

    async def _publish(self, client: Client) -> None:
        """Ask what it has, and tell the house when that is new."""
        tools = await _all(client)
        if tools != self._told:
            kept = await bearable(tools)
            self._tell(wire.Tools(self._endpoint.name, kept, client.protocol_version, len(tools) - len(kept)))
            self._told = tools


async def _all(client: Client) -> list[types.Tool]:
    """Return what is on its pages, as far as that is bearable."""
    listed: list[types.Tool] = []
    cursor: str | None = None
    for _ in range(MOST_PAGES):
        page = await client.list_tools(cursor=cursor)
        listed += page.tools
        cursor = page.next_cursor
        if cursor is None or len(listed) >= wire.MOST_LISTED:
            break
    return listed


async def bearable(tools: list[types.Tool]) -> tuple[wire.Listed, ...]:
    """Return those that fit into a line, as the house takes them."""
    kept: list[wire.Listed] = []
    size = 0
    for tool in tools[: wire.MOST_LISTED]:
        if len(tool.name) > wire.LONGEST_NAME:
            continue
        listed = as_listed(tool)
        size += len(msgspec.json.encode(listed))
        if size > wire.LARGEST_LIST:
            break
        kept.append(listed)
        # A schema may take a while, and the house asks whether this process lives.
        await asyncio.sleep(0)
    return tuple(kept)
