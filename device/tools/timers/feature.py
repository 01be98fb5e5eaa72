"""Timers, alarms and reminders, as the house knows them."""

from __future__ import annotations

from device.ports.feature import Feature, Fitted, Outside
from device.tools.timers.settings import TABLE, Timers


def _open(settings: Timers, outside: Outside) -> Fitted:
    # Late: who only reads the configuration needs none of it.
    from device.tools.timers.keeper import Timekeeper
    from device.tools.timers.store import Store
    from device.tools.timers.tools import TimersOfHouse, timer_tools

    keeper = Timekeeper(settings, Store(outside.state_dir), outside.post)
    keeper.start()
    return Fitted(
        tools=tuple(timer_tools(keeper)),
        observers=(keeper.observe,),
        health=keeper.health,
        close=keeper.close,
        part=TimersOfHouse(keeper),
    )


TIMERS = Feature("timers", _open, TABLE)
