"""What is heard of a device whose configuration is wrong: a start that leaves its complaint, and who says it, once."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import numpy as np
import pytest

from device.sim.devices.soundcard import VirtualSoundCard
from tests.scenarios.house import pcm_samples
from tests.scenarios.process import COMMAND
from tests.waiting import LIMIT_S, until

pytestmark = pytest.mark.patient


async def test_a_wrong_configuration_is_said_aloud_once(virtual_card: VirtualSoundCard, tmp_path: Path) -> None:
    """By what systemd runs after the start that failed; after another such start it is silent."""
    config = tmp_path / "config.toml"
    config.write_text('[audio]\noutput = "hearthside_speaker"\n[wake]\nwrods = ["alexa"]\n')
    env = {**os.environ, **virtual_card.env(), "RUNTIME_DIRECTORY": str(tmp_path), "OPENAI_API_KEY": "key-of-a-test"}
    loudness = []
    for _ in range(2):
        start = await asyncio.create_subprocess_exec(COMMAND, "run", "--config", config, env=env)
        assert await asyncio.wait_for(start.wait(), LIMIT_S) == os.EX_CONFIG
        with virtual_card.record_speaker() as room:
            fault = await asyncio.create_subprocess_exec(
                COMMAND, "fault", "--config", config, env=env, stderr=asyncio.subprocess.PIPE
            )
            assert fault.stderr is not None
            told = (await asyncio.wait_for(fault.stderr.readline(), LIMIT_S)).decode()
            assert "wrods" in told
            if not loudness:
                await until(lambda: (tmp_path / "told").exists(), "a sentence that was said", 30)
            else:
                # The first time it had begun to speak by then.
                await asyncio.sleep(2)
            fault.send_signal(signal.SIGTERM)
            assert await asyncio.wait_for(fault.wait(), LIMIT_S) == 0
        loudness.append(float(np.abs(pcm_samples(room.pcm)).max()))
    said, silent = loudness
    assert said > 0.05
    assert silent < 0.001
