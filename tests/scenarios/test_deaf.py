"""A microphone that opens and is none: told once, never taken for one that works, and looked after."""

from __future__ import annotations

import asyncio
import socket
import subprocess
from pathlib import Path

import pytest

from device.sim.devices.soundcard import VirtualSoundCard
from device.sim.person.voice import Person
from device.sim.realtime import SimulatedRealtime
from tests.scenarios.house import write_config
from tests.scenarios.process import daemon
from tests.waiting import LIMIT_S

pytestmark = pytest.mark.patient

LIMIT_TO_END_S = 2.0
# After 4 s without sound it has failed; so long afterwards it has been tried three times.
TRIES_S = 11.0


def suspend(card: VirtualSoundCard, is_asleep: bool) -> None:
    """Let the microphone give nothing, though it can be opened."""
    command = ["pactl", "suspend-sink", "room", str(int(is_asleep))]
    subprocess.run(command, env=card.client_env(), check=True)


@pytest.mark.card
async def test_a_microphone_without_sound_is_told_once_and_is_ready_when_sound_comes(
    server: SimulatedRealtime, tmp_path: Path
) -> None:
    """One line for the fault, one for the recovery, and `ready` after that only; systemd hears of a deaf device."""
    config, env = write_config(tmp_path, server.url), {"NOTIFY_SOCKET": str(tmp_path / "notify")}
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.settimeout(LIMIT_S)
        systemd.bind(env["NOTIFY_SOCKET"])
        async with VirtualSoundCard() as card:
            suspend(card, True)
            async with daemon(card, server.key, config, ready=False, env=env) as running:
                await running.logged("not ready: ")
                assert systemd.recv(100).startswith(b"STATUS=deaf")
                assert systemd.recv(100) == b"READY=1"
                lines = len(running.lines)
                await asyncio.sleep(TRIES_S)
                assert len(running.lines) == lines, "it is tried again without a word"
                assert running.log.count("microphone failed: ") == 1
                assert "can be opened, but gives no sound" in running.log
                assert "Recovered" not in running.log
                assert "] ready" not in running.log
                suspend(card, False)
                await running.logged("ready: listening")
                assert running.log.index("DeviceRecovered") < running.log.index("ready: listening")
                code, took_s = await running.end()
    assert code == 0
    assert took_s < LIMIT_TO_END_S


async def test_a_service_goes_on_without_its_microphone_and_says_so(
    virtual_card: VirtualSoundCard, server: SimulatedRealtime, tmp_path: Path
) -> None:
    """It may be plugged in later; started by hand, the same is refused (tests/cli/test_run.py)."""
    config, env = write_config(tmp_path, server.url), {"NOTIFY_SOCKET": str(tmp_path / "notify")}
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.settimeout(LIMIT_S)
        systemd.bind(env["NOTIFY_SOCKET"])
        overrides = ["audio.input=not_plugged_in"]
        async with daemon(virtual_card, server.key, config, overrides, ready=False, env=env) as running:
            await running.logged("not ready: ")
            assert systemd.recv(1_000).startswith(b"STATUS=deaf since ")
            assert systemd.recv(100) == b"READY=1"
            code, took_s = await running.end()
    assert code == 0
    assert took_s < LIMIT_TO_END_S
    assert running.log.count("waiting for a sound device: ") == 1
    assert 'going on without a sound device: audio.input = "not_plugged_in"' in running.log


@pytest.mark.parametrize("kind", ["null", "file"])
async def test_a_source_without_end_is_told_as_that_and_does_not_keep_the_process_from_ending(
    virtual_card: VirtualSoundCard, server: SimulatedRealtime, tmp_path: Path, kind: str
) -> None:
    """Neither is it a slow machine; nothing of it is taken for a room."""
    (tmp_path / "speech.raw").write_bytes(bytes(range(256)) * 64)
    silence = "slave.pcm { type null } file /dev/null"
    pcm = f'pcm.endless {{ type file {silence} infile "{tmp_path}/speech.raw" format raw }}'
    (tmp_path / "asound.conf").write_text(f"<{virtual_card.env()['ALSA_CONFIG_PATH']}>\n{pcm}\n", encoding="utf-8")
    overrides = [f"audio.input={'endless' if kind == 'file' else kind}"]
    config = write_config(tmp_path, server.url)
    env = {"ALSA_CONFIG_PATH": f"{tmp_path}/asound.conf"}
    async with daemon(virtual_card, server.key, config, overrides, ready=False, env=env) as running:
        await running.logged("not ready: ")
        code, took_s = await running.end()
    assert code == 0
    assert took_s < LIMIT_TO_END_S
    assert "faster than time passes" in running.log
    assert running.log.count("microphone failed: ") == 1
    assert "too busy" not in running.log
    assert "too slow" not in running.log
    assert "Traceback" not in running.log


async def test_a_loudspeaker_without_end_is_told_and_the_house_goes_on(
    virtual_card: VirtualSoundCard, server: SimulatedRealtime, tmp_path: Path
) -> None:
    """It is opened with the first session; a wake word is heard all the same, and again."""
    config = write_config(tmp_path, server.url)
    async with daemon(virtual_card, server.key, config, ["audio.output=null"]) as running:
        await running.hear(Person(virtual_card.play_into_room), "hello")
        await running.logged("the loudspeaker takes sound faster than time passes")
        code, took_s = await running.end()
    assert code == 0
    assert took_s < LIMIT_TO_END_S
    assert running.log.count("speaker failed: ") == 1
    assert "too busy" not in running.log
    assert "too slow" not in running.log
    assert "Traceback" not in running.log
