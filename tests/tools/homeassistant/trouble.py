"""Trouble with a Home Assistant at random moments, while a model goes on using it."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from device.errors import ToolError
from device.tools.registry import Registry
from tests.tools.homeassistant.process import HomeProcess

LATEST_MOMENT_S = 0.6
"""After it is used again: in this time the link logs in and learns what there is."""
_BETWEEN_S = 0.02


class Trouble(Enum):
    """What becomes of it."""

    KILLED = "killed"
    HUNG = "hung"
    RESTARTED = "restarted"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the model noticed, in seconds."""

    trouble: Trouble
    told_s: float
    """From the moment until a call that was made after it said that it was not done."""
    recovered_s: float
    """From when it listened again until a call was done."""


@dataclass(frozen=True, slots=True)
class _Call:
    began: float
    ended: float
    is_done: bool


class Model:
    """Calls a tool again and again; whatever it is answered but a ToolError ends it."""

    def __init__(self, registry: Registry, tool: str, arguments: str) -> None:
        self._registry = registry
        self._tool, self._arguments = tool, arguments
        self._calls: list[_Call] = []
        self.said: set[str] = set()
        """Why things were not done."""

    @property
    def longest_s(self) -> float:
        """How long the longest call took."""
        return max(call.ended - call.began for call in self._calls)

    async def live(self) -> None:
        """Until it is cancelled."""
        while True:
            began, is_done = time.monotonic(), True
            try:
                await self._registry.call(self._tool, self._arguments)
            except ToolError as error:
                is_done = False
                self.said.add(str(error))
            self._calls.append(_Call(began, time.monotonic(), is_done))
            await asyncio.sleep(_BETWEEN_S)

    async def first(self, is_done: bool, since: float) -> float:
        """Wait for a call after a moment that was done, or was not; return when it ended.

        One that is done must also have begun after it; of others it is enough to have ended.
        """
        async with asyncio.timeout(120):
            while True:
                for call in self._calls:
                    moment = call.began if is_done else call.ended
                    if call.is_done is is_done and moment >= since:
                        return call.ended
                await asyncio.sleep(_BETWEEN_S)


async def suffer(home: HomeProcess, model: Model, trouble: Trouble, chance: random.Random) -> Outcome:
    """Let it have one at a random moment, and wait until it is used again."""
    await asyncio.sleep(chance.uniform(0.0, LATEST_MOMENT_S))
    began = time.monotonic()
    await asyncio.to_thread(_CAUSES[trouble], home)
    told = await model.first(is_done=False, since=began)
    if trouble is Trouble.HUNG:
        home.thaw()
    else:
        home.start()
        await asyncio.to_thread(home.wait_until_it_listens)
    back = time.monotonic()
    recovered = await model.first(is_done=True, since=back)
    return Outcome(trouble, told - began, recovered - back)


_CAUSES: dict[Trouble, Callable[[HomeProcess], None]] = {
    Trouble.KILLED: HomeProcess.kill,
    Trouble.HUNG: HomeProcess.freeze,
    Trouble.RESTARTED: HomeProcess.terminate,
}
