"""kill -9 at any moment: what was granted to a switch is known to who comes back."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from device.tools.pins.ontimes import OnTimes

CHILD = """
import asyncio, sys
from pathlib import Path
from device.tools.pins.ontimes import OnTimes
from device.tools.pins.settings import Relay
from device.tools.pins.switches import Relays

async def live():
    times = OnTimes(Path(sys.argv[1]), "relays")
    with Relays({"heater": Relay(pin=4, longest_on_s=600)}, on_times=times) as relays:
        print("back", relays._board.grants.get("heater"), flush=True)
        while True:
            await relays.switch("heater", True)
            print("on", relays._board.grants["heater"], flush=True)
            await asyncio.sleep(float(sys.argv[2]))
            print("going off", flush=True)
            await relays.switch("heater", False)

asyncio.run(live())
"""


@asynccontextmanager
async def switching(state: Path, on_s: float) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run a process that switches a heater on for so long, and off, again and again; kill it at the end."""
    env = {**os.environ, "GPIOZERO_PIN_FACTORY": "mock"}
    command = (sys.executable, "-c", CHILD, state, str(on_s))
    process = await asyncio.create_subprocess_exec(*command, env=env, stdout=asyncio.subprocess.PIPE)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGKILL)
        await process.wait()


async def line(process: asyncio.subprocess.Process) -> str:
    """Return what it says next."""
    assert process.stdout is not None
    return (await asyncio.wait_for(process.stdout.readline(), 30)).decode().strip()


@pytest.mark.parametrize("seed", range(6))
async def test_what_was_granted_is_kept_before_it_is_on(seed: int, tmp_path: Path) -> None:
    """Killed among hundreds of switchings: the file is whole, and holds the newest grant of what is on."""
    moments = random.Random(seed)
    async with switching(tmp_path, 0.002) as process:
        for _ in range(moments.randrange(1, 200)):
            await line(process)
        await asyncio.sleep(moments.random() * 0.01)
        process.send_signal(signal.SIGKILL)
        assert process.stdout is not None
        said = (await process.stdout.read()).decode().splitlines()
    newest = next((text for text in reversed(said) if text), "")
    kept = OnTimes(tmp_path, "relays").load()
    assert set(kept) <= {"heater"}
    if newest.startswith("on "):
        assert kept == {"heater": float(newest.removeprefix("on "))}


async def test_who_comes_back_again_and_again_gets_no_more_time(tmp_path: Path) -> None:
    """Each time it is off at first, is switched on again, and is killed: the end of its time stays where it was."""
    ends = set()
    for _ in range(4):
        async with switching(tmp_path, 60) as process:
            assert (await line(process)).startswith("back")
            ends.add(await line(process))
    assert len(ends) == 1
