"""Follows how the house is doing as a whole, and tells whoever wants to know when it changes."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from device.core.health import Health
from device.core.report import Report
from device.core.standing import State, Watch
from device.core.status import Status
from device.errors import where
from device.service import journal
from device.units import Ms, ms_from_seconds

log = logging.getLogger(__name__)

LONGEST_S = 8.0
"""How often it is told at least; readers of the file are promised 10 s."""
DEAF_S = 1.0
"""How often is looked for sound where there was none: nothing tells that the first has been scored."""


@dataclass(frozen=True, slots=True)
class Sources:
    """What is asked; must be quick."""

    status: Callable[[], Status]
    parts: Callable[[], tuple[Health, ...]]
    scored_frames: Callable[[], int]


Tell = Callable[[Report], None]


class StandingWatch:
    """Looks whenever something has happened, and else every few seconds."""

    def __init__(self, sources: Sources, clock: Callable[[], float] = time.monotonic) -> None:
        self.listeners: list[Tell] = []
        """Told of each change, and every LONGEST_S without one."""
        self._task: asyncio.Task[None] | None = None
        self.sources = sources
        self._clock = clock
        self._watch = Watch(self._now())
        self._news = asyncio.Event()
        self._told: Report | None = None
        self._told_at = 0.0

    def observe(self, what: object, status: object) -> None:
        """An observer of the controller: something has happened."""
        self._news.set()

    def report(self) -> Report:
        """Return how the house is doing now."""
        sources = self.sources
        status, frames = sources.status(), sources.scored_frames()
        parts = tuple(map(_presentable, sources.parts()))
        return Report(self._watch.look(status, parts, frames, self._now()), status, parts, frames)

    def start(self) -> None:
        """Begin to look and to tell. Harmless when it does already."""
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="standing")

    def close(self) -> None:
        """Look no more."""
        if self._task is not None:
            self._task.cancel()

    async def _run(self) -> None:
        while True:
            self._news.clear()
            self._look()
            try:
                async with asyncio.timeout(LONGEST_S if self._hears else DEAF_S):
                    await self._news.wait()
            except TimeoutError:
                continue

    @property
    def _hears(self) -> bool:
        return self._watch.standing.state not in (State.STARTING, State.DEAF)

    def _look(self) -> None:
        report, now = self.report(), self._clock()
        if self._told is not None and report.is_like(self._told) and now - self._told_at < LONGEST_S:
            return
        self._told, self._told_at = report, now
        for tell in self.listeners:
            try:
                tell(report)
            except Exception as error:  # noqa: BLE001 - one that raises must not keep the others from knowing
                log.error("who is told of the house's standing failed: %s", where(error))

    def _now(self) -> Ms:
        return ms_from_seconds(self._clock())


def _presentable(part: Health) -> Health:
    """Return what may be shown: reasons quote what servers say, which may be long, and show a part of a key."""
    return replace(part, why=journal.masked(part.why)[: journal.LONGEST]) if part.why else part


def since_1970(moment: Ms) -> float:
    """Return a moment of the monotonic clock as seconds since 1970, by the wall clock as it goes now.

    Asked anew each time: at boot the wall clock may be wrong by months, and is put right.
    """
    return round(time.time() - (time.monotonic() - moment / 1000), 1)
