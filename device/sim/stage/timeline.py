"""Records facts, orders, status and wake scores of a running device with their times, for scenarios and pictures."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

from device.core.actions import Action
from device.core.events import Event
from device.core.status import Phase, Status
from device.errors import HearthsideError

Fact = TypeVar("Fact")


class ScenarioError(HearthsideError):
    """Something that a scenario waits for did not happen."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A fact or order, with the status after it; `at` is in seconds of `time.monotonic`."""

    at: float
    what: Event | Action
    status: Status


Listener = Callable[[Entry], None]


class Timeline:
    """Pass `observe` to the controller, `note_scores` to the wake worker; then read the entries, or wait for them."""

    def __init__(self) -> None:
        self.began = time.monotonic()
        self.entries: list[Entry] = []
        self.scores: list[tuple[float, float]] = []
        """Pairs of time and the highest score of all words."""
        self.listeners: list[Listener] = []
        self._news = asyncio.Event()

    def observe(self, what: Event | Action, status: Status) -> None:
        """Record a fact or an order. An observer of the controller."""
        entry = Entry(time.monotonic(), what, status)
        self.entries.append(entry)
        self._news.set()
        for listener in self.listeners:
            listener(entry)

    def note_scores(self, scores: Mapping[str, float]) -> None:
        """Record the newest wake scores."""
        self.scores.append((time.monotonic(), max(scores.values(), default=0.0)))

    def all(self, kind: type[Fact], since: float = 0.0) -> list[Fact]:
        """Return every fact or order of a kind since the time `since`."""
        return [entry.what for entry in self.entries if entry.at >= since and isinstance(entry.what, kind)]

    def phases(self) -> Iterator[tuple[float, Phase, bool]]:
        """Yield the time of each change of phase or gate, with both after it."""
        last: tuple[Phase, bool] | None = None
        for entry in self.entries:
            now = (entry.status.phase, entry.status.gate_open)
            if now != last:
                yield entry.at, *now
                last = now

    async def until(self, kind: type[Fact], since: float, limit_s: float, name: str = "") -> Fact:
        """Wait until a fact or order of `kind` has happened after `since`; return it. Raise ScenarioError."""
        return await self._wait(lambda: next(iter(self.all(kind, since)), None), limit_s, name or kind.__name__)

    async def until_phase(self, phase: Phase, limit_s: float) -> None:
        """Wait until the device is in `phase`. Raise ScenarioError."""
        await self._wait(lambda: (self._phase() is phase) or None, limit_s, f"phase {phase.value}")

    def _phase(self) -> Phase:
        return self.entries[-1].status.phase if self.entries else Phase.IDLE

    async def _wait(self, look: Callable[[], Fact | None], limit_s: float, name: str) -> Fact:
        try:
            async with asyncio.timeout(limit_s):
                while (found := look()) is None:
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError as error:
            raise ScenarioError(f"{name} did not happen within {limit_s:g} s") from error
        return found
