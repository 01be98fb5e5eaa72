"""Taking the house down: two stacks, of which the one that keeps people safe comes first."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Self

from device.errors import HearthsideError, where

log = logging.getLogger(__name__)

Close = Callable[[], Awaitable[None] | None]
"""Closes a part: at once, or by something to be awaited."""

# SIGTERM to exit within 2 s, whatever hangs: what a part gets, what all get together, and what the last one gets yet.
LIMIT_S = 0.35
ALL_S = 1.6
LEAST_S = 0.05


@dataclass(frozen=True, slots=True)
class _Part:
    name: str
    close: Close


class Closing:
    """An async context manager that closes every part that was added to it, whatever the others do.

    A part that hangs is left behind when its time is over, and one that raises is logged.
    """

    def __init__(self) -> None:
        self._safety: list[_Part] = []
        self._rest: list[_Part] = []
        self._until = float("inf")

    def add_safety(self, name: str, close: Close) -> None:
        """Close this before all that is not safety, in the order in which it was added."""
        self._safety.append(_Part(name, close))

    def add(self, name: str, close: Close) -> None:
        """Close this when what was added later is closed."""
        self._rest.append(_Part(name, close))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._until = asyncio.get_running_loop().time() + ALL_S
        try:
            await self._close_all()
        finally:
            # Who is cancelled in the middle of it closes the others all the same.
            await self._close_all()

    async def _close_all(self) -> None:
        while self._safety:
            await self._close(self._safety.pop(0))
        while self._rest:
            await self._close(self._rest.pop())

    async def _close(self, part: _Part) -> None:
        # In a task of its own even a part that takes no notice of being cancelled keeps nobody waiting.
        closing = asyncio.create_task(_closed(part), name=f"closing {part.name}")
        left_s = self._until - asyncio.get_running_loop().time()
        await asyncio.wait({closing}, timeout=max(LEAST_S, min(LIMIT_S, left_s)))
        if not closing.done():
            closing.cancel()
            log.warning("closing the %s took too long; it is left to the system", part.name)
        elif not closing.cancelled() and (error := closing.exception()):
            log.warning("closing the %s: %s", part.name, error if isinstance(error, HearthsideError) else where(error))


async def _closed(part: _Part) -> None:
    closing = part.close()
    if closing is not None:
        await closing
