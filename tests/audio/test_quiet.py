"""When the quiet hours begin and end, by the clock of the machine."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from device.audio import quiet
from device.audio.quiet import QuietWatch
from device.core.events import Event, QuietHoursChanged
from device.core.quiethours import parse
from device.errors import ConfigError
from device.house import configuration
from tests.waiting import until


class Clock:
    """A clock on the wall, which somebody sets."""

    def __init__(self, hour: int, minute: int) -> None:
        self.now = datetime(2026, 11, 29, hour, minute)

    def __call__(self) -> datetime:
        return self.now


async def test_it_is_told_at_the_start_and_whenever_it_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when the clock is set: after power-up it is wrong until the network is there."""
    monkeypatch.setattr(quiet, "LOOK_S", 0.001)
    clock, told = Clock(23, 30), list[Event]()
    watch = QuietWatch(parse("22:00-07:00"), told.append, clock)
    watch.start()
    assert told == [QuietHoursChanged(True)]
    clock.now += timedelta(hours=8)
    await until(lambda: len(told) == 2, "the end of the night")
    clock.now -= timedelta(hours=8)
    await until(lambda: len(told) == 3, "the night again")
    watch.close()
    assert told == [QuietHoursChanged(True), QuietHoursChanged(False), QuietHoursChanged(True)]


async def test_by_day_nothing_is_told() -> None:
    """The house is not quiet by itself."""
    told = list[Event]()
    watch = QuietWatch(parse("22:00-07:00"), told.append, Clock(12, 0))
    watch.start()
    watch.close()
    assert told == []


def test_hours_that_are_none_are_refused_in_the_configuration() -> None:
    """With what to write."""
    with pytest.raises(
        ConfigError, match=r'audio.quiet_hours = "at night" is not possible; give hours of a day, "22:00-07:00"'
    ):
        configuration.parse({"audio": {"quiet_hours": "at night"}})
