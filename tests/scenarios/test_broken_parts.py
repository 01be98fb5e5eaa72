"""Parts of a real house that raise where nobody foresaw it: a mute is obeyed all the same, and so is the end."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import NoReturn

import pytest

from device.core.events import Device, PlaybackFinished, ShutdownRequested
from device.core.status import Phase
from device.sim.realtime import SimulatedRealtime
from device.sim.realtime.script import Reply, Script, tone
from tests.scenarios.conftest import Open
from tests.scenarios.house import RELAY, House
from tests.waiting import LIMIT_S, until

pytestmark = pytest.mark.patient

# Sound that was on its way has arrived by then, and as much later more of it would have.
SETTLED_S = 0.3


def raising(*arguments: object) -> NoReturn:
    """Stand for a method that has a mistake in it."""
    raise LookupError("nobody foresaw this")


async def raising_later(*arguments: object) -> NoReturn:
    """Stand for one that takes its time."""
    raise LookupError("nobody foresaw this")


async def mute_while_listening(house: House, state: Path) -> None:
    """Mute while sound is being sent: no more of it arrives, and the state is kept."""
    await house.ask_by_click()
    await house.phase(Phase.LISTENING)
    await house.long_press()
    assert house.status.muted
    await until(lambda: (state / "muted").exists(), "the note on the disk")
    await asyncio.sleep(SETTLED_S)
    sent = len(house.server.journal.sent_audio())
    await asyncio.sleep(SETTLED_S)
    assert len(house.server.journal.sent_audio()) == sent


async def test_a_mute_is_obeyed_whatever_part_raises(
    open_house: Open, server: SimulatedRealtime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The loudspeaker's, the gate's, the microphone's: each by itself, and well again afterwards."""
    server.script = Script(answer=lambda text: Reply("Beep.", audio=tone(200)) if text else None)
    async with open_house() as house:
        app = house.app
        broken = [
            (Device.SPEAKER, app.player, ("stop", "play_cue"), raising),
            (Device.EAR, app.frontend, ("clear", "close_gate"), raising),
            (Device.MICROPHONE, app.microphone, ("close",), raising_later),
        ]
        for device, part, methods, method in broken:
            with monkeypatch.context() as patch:
                for name in methods:
                    patch.setattr(part, name, method)
                await mute_while_listening(house, tmp_path / "state")
                assert device in house.status.faults
            await house.long_press()
            assert not house.status.muted
        since = await house.converse()
        assert house.timeline.all(PlaybackFinished, since)
        await until(lambda: Device.SPEAKER not in house.status.faults, "the recovery of the loudspeaker")


async def test_the_relay_is_off_after_an_end_in_which_everything_raises(
    open_house: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Within the time that a shutdown may take."""
    async with open_house() as house:
        house.app.relays.set("light", True)
        running = asyncio.create_task(house.app.controller.run())
        with monkeypatch.context() as patch:
            for part, name in (
                (house.app.player, "stop"),
                (house.app.frontend, "clear"),
                (house.app.frontend, "close_gate"),
            ):
                patch.setattr(part, name, raising)
            await house.click()
            await house.phase(Phase.LISTENING)
            asked = time.monotonic()
            house.app.controller.post(ShutdownRequested())
            await asyncio.wait_for(running, LIMIT_S)
        board = house.board
    assert time.monotonic() - asked < 2.0
    assert not board.is_output(RELAY)
    assert board.levels_seen(RELAY)[-1] == 0
