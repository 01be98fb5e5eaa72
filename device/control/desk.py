"""Does what is asked from outside, at the control socket and by features: facts go to the machine, as a button's do;
questions are answered here.
"""

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
    ChoosePersona,
    ChooseWakeWord,
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
from device.errors import AudioError
from device.ports.choices import Choices
from device.ports.desk import NotDoneError
from device.ports.facts import Post
from device.ports.sound import VolumeOfHouse
from device.ports.timers import TimerDesk
from device.ports.tools import Tools, ToolSpec

CLOSING_LIMIT_S = 15.0
"""An opening of the microphone that is under way may take 10 s, and a card that hangs is waited for for 3."""


@dataclass(frozen=True, slots=True)
class Outside:
    """What the desk may use of the house."""

    post: Post
    status: Callable[[], dict[str, Any]]
    """Return what is told of the house."""
    levels: Callable[[], dict[str, Any]]
    """Return how loud it is at the microphone."""
    volume: VolumeOfHouse
    tools: Tools
    is_muted: Callable[[], bool]
    mute_holders: Callable[[], str]
    """Return what keeps it muted whatever anybody asks for, in words; "" when nothing does."""
    microphone_settled: Callable[[], Awaitable[None]]
    """Wait until what the microphone was last told has been done, or has failed."""
    microphone_is_closed: Callable[[], bool]
    timers: TimerDesk
    choices: Choices


class Desk:
    """A `device.ports.desk.Desk`: one for all clients of the control socket, and for features."""

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
        """Do what a client of the control socket asks for; return the result. Raise HearthsideError."""
        match request:
            case GetStatus() | Subscribe():
                return {**self.status(), "volume": await self.volume()}
            case Mute():
                await self.mute()
                return {"muted": True}
            case Unmute():
                self.unmute()
                return {"muted": self._outside.is_muted()}
            case Stop():
                self.stop()
                return {}
            case SetVolume():
                return {"volume": await self._change_volume(request)}
            case ChoosePersona():
                return await self._choose_persona(request)
            case ChooseWakeWord():
                return await self._choose_wake_word(request)
            case Say():
                return {"said": await self.say(request.text, request.urgent, request.voice == "provider")}
            case Ask():
                return {"heard": await self.ask(request.text, request.urgent)}
            case GetLevels():
                return self._outside.levels()
            case GetTimers():
                return {"timers": await self.timers()}
            case CancelTimer():
                return {"done": await self.cancel_timer(request.name)}
            case GetTools():
                return _described(self._outside.tools)
            case CallTool():
                return {"output": await self._outside.tools.call(request.name, request.arguments)}

    def status(self) -> dict[str, Any]:
        """See the port, as for all that follows."""
        return self._outside.status()

    async def mute(self) -> None:
        """Mute as the button does. It is a promise: this returns when the microphone is closed."""
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

    def unmute(self) -> None:
        """Unmute, unless something holds it."""
        self._outside.post(UnmuteRequested())
        if holders := self._outside.mute_holders():
            raise NotDoneError(
                f"still muted: its {holders} says so, and nothing else can unmute; move or press it again"
            )

    def stop(self) -> None:
        """Be quiet."""
        self._outside.post(StopRequested())

    async def volume(self) -> int | None:
        """Return it; None where the card does not tell."""
        try:
            return await self._outside.volume.get()
        except AudioError:
            return None

    async def set_volume(self, percent: int) -> int:
        """Set it."""
        return await self._outside.volume.set(percent)

    async def say(self, text: str, urgent: bool = False, by_provider: bool = False) -> bool:
        """Have it said; return whether it was."""
        told = await self._announce(text, urgent=urgent, by_provider=by_provider)
        return told.outcome is Outcome.SAID

    async def ask(self, text: str, urgent: bool = False) -> str:
        """Have it asked; return what was answered."""
        return (await self._announce(text, asks=True, urgent=urgent)).words

    async def timers(self) -> list[dict[str, Any]]:
        """Return all of them."""
        return await self._outside.timers.table()

    async def cancel_timer(self, name: str) -> str:
        """Call one off."""
        return await self._outside.timers.cancel(name)

    async def _announce(
        self, text: str, asks: bool = False, urgent: bool = False, by_provider: bool = False
    ) -> TellOutcome:
        """Have it said; return what became of it. Raise NotDoneError."""
        ticket = next(self._tickets)
        waiting: asyncio.Future[TellOutcome] = asyncio.get_running_loop().create_future()
        self._waiting[ticket] = waiting
        try:
            self._outside.post(AnnouncementRequested(text, ticket, asks, urgent, by_provider))
            told = await waiting
        except asyncio.CancelledError:
            # Who asked has left. What was to be said is said all the same.
            if asks:
                self._outside.post(AnnouncementWithdrawn(ticket))
            raise
        finally:
            del self._waiting[ticket]
        if reason := OF_ANNOUNCEMENT.get(told.outcome):
            raise NotDoneError(reason)
        return told

    async def _change_volume(self, request: SetVolume) -> int:
        volume = self._outside.volume
        if request.to is not None:
            return await volume.set(request.to)
        return await volume.get() if request.by is None else await volume.change(request.by)

    async def _choose_persona(self, request: ChoosePersona) -> dict[str, Any]:
        choices = self._outside.choices
        if request.name is not None:
            await choices.choose_persona(request.name)
        return {"persona": choices.persona, "personas": choices.personas}

    async def _choose_wake_word(self, request: ChooseWakeWord) -> dict[str, Any]:
        choices = self._outside.choices
        if request.word is not None:
            await choices.choose_wake_word(request.word)
        return {"wake_word": choices.wake_word, "wake_words": choices.wake_words}


def _described(tools: Tools) -> dict[str, Any]:
    """Return what the model is told of the tools, how many bytes that takes, and what it is not told."""
    told = tools.tell()
    return {
        "tools": [_entry(spec, size) for spec, size in zip(told.specs, told.sizes, strict=True)],
        "bytes": told.size,
        "budget_bytes": told.budget,
        "shortened": told.shortened,
        "left_out": told.left_out,
        "lacks_overview": told.lacks_overview,
    }


def _entry(spec: ToolSpec, size: int) -> dict[str, Any]:
    return {
        "name": spec.name,
        "from": spec.source,
        "description": spec.description,
        "parameters": spec.parameters,
        "bytes": size,
    }
