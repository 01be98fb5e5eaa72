"""Does what the control socket asks for: facts go to the machine, as a button's do; questions are answered here."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from device.control.messages import (
    AnyRequest,
    Ask,
    CallTool,
    CancelTimer,
    GetLevels,
    GetStatus,
    GetTimers,
    GetTools,
    Mute,
    Say,
    SetVolume,
    Stop,
    Subscribe,
    Unmute,
)
from device.core.actions import Outcome, TellOutcome
from device.core.events import (
    AnnouncementRequested,
    AnnouncementWithdrawn,
    MuteRequested,
    StopRequested,
    UnmuteRequested,
)
from device.core.failures import OF_ANNOUNCEMENT
from device.errors import AudioError, HearthsideError
from device.ports.facts import Post
from device.ports.sound import Volume
from device.ports.timers import TimerDesk
from device.ports.tools import Tools, ToolSpec

CLOSING_LIMIT_S = 15.0
"""An opening of the microphone that is under way may take 10 s, and a card that hangs is waited for for 3."""


class NotDoneError(HearthsideError):
    """What was asked for was not done, or not wholly; the message says why."""


@dataclass(frozen=True, slots=True)
class Outside:
    """What the desk may use of the house."""

    post: Post
    status: Callable[[], dict[str, Any]]
    """Return what is told of the house."""
    levels: Callable[[], dict[str, Any]]
    """Return how loud it is at the microphone."""
    volume: Volume
    tools: Tools
    is_muted: Callable[[], bool]
    mute_holders: Callable[[], str]
    """Return what keeps it muted whatever anybody asks for, in words; "" when nothing does."""
    microphone_settled: Callable[[], Awaitable[None]]
    """Wait until what the microphone was last told has been done, or has failed."""
    microphone_is_closed: Callable[[], bool]
    timers: TimerDesk


class Desk:
    """One for all clients."""

    def __init__(self, outside: Outside) -> None:
        self._outside = outside
        self._tickets = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[TellOutcome]] = {}
        """Who asked for an announcement, by ticket."""

    def observe(self, what: object, status: object) -> None:
        """An observer of the controller."""
        if isinstance(what, TellOutcome) and (waiting := self._waiting.get(what.ticket)) and not waiting.done():
            waiting.set_result(what)

    async def do(self, request: AnyRequest) -> dict[str, Any]:
        """Do it; return the result. Raise HearthsideError."""
        match request:
            case GetStatus() | Subscribe():
                return {**self._outside.status(), "volume": await self._volume()}
            case Mute():
                return await self._mute()
            case Unmute():
                return self._unmute()
            case Stop():
                self._outside.post(StopRequested())
                return {}
            case SetVolume():
                return {"volume": await self._set_volume(request)}
            case Say():
                told = await self._announce(request)
                return {"said": told.outcome is Outcome.SAID}
            case Ask():
                return {"heard": (await self._announce(request)).words}
            case GetLevels():
                return self._outside.levels()
            case GetTimers():
                return {"timers": await self._outside.timers.table()}
            case CancelTimer():
                return {"done": await self._outside.timers.cancel(request.name)}
            case GetTools():
                return {"tools": [_described(spec) for spec in self._outside.tools.specs]}
            case CallTool():
                return {"output": await self._outside.tools.call(request.name, request.arguments)}

    async def _mute(self) -> dict[str, Any]:
        """Mute as the button does. The answer is a promise: it is given when the microphone is closed."""
        self._outside.post(MuteRequested())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSING_LIMIT_S):
                await self._outside.microphone_settled()
        if not self._outside.is_muted():
            raise NotDoneError("somebody else has unmuted it meanwhile")
        if not self._outside.microphone_is_closed():
            raise NotDoneError(
                "muted: nothing that the microphone hears is used or sent; but the sound system does not answer, and "
                "may not have let the microphone go"
            )
        return {"muted": True}

    async def _announce(self, request: Say | Ask) -> TellOutcome:
        """Have it said; return what became of it. Raise NotDoneError."""
        ticket = next(self._tickets)
        waiting: asyncio.Future[TellOutcome] = asyncio.get_running_loop().create_future()
        self._waiting[ticket] = waiting
        try:
            by_provider = isinstance(request, Say) and request.voice == "provider"
            asks = isinstance(request, Ask)
            self._outside.post(AnnouncementRequested(request.text, ticket, asks, request.urgent, by_provider))
            told = await waiting
        except asyncio.CancelledError:
            # The client has left. What it wants said is said all the same.
            if isinstance(request, Ask):
                self._outside.post(AnnouncementWithdrawn(ticket))
            raise
        finally:
            del self._waiting[ticket]
        if reason := OF_ANNOUNCEMENT.get(told.outcome):
            raise NotDoneError(reason)
        return told

    def _unmute(self) -> dict[str, Any]:
        self._outside.post(UnmuteRequested())
        if holders := self._outside.mute_holders():
            raise NotDoneError(
                f"still muted: its {holders} says so, and nothing else can unmute; move or press it again"
            )
        return {"muted": self._outside.is_muted()}

    async def _volume(self) -> int | None:
        try:
            return await self._outside.volume.get()
        except AudioError:
            return None

    async def _set_volume(self, request: SetVolume) -> int:
        volume = self._outside.volume
        if request.to is not None:
            return await volume.set(request.to)
        now = await volume.get()
        return now if request.by is None else await volume.set(min(100, max(0, now + request.by)))


def _described(spec: ToolSpec) -> dict[str, Any]:
    return {
        "name": spec.name,
        "from": spec.source,
        "description": spec.description,
        "parameters": spec.parameters,
    }
