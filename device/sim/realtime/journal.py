"""Records what was sent and received, and when: for tests, benchmarks and the demo."""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Direction = Literal["received", "sent"]
Hook = Callable[["Entry"], None]
"""Called for every event when it is recorded; must not raise."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An event. `at`: time.monotonic() when it arrived, or when it was handed to the socket."""

    at: float
    session: str
    direction: Direction
    event: Mapping[str, Any]

    @property
    def type(self) -> str:
        """The event's type; empty when it has none."""
        return str(self.event.get("type", ""))


@dataclass(frozen=True, slots=True)
class Dialled:
    """A connection that was accepted. `headers` does not contain those with a key."""

    at: float
    session: str
    query: Mapping[str, str]
    headers: Mapping[str, str]


@dataclass(slots=True)
class Journal:
    """All entries, oldest first."""

    entries: list[Entry] = field(default_factory=list)
    connections: list[Dialled] = field(default_factory=list)
    hooks: list[Hook] = field(default_factory=list)
    _audio: dict[str, bytearray] = field(default_factory=dict)
    _waiters: list[tuple[Callable[[Entry], bool], asyncio.Future[Entry]]] = field(default_factory=list)

    def note(self, session: str, direction: Direction, event: Mapping[str, Any]) -> None:
        """Record an event that is sent or received now."""
        entry = Entry(time.monotonic(), session, direction, event)
        self.entries.append(entry)
        for hook in self.hooks:
            hook(entry)
        for wanted, future in list(self._waiters):
            if not future.done() and wanted(entry):
                future.set_result(entry)

    def note_audio(self, session: str, pcm: bytes) -> None:
        """Record audio (s16le at the session's input rate) that a client appended."""
        self._audio.setdefault(session, bytearray()).extend(pcm)

    def received(self, kind: str = "", session: str = "") -> list[Entry]:
        """Return client events: all, or those of a type or session."""
        return list(self._select("received", kind, session))

    def sent(self, kind: str = "", session: str = "") -> list[Entry]:
        """Return server events: all, or those of a type or session."""
        return list(self._select("sent", kind, session))

    def received_audio(self, session: str = "") -> bytes:
        """Return the audio that clients appended: of one session, or of all in the order in which they connected."""
        return b"".join(bytes(pcm) for name, pcm in self._audio.items() if session in ("", name))

    def sent_audio(self, session: str = "", item: str = "") -> bytes:
        """Return the audio of the answers as it was sent: all, or that of a session or item."""
        deltas = self.sent("response.output_audio.delta", session) + self.sent("response.audio.delta", session)
        return b"".join(base64.b64decode(e.event["delta"]) for e in deltas if item in ("", e.event["item_id"]))

    async def wait(self, wanted: Callable[[Entry], bool] | str, timeout_s: float = 10.0, since: int = 0) -> Entry:
        """Wait for the first entry from index `since` on that is `wanted` (a condition or an event type); return it.

        Raise TimeoutError.
        """
        condition = wanted if callable(wanted) else lambda entry: entry.type == wanted
        for entry in self.entries[since:]:
            if condition(entry):
                return entry
        future: asyncio.Future[Entry] = asyncio.get_running_loop().create_future()
        waiter = (condition, future)
        self._waiters.append(waiter)
        try:
            async with asyncio.timeout(timeout_s):
                return await future
        finally:
            self._waiters.remove(waiter)

    def clear(self) -> None:
        """Delete all records; the hooks stay."""
        self.entries.clear()
        self.connections.clear()
        self._audio.clear()

    def _select(self, direction: Direction, kind: str, session: str) -> Iterator[Entry]:
        for entry in self.entries:
            if entry.direction == direction and kind in ("", entry.type) and session in ("", entry.session):
                yield entry
