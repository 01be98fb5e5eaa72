"""The line of `systemctl status`."""

from __future__ import annotations

import time
from typing import Any

import pytest

from device.core.events import Device
from device.core.health import Health
from device.core.status import Phase, Status
from device.service import journal
from device.service.statusline import StatusLine, time_of_day
from device.units import Ms, ms_from_seconds


class House:
    """One whose status can be set."""

    def __init__(self) -> None:
        self.status = Status()
        self.parts: list[Health] = []
        self.told: list[str] = []
        manager: Any = self
        self.line = StatusLine(manager, lambda: self.status, lambda: self.parts, ("alexa",))

    def notify_status(self, text: str) -> None:
        """See ServiceManager."""
        self.told.append(text)

    def become(self, status: Status) -> None:
        """Tell of a fact that led to a status."""
        self.status = status
        self.line.observe(None, status)


def test_it_says_what_the_house_does_and_says_it_once() -> None:
    """Facts come with every noise."""
    house = House()
    house.line.settle()
    for status in (Status(), Status(), Status(phase=Phase.WAKING), Status(phase=Phase.WAKING), Status(muted=True)):
        house.become(status)
    assert [line.partition(":")[0] for line in house.told] == ["listening for alexa", "woken", "muted"]


def test_it_does_not_claim_to_listen_before_it_does() -> None:
    """But says what is wrong from the start."""
    house = House()
    house.become(Status())
    assert house.told == []
    house.parts = [Health("microphone", False, Ms(0), "unplugged", "look at its plug")]
    house.become(Status(faults=frozenset({Device.MICROPHONE})))
    assert house.told[0].startswith("deaf since ")


def test_nothing_secret_is_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a part's error quotes."""
    monkeypatch.setattr(journal, "_masks", [lambda text: text.replace("key-1234", "****")])
    house = House()
    house.parts = [Health("light", False, Ms(0), "no key-1234", "look")]
    house.line.settle()
    assert "key-1234" not in house.told[0]
    assert "****" in house.told[0]


def test_times_are_those_of_the_clock_on_the_wall(monkeypatch: pytest.MonkeyPatch) -> None:
    """Even when it was put right since."""
    noon = time.mktime((2026, 11, 29, 12, 0, 30, 0, 0, -1))
    monkeypatch.setattr(time, "time", lambda: noon)
    monkeypatch.setattr(time, "monotonic", lambda: 10_000.0)
    assert time_of_day(ms_from_seconds(10_000)) == "12:00"
    assert time_of_day(ms_from_seconds(10_000 - 3_660)) == "10:59"
