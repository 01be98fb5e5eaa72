"""Switches things as the switchboard decides: runs its timers, writes its writes, and tells who waits."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol, Self

from device.core.health import Health, unwell, well
from device.errors import PanelError
from device.tools.pins.ontimes import OnTimes
from device.tools.pins.switchboard import Rule, Switchboard, Write
from device.units import Ms, ms_from_seconds

log = logging.getLogger(__name__)

OnChange = Callable[[str, bool], None]
"""name, on: something was switched."""

PATIENCE_S = 2.0
"""How much longer than the dead time a partner may take to go off, before it is given up."""


class Output(Protocol):
    """What a thing hangs on; it is off, or in its safe state, when it is opened and when it is closed."""

    def set(self, on: bool) -> None:
        """Switch it. Raise PanelError."""

    def close(self) -> None:
        """Make it safe, then let it go. Harmless when closed. Raise PanelError."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What the things are: for the health and the log."""

    word: str
    """ "relay" """
    table: str
    """ "tools.relays" """


class Switching:
    """Things that are on or off, each in its safe state when opened and when closed. A context manager."""

    def __init__(
        self,
        kind: Kind,
        outputs: Mapping[str, Output],
        rules: Mapping[str, Rule],
        on_times: OnTimes | None = None,
        on_change: OnChange | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take over what has just been opened. `on_times` keeps what must outlive a crash."""
        self._kind = kind
        self._outputs = dict(outputs)
        self._on_times = on_times
        self._on_change = on_change
        self._clock = clock
        now = self._now()
        self._board = Switchboard(rules, now, on_times.load() if on_times else {})
        self._kept = self._board.grants
        self._health = {name: Health(f"{kind.word} {name}", ok=True, since=now) for name in outputs}
        self._waiting: dict[str, asyncio.Future[bool]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._set_timer()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def names(self) -> tuple[str, ...]:
        """As configured."""
        return tuple(self._outputs)

    @property
    def states(self) -> dict[str, bool]:
        """Name -> on; empty when closed."""
        return {name: self._board.is_on(name) for name in self._outputs}

    def on_for(self, name: str) -> float | None:
        """Return for how many seconds it may be on from now; None: for as long as one likes, or it is off."""
        until = self._board.grants.get(name) if self._board.is_on(name) else None
        return None if until is None else max(0.0, (until - self._now()) / 1000)

    async def switch(self, name: str, on: bool) -> None:
        """Switch it, and return when that is done: those that exclude it have to be off first. Raise PanelError."""
        now = self._now()
        if on:
            await self._keep(name, now)
        self._set(name, on, now)
        if self._board.is_due(name):
            await self._done(name)

    def set(self, name: str, on: bool) -> None:
        """Switch it, as far as that can be done at once; the rest follows by itself. Raise PanelError."""
        self._set(name, on, self._now())

    def renew(self, name: str) -> None:
        """Write it once more if it is on, since what being on means has changed. Raise PanelError."""
        if self._board.is_on(name) and (error := self._write(Write(name, on=True))):
            self._work()
            raise error

    def health(self) -> tuple[Health, ...]:
        """Return the health of each, as its last switching showed it."""
        return tuple(self._health.values())

    def close(self) -> None:
        """Put everything into its safe state and let it go, whether or not another fails. Harmless when closed."""
        self._stop_timer()
        outputs, self._outputs = self._outputs, {}
        for name, output in outputs.items():
            try:
                output.close()
            except PanelError as error:
                log.error("%s %s may not be safe: %s", self._kind.word, name, error)
        if outputs and self._on_times is not None:
            # They are off, and not by a crash.
            self._on_times.post({})

    # -- keeping what must outlive a crash

    async def _keep(self, name: str, now: Ms) -> None:
        """Before it goes on, keep until when it may be."""
        until = self._board.grant(name, now)
        if self._on_times is not None and until is not None:
            self._kept = {**self._board.grants, name: until}
            await self._on_times.save(self._kept)

    def _keep_changes(self) -> None:
        if self._on_times is not None and self._kept != self._board.grants:
            self._kept = self._board.grants
            self._on_times.post(self._kept)

    # -- switching

    def _set(self, name: str, on: bool, now: Ms) -> None:
        if name not in self._outputs:
            raise PanelError(f"{self._kind.word} {name} is closed")
        self._board.set(name, on, now)
        if error := self._work().get(name):
            raise error

    def _work(self) -> dict[str, PanelError]:
        """Do what is due; return what failed."""
        failed: dict[str, PanelError] = {}
        while self._outputs and (write := self._board.next_write(self._now())):
            if error := self._write(write):
                failed[write.name] = error
        self._keep_changes()
        self._tell_waiting()
        self._set_timer()
        return failed

    def _write(self, write: Write) -> PanelError | None:
        name, now = write.name, self._now()
        try:
            self._outputs[name].set(write.on)
        except PanelError as error:
            self._board.note(write, ok=False, now=now)
            self._note_failure(name, error, now)
            return error
        self._board.note(write, ok=True, now=now)
        self._health[name] = well(self._health[name], now)
        if self._on_change is not None:
            self._on_change(name, write.on)
        return None

    def _note_failure(self, name: str, error: PanelError, now: Ms) -> None:
        advice = f"look at its wires and at {self._kind.table}.{name}, then restart the service"
        self._health[name] = unwell(self._health[name], str(error), advice, now)

    # -- waiting

    async def _done(self, name: str) -> None:
        loop = asyncio.get_running_loop()
        waiting = self._waiting.setdefault(name, loop.create_future())
        patience_s = self._board.rules[name].dead_time / 1000 + PATIENCE_S
        try:
            async with asyncio.timeout(patience_s):
                done = await asyncio.shield(waiting)
        except TimeoutError as error:
            self._call_off(name)
            raise PanelError(f"{self._kind.word} {name}: what excludes it does not go off") from error
        except asyncio.CancelledError:
            self._call_off(name)
            raise
        if not done:
            raise PanelError(f"{self._kind.word} {name} was switched otherwise meanwhile")

    def _call_off(self, name: str) -> None:
        """Nobody waits for it any more: it must not move later, when nobody expects that."""
        if name in self._outputs:
            self._set(name, False, self._now())

    def _tell_waiting(self) -> None:
        for name in [name for name in self._waiting if not self._board.is_due(name)]:
            waiting = self._waiting.pop(name)
            if not waiting.done():
                waiting.set_result(self._board.is_on(name))

    # -- time

    def _now(self) -> Ms:
        return ms_from_seconds(self._clock())

    def _set_timer(self) -> None:
        self._stop_timer()
        now = self._now()
        due = self._board.get_timer(now)
        if due is not None and self._outputs:
            self._timer = asyncio.get_running_loop().call_later((due - now) / 1000, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        self._work()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
