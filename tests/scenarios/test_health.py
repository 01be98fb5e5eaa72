"""The health of the house in the log of the real program."""

from __future__ import annotations

from pathlib import Path

import pytest

from device.sim.devices.soundcard import VirtualSoundCard
from device.sim.realtime import SimulatedRealtime
from tests.scenarios.house import write_config
from tests.scenarios.process import daemon
from tests.scenarios.test_deaf import suspend

pytestmark = [pytest.mark.patient, pytest.mark.card]


async def test_the_log_says_what_is_not_well_what_to_do_and_when_it_is_well_again(
    server: SimulatedRealtime, tmp_path: Path
) -> None:
    """Once each."""
    async with VirtualSoundCard() as card:
        suspend(card, True)
        async with daemon(card, server.key, write_config(tmp_path, server.url), ready=False) as running:
            await running.logged("health: the microphone is not well: ")
            suspend(card, False)
            await running.logged("health: the microphone is well again, after ")
            code, _ = await running.end()
    assert code == 0
    wrong, right = (line for line in running.log.splitlines() if "health: " in line)
    assert "what to do: look at its plug, and at audio.input" in wrong
    assert "INFO" in right
