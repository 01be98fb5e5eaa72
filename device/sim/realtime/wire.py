"""The server's side of one WebSocket: sends events, records them in the journal, and causes the script's faults."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from device.sim.realtime.items import new_id
from device.sim.realtime.journal import Journal
from device.sim.realtime.script import AfterEvent, AfterReplyAudio, Close, Drop, Fault, Script, Send, Stall

_BETA_NAMES = {
    "response.output_audio.delta": "response.audio.delta",
    "response.output_audio.done": "response.audio.done",
    "response.output_audio_transcript.delta": "response.audio_transcript.delta",
    "response.output_audio_transcript.done": "response.audio_transcript.done",
    "response.output_text.delta": "response.text.delta",
    "response.output_text.done": "response.text.done",
    "conversation.item.added": "conversation.item.created",
}
_NOT_IN_BETA = "conversation.item.done"


class Socket(Protocol):
    """The server's side of a WebSocket (aiohttp's)."""

    @property
    def closed(self) -> bool:
        """Whether it is closed."""

    async def send_str(self, data: str) -> None:
        """Send a text frame. Raise ConnectionError."""

    async def close(self, *, code: int, message: bytes) -> bool:
        """Close with a code and a reason."""


class FaultBook:
    """Counts how often each fault has happened, over all connections of a server."""

    def __init__(self) -> None:
        self._happened: Counter[Fault] = Counter()

    def due(self, script: Script, matches: Callable[[AfterEvent | AfterReplyAudio], bool]) -> list[Fault]:
        """Return the faults that must happen now, and count them."""
        due = [
            fault
            for fault in script.faults
            if matches(fault.when) and (fault.times is None or self._happened[fault] < fault.times)
        ]
        self._happened.update(due)
        return due


class Wire:
    """Sends events. After the connection is gone they are dropped."""

    def __init__(
        self,
        socket: Socket,
        transport: asyncio.Transport | None,
        session: str,
        journal: Journal,
        script: Callable[[], Script],
        faults: FaultBook,
    ) -> None:
        self.session = session
        self.journal = journal
        self._socket = socket
        self._transport = transport
        self._script = script
        self._faults = faults
        self._sent: Counter[str] = Counter()
        self.gone = False
        self._silent = False

    @property
    def script(self) -> Script:
        """The present script of the server."""
        return self._script()

    async def emit(self, kind: str, **fields: Any) -> None:
        """Send an event of type `kind`, then cause the script's faults after it."""
        if self._silent or (self.script.beta_names and kind == _NOT_IN_BETA):
            return
        name = _BETA_NAMES.get(kind, kind) if self.script.beta_names else kind
        await self._send_event({"type": name, "event_id": new_id("event"), **fields})
        self._sent[kind] += 1
        now = AfterEvent(kind, self._sent[kind])
        await self._strike(lambda when: when == now)

    async def reply_audio_sent(self, before_ms: float, after_ms: float) -> None:
        """Note that more audio of an item was sent, and cause the script's faults at that length."""
        await self._strike(lambda when: isinstance(when, AfterReplyAudio) and before_ms < when.ms <= after_ms)

    async def close(self, code: int, reason: str) -> None:
        """Close with a closing handshake, and send nothing more."""
        self.gone = self._silent = True
        await self._socket.close(code=code, message=reason.encode())

    def abort(self) -> None:
        """Cut the connection."""
        self.gone = self._silent = True
        if self._transport is not None:
            self._transport.abort()

    async def _strike(self, matches: Callable[[AfterEvent | AfterReplyAudio], bool]) -> None:
        for fault in self._faults.due(self.script, matches):
            await self._do(fault)

    async def _do(self, fault: Fault) -> None:
        match fault.do:
            case Drop():
                self.abort()
            case Close(code, reason):
                await self.close(code, reason)
            case Send():
                await self._send_as_it_is(fault.do.message)
            case Stall():
                self._silent = True

    async def _send_as_it_is(self, message: Mapping[str, Any] | str) -> None:
        if isinstance(message, str):
            await self._send_text(message)
        else:
            await self._send_event({"event_id": new_id("event"), **message})

    async def _send_event(self, event: dict[str, Any]) -> None:
        self.journal.note(self.session, "sent", event)
        await self._send_text(json.dumps(event))

    async def _send_text(self, text: str) -> None:
        if self._silent or self._socket.closed:
            return
        try:
            await self._socket.send_str(text)
        except ConnectionError:  # the client is gone; the reader notices that, too, and ends the session
            self._silent = True
