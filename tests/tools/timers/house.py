"""A timekeeper with a real machine and a real store, and clocks that go when they are told to."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from device.core import actions as order
from device.core import events as ev
from device.core.actions import Action
from device.core.machine import Machine
from device.core.memory import Settings as MachineSettings
from device.tools.registry import Registry
from device.tools.timers.clocks import AlarmClock, Clocks
from device.tools.timers.entry import Now
from device.tools.timers.keeper import Timekeeper
from device.tools.timers.settings import Timers
from device.tools.timers.store import Store
from device.tools.timers.tools import TimersOfHouse, timer_tools
from device.units import Ms, Samples
from tests.tools.timers.test_walltime import utc

TUESDAY_NOON = Now(utc("2026-12-01 12:00"), 1_000.0, "boot", ZoneInfo("UTC"))


class FakeAlarmClock(AlarmClock):
    """Remembers for when it is set."""

    at: float | None = None

    def set(self, at_boot: float | None) -> None:
        """See AlarmClock."""
        self.at = at_boot

    def close(self) -> None:
        """See AlarmClock."""
        self.at = None


class FakeClocks(Clocks):
    """They stand still until they are told to go."""

    def __init__(self, now: Now = TUESDAY_NOON, synchronised: bool = True) -> None:
        self.shown = now
        self.is_synchronised = synchronised
        self.alarm = FakeAlarmClock(lambda: None)
        self.wake: Callable[[], None] = lambda: None

    def now(self) -> Now:
        """See Clocks."""
        return self.shown

    def synchronised(self) -> bool:
        """See Clocks."""
        return self.is_synchronised

    def alarm_clock(self, wake: Callable[[], None]) -> AlarmClock:
        """See Clocks."""
        self.wake = wake
        return self.alarm

    def move(self, seconds: float) -> None:
        """Let time pass, without waking anybody."""
        self.shown = replace(self.shown, wall=self.shown.wall + seconds, boot=self.shown.boot + seconds)

    def set_wall(self, by: float) -> None:
        """Set the wall clock, of which the kernel tells at once."""
        self.shown = replace(self.shown, wall=self.shown.wall + by)
        self.wake()

    def reboot(self, off_s: float, wrong_s: float = 0.0) -> None:
        """Be switched off for some time."""
        now = self.shown
        self.shown = replace(now, wall=now.wall + off_s + wrong_s, boot=10.0, boot_id=now.boot_id + "'")


class TimerHouse:
    """A timekeeper, the machine that it talks to, and what a person can do."""

    def __init__(self, folder: Path, clocks: FakeClocks | None = None, **settings: float) -> None:
        self.clocks = clocks or FakeClocks()
        ring_minutes = settings.get("ring_minutes", Timers().ring_minutes)
        self.machine = Machine(MachineSettings(longest_ringing=Ms(ring_minutes * 60_000)))
        self.facts: list[ev.Event] = []
        self.orders: list[Action] = []
        self.store = Store(folder)
        self.keeper = Timekeeper(Timers(**settings), self.store, self.post, self.clocks)
        self.registry = Registry(timer_tools(self.keeper), 10.0)
        self.desk = TimersOfHouse(self.keeper)

    def post(self, fact: ev.Event) -> None:
        """As the controller does, for as much as matters here."""
        self.facts.append(fact)
        self.tell(self.machine.handle_event(fact, Ms(self.clocks.shown.boot * 1000)))

    def tell(self, orders: list[Action]) -> None:
        """Tell the observer."""
        self.orders += orders
        for action in orders:
            self.keeper.observe(action, self.machine.status)

    async def call(self, tool: str, **arguments: Any) -> str:
        """Call a tool as the model does."""
        return await self.registry.call(tool, json.dumps(arguments))

    async def pass_time(self, seconds: float) -> None:
        """Let time pass, waking whoever wants to be woken, and the machine's own timers with it."""
        end = self.clocks.shown.boot + seconds
        while (at := self._next()) is not None and at <= end:
            self.clocks.move(max(0.0, at - self.clocks.shown.boot))
            if (due := self.machine.get_timer()) is not None and due <= self.clocks.shown.boot * 1000 + 0.001:
                self.tell(self.machine.handle_timer(Ms(due)))
            if self.clocks.alarm.at is not None and self.clocks.alarm.at <= self.clocks.shown.boot + 1e-6:
                self.clocks.alarm.at = None
                self.clocks.wake()
            await self.settle()
        self.clocks.move(end - self.clocks.shown.boot)

    def _next(self) -> float | None:
        due = self.machine.get_timer()
        moments = [self.clocks.alarm.at, None if due is None else due / 1000]
        return min((moment for moment in moments if moment is not None), default=None)

    async def settle(self) -> None:
        """Wait for the disk."""
        await asyncio.gather(*self.keeper._tasks)

    def click(self) -> None:
        """Press the button."""
        self.post(ev.ButtonClicked(Samples(0)))

    @property
    def rung(self) -> list[ev.AlarmDue]:
        """What has become due."""
        return [fact for fact in self.facts if isinstance(fact, ev.AlarmDue)]

    @property
    def missed(self) -> list[ev.AlarmMissed]:
        """What it was too late for."""
        return [fact for fact in self.facts if isinstance(fact, ev.AlarmMissed)]

    @property
    def said(self) -> list[str]:
        """What was said aloud."""
        return [action.text for action in self.orders if isinstance(action, order.Announce | order.SayAnnouncement)]

    @property
    def rings(self) -> bool:
        """Whether it rings."""
        return self.machine.status.ringing


@asynccontextmanager
async def living(folder: Path, clocks: FakeClocks | None = None, **settings: float) -> AsyncIterator[TimerHouse]:
    """A house that has found out what is set."""
    house = TimerHouse(folder, clocks, **settings)
    house.keeper.start()
    await house.settle()
    yield house
    await house.settle()
    await house.keeper.close()
