"""Feeding the watchdog."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Any

import pytest

from device.core.events import Device
from device.core.status import Status
from device.service.watchdog import LOOKS, WatchdogFeeder
from device.units import Samples
from tests.waiting import until

WAITS_S = 0.05


class House:
    """One that hears, or not, whenever it is looked at; a second passes with each look."""

    def __init__(self) -> None:
        self.hears = True
        self.status = Status()
        self.now = 0.0
        self.fed = 0
        self._scored = 0

    def notify_alive(self) -> None:
        """See ServiceManager."""
        self.fed += 1

    def scored(self) -> Samples:
        """How far the stream has been scored."""
        self._scored += 16_000 * self.hears
        return Samples(self._scored)

    def clock(self) -> float:
        """The time."""
        self.now += 1.0
        return self.now

    def feeding(self) -> asyncio.Task[None]:
        """Begin to feed."""
        feeder = WatchdogFeeder(lambda: self.status, self.scored, self.clock)
        manager: Any = self
        return asyncio.create_task(feeder.feed(manager, WAITS_S))

    async def looked(self, times: int) -> None:
        """Wait until it has been looked at some times more."""
        until_then = self.now + times
        await until(lambda: self.now >= until_then, "a look")


async def test_a_house_that_hears_feeds_and_one_that_does_not_says_why(caplog: pytest.LogCaptureFixture) -> None:
    """Once, for systemd says only that it was not fed; and again when it happens again."""
    caplog.set_level(logging.INFO)
    house = House()
    feeding = house.feeding()
    await house.looked(LOOKS)
    assert house.fed >= LOOKS - 1
    assert caplog.messages == []
    for times in (1, 2):
        house.hears = False
        await house.looked(2)
        fed = house.fed
        await house.looked(2 * LOOKS)
        assert house.fed == fed
        assert caplog.messages == ["the watchdog is not fed: no sound has been scored for 1 s"] * times
        house.hears = True
        await house.looked(2)
        assert house.fed > fed
    feeding.cancel()


async def test_a_muted_house_and_one_that_knows_its_deafness_feed() -> None:
    """Neither would do better for being started again."""
    house = House()
    house.hears = False
    for status in (Status(muted=True), Status(faults=frozenset({Device.MICROPHONE}))):
        house.status, house.fed = status, 0
        feeding = house.feeding()
        await house.looked(2 * LOOKS)
        assert house.fed >= LOOKS
        feeding.cancel()


async def test_a_loop_that_stands_still_does_not_feed() -> None:
    """It is the loop that feeds."""
    house = House()
    feeding = house.feeding()
    await house.looked(2)
    fed = house.fed
    # The loop does nothing else meanwhile.
    time.sleep(2 * WAITS_S)  # noqa: ASYNC251
    assert house.fed == fed
    feeding.cancel()


async def test_without_a_watchdog_nothing_is_fed() -> None:
    """Started by hand."""
    manager: Any = None
    await WatchdogFeeder(Status, lambda: Samples(0)).feed(manager, 0.0)
