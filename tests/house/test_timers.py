"""Timers in the whole house, over its restarts."""

from __future__ import annotations

from pathlib import Path

import pytest

from device.core.events import ButtonClicked, StopRequested
from device.core.indication import Indication, indication
from device.core.status import Phase
from device.units import Samples
from tests.house.cardless import open_cardless
from tests.waiting import until


async def test_what_rings_when_the_house_is_taken_down_rings_on_until_somebody_stops_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody has, by a restart; and what was stopped stays so."""
    async with open_cardless(tmp_path, monkeypatch) as house:
        app = house.app
        assert await app.registry.call("set_timer", '{"seconds": 1}') == "Set: the 1 second timer, 1 second left"
        await until(lambda: app.controller.status.ringing, "the ring")
        assert indication(app.controller.status) is Indication.RINGING
    async with open_cardless(tmp_path, monkeypatch) as house:
        app = house.app
        await until(lambda: app.controller.status.ringing, "the ring after a restart")
        app.controller.post(ButtonClicked(Samples(0)))
        assert not app.controller.status.ringing
        assert app.controller.status.phase is Phase.IDLE
        await until(lambda: app.timers.keeper.waiting == (), "a timer that is over")
    async with open_cardless(tmp_path, monkeypatch) as house:
        await house.app.timers.keeper.ready()
        assert not house.app.controller.status.ringing
        assert all(part.ok for part in house.app.timers.keeper.health())


async def test_a_ring_that_is_put_off_falls_silent_and_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While nothing rings, being told to stop does not touch it."""
    async with open_cardless(tmp_path, monkeypatch) as house:
        app = house.app
        await app.registry.call("set_timer", '{"seconds": 1, "label": "tea"}')
        await until(lambda: app.controller.status.ringing, "the ring")
        app.controller.post(ButtonClicked(Samples(0)))
        await app.registry.call("set_timer", '{"seconds": 1, "label": "tea"}')
        await until(lambda: app.controller.status.ringing, "the second ring")
        assert await app.registry.call("snooze_alarm", "{}") == "Put off: the tea timer will ring again in 9 minutes"
        assert not app.controller.status.ringing
        app.controller.post(StopRequested())
        assert [entry.label for entry in app.timers.keeper.waiting] == ["tea"]
