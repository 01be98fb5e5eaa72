"""kill -9 of the whole daemon while something with a longest on-time is on."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from device.sim.devices.soundcard import VirtualSoundCard
from device.sim.realtime import SimulatedRealtime
from tests.control.house import connected, short_folder
from tests.scenarios.house import write_config
from tests.scenarios.process import daemon

pytestmark = pytest.mark.patient

HEATER = ("tools.relays.heater.pin=24", "tools.relays.heater.longest_on_s=600")
ON = '{"name": "heater", "on": true}'


async def test_a_heater_gets_no_more_time_by_a_crash(
    virtual_card: VirtualSoundCard, server: SimulatedRealtime, tmp_path: Path
) -> None:
    """It is switched on by its tool, killed, back, and switched on again: the end of its time stays where it was."""
    ends = []
    with short_folder() as folder:
        for _ in range(2):
            config, env = write_config(tmp_path, server.url), {"RUNTIME_DIRECTORY": str(folder)}
            async with (
                daemon(virtual_card, server.key, config, HEATER, env=env) as running,
                connected(folder) as client,
            ):
                answer = await client.ask("call_tool", name="set_switch", arguments=ON)
                assert answer["result"]["output"].startswith("The heater is on. It goes off by itself after ")
                ends.append(json.loads((tmp_path / "state" / "on-times-relays.json").read_bytes())["until"]["heater"])
                await running.end(signal.SIGKILL)
    assert ends[0] == ends[1]
