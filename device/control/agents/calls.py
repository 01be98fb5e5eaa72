"""Carries an agent's call to the daemon, over the control socket; what comes of it is told, never raised."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from device.control import client
from device.control.agents.allowance import MOST_AT_ONCE, Allowance
from device.control.agents.offers import Offer, Table, find
from device.control.agents.settings import McpServer
from device.errors import HearthsideError
from device.kit.threads import Threads
from device.units import ms_from_seconds

log = logging.getLogger(__name__)

PATIENCE_S = 120.0
"""How long a speech may take. A conversation, an alarm and other announcements may come before it."""

_STILL_SAID = "nobody was quiet for 2 minutes: it is said as soon as somebody is"
_WITHDRAWN = "not answered within 2 minutes: the question is withdrawn"


@dataclass(frozen=True, slots=True)
class Told:
    """What an agent is told."""

    text: str
    facts: Table | None = None
    """The same for programs; None when it was not done."""

    @property
    def failed(self) -> bool:
        """Whether it was not done."""
        return self.facts is None


class Calls:
    """One for all agents of this process."""

    def __init__(self, settings: McpServer, patience_s: float = PATIENCE_S) -> None:
        """Raise ThreadError."""
        self._speeches = Allowance("speeches", settings.speeches_per_minute)
        self._orders = Allowance("orders", settings.orders_per_minute)
        # Never more calls than threads.
        self._threads = Threads("calls of agents", 2 * MOST_AT_ONCE)
        self._patience_s = patience_s

    async def call(self, name: str, arguments: Mapping[str, Any]) -> Told:
        """Do what a tool is for. When the wait is cancelled, a question is withdrawn."""
        try:
            offer = find(name)
            order = offer.order_of(arguments)
        except HearthsideError as error:
            return Told(str(error))
        allowance = self._speeches if offer.speaks else self._orders
        if refusal := allowance.begin(ms_from_seconds(time.monotonic())):
            return Told(refusal)
        try:
            return await self._told(offer, order)
        finally:
            allowance.end()

    async def _told(self, offer: Offer, order: Table) -> Told:
        began = time.monotonic()
        try:
            result = await self._result(order, self._patience_s if offer.speaks else None)
        except TimeoutError:
            told = Told(_WITHDRAWN if order["do"] == "ask" else _STILL_SAID)
        except HearthsideError as error:
            told = Told(str(error))
        else:
            told = Told(offer.told(result), offer.facts(result))
        outcome = "was not done" if told.failed else "was done"
        log.info("an agent's %s %s after %.1f s", offer.name, outcome, time.monotonic() - began)
        return told

    async def _result(self, order: Table, limit_s: float | None) -> Table:
        """Return the daemon's answer. Raise ControlError, or TimeoutError after `limit_s` (None: the client's own)."""
        line = client.Line(client.PATIENCE_S if limit_s is None else None)
        try:
            async with asyncio.timeout(limit_s):
                return await self._threads.call(line.ask, order)
        finally:
            # Whoever waits no more is heard no more: the daemon withdraws the question.
            line.hang_up()
