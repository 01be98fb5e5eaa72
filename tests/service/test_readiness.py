"""When the device says that it is ready, and what it says while it is not."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from device.service.readiness import Readiness
from tests.waiting import until


class Manager:
    """Stands for systemd."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def notify_ready(self) -> None:
        """See ServiceManager."""
        self.told.append("ready")


class Microphone:
    """Works when told so."""

    works = False
    asked = 0

    async def settle(self) -> bool:
        """See Listening."""
        self.asked += 1
        return self.works


async def test_a_microphone_that_works_makes_it_ready(caplog: pytest.LogCaptureFixture) -> None:
    """With the words that are listened for."""
    caplog.set_level(logging.INFO)
    microphone, manager = Microphone(), Manager()
    microphone.works = True
    await tell(Readiness(microphone, lambda: False, lambda: ("alexa", "hey_jarvis")), manager)
    assert manager.told == ["ready"]
    assert caplog.messages == ["ready: listening for alexa, hey_jarvis"]


async def test_a_muted_device_is_ready_without_its_microphone(caplog: pytest.LogCaptureFixture) -> None:
    """Nobody waits for it."""
    caplog.set_level(logging.INFO)
    microphone, manager = Microphone(), Manager()
    await tell(Readiness(microphone, lambda: True, lambda: ("alexa",)), manager)
    assert microphone.asked == 0
    assert caplog.messages == ["ready: muted"]


async def test_a_deaf_device_is_up_and_becomes_ready_later(caplog: pytest.LogCaptureFixture) -> None:
    """systemd would do no better for starting it again."""
    caplog.set_level(logging.INFO)
    microphone, manager = Microphone(), Manager()
    readiness = Readiness(microphone, lambda: False, lambda: ("alexa",))
    settled: list[bool] = []
    readiness.on_ready = lambda: settled.append(microphone.works)
    telling = asyncio.create_task(tell(readiness, manager))
    await until(lambda: "ready" in manager.told, "a word to the manager")
    readiness.observe(None, None)
    await asyncio.sleep(0)
    assert not telling.done()
    microphone.works = True
    readiness.observe(None, None)
    await telling
    assert manager.told == ["ready", "ready"]
    assert settled == [True]
    assert [line.partition(":")[0] for line in caplog.messages] == ["not ready", "ready"]


async def tell(readiness: Readiness, manager: Any) -> None:
    """Wait until all is told."""
    await asyncio.wait_for(readiness.tell(manager), 10)
