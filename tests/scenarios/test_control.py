"""The control socket of the whole house, on a sound card."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from device.core.events import MuteRequested, SessionReady
from device.sim.devices.soundcard import VirtualSoundCard
from device.sim.realtime import SimulatedRealtime
from tests.control.house import connected, short_folder
from tests.conversation.mutings import tapped
from tests.scenarios.conftest import Open
from tests.scenarios.house import WAKE_WORD, write_config
from tests.scenarios.process import COMMAND, daemon
from tests.scenarios.test_privacy import BEEP, received_after
from tests.waiting import LIMIT_S, until


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A runtime directory."""
    with short_folder() as folder:
        monkeypatch.setenv("RUNTIME_DIRECTORY", str(folder))
        yield folder


def health(folder: Path) -> dict[str, Any]:
    """Return what the health file says; nothing while there is none."""
    file = folder / "health.json"
    table: dict[str, Any] = json.loads(file.read_bytes()) if file.exists() else {}
    return table


async def test_a_mute_over_the_socket_is_a_mute(open_house: Open, server: SimulatedRealtime, folder: Path) -> None:
    """In the middle of a stream from the microphone to the network: the answer comes when the card has let it go."""
    server.script = BEEP
    with tapped() as tap:
        async with open_house() as house, connected(folder) as client:
            since = time.monotonic()
            await house.click()
            await house.timeline.until(SessionReady, since, LIMIT_S)
            streaming = tap.handed + 20_000
            await until(lambda: tap.handed > streaming, "sound on its way")
            handed: list[int] = []
            house.app.controller.observers.append(
                lambda what, status: handed.append(tap.handed) if isinstance(what, MuteRequested) else None
            )
            assert (await client.ask("mute"))["result"] == {"muted": True}
            muted, closed_at = time.monotonic(), house.app.frontend.position
            assert house.app.microphone.is_closed
            await house.person.say("turn on the light", WAKE_WORD)
            assert house.app.frontend.position == closed_at
            assert tap.handed == handed[0]
            assert received_after(server, muted) == []
            assert (await client.ask("levels"))["result"]["of_ms"] == 0
            await until(lambda: health(folder)["state"] == "muted", "a muted house")
            assert (await client.ask("unmute"))["result"] == {"muted": False}
            await until(lambda: house.app.frontend.position > closed_at, "an open microphone")
            await house.converse()
            await until(lambda: health(folder)["state"] == "listening", "a house that listens")


@pytest.mark.patient
async def test_a_killed_house_leaves_its_mute_and_volume_and_no_socket_that_is_in_the_way(
    virtual_card: VirtualSoundCard, server: SimulatedRealtime, tmp_path: Path, folder: Path
) -> None:
    """kill -9, and a start in the same place: commands reach the new one, as muted and as loud as the old one."""
    config = write_config(tmp_path, server.url)
    async with daemon(virtual_card, server.key, config) as first:
        await until(lambda: health(folder).get("state") == "listening", "a house that listens")
        assert await command("mute") == (0, "muted: the microphone is closed\n")
        assert await command("volume", "35") == (0, "35 %\n")
        await until((tmp_path / "state" / "volume.json").exists, "a volume that is kept")
        await first.end(signal.SIGKILL)
    assert (folder / "control.sock").is_socket()
    code, out = await command("status")
    assert (code, out) == (1, "")
    async with daemon(virtual_card, server.key, config) as second:
        code, out = await command("status", "--json")
        told = json.loads(out)
        assert (code, told["state"], told["pid"]) == (0, "muted", second.process.pid)
        assert health(folder)["pid"] == second.process.pid
        assert await command("volume") == (0, "35 %\n")
        code, took_s = await second.end()
        assert code == 0
        assert took_s < 2.0
    assert not (folder / "control.sock").exists()
    assert not (folder / "health.json").exists()


async def command(*arguments: str) -> tuple[int | None, str]:
    """Run a command; return its exit code and what it printed."""
    process = await asyncio.create_subprocess_exec(
        COMMAND, *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL, env=dict(os.environ)
    )
    out, _ = await asyncio.wait_for(process.communicate(), LIMIT_S)
    return process.returncode, out.decode()
