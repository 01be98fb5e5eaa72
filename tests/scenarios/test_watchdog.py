"""systemd's watchdog, fed by what is heard."""

from __future__ import annotations

import socket
import subprocess
from pathlib import Path

import pytest

from device.sim.devices.soundcard import VirtualSoundCard
from device.sim.realtime import SimulatedRealtime
from tests.scenarios.house import write_config
from tests.scenarios.process import daemon
from tests.waiting import until

pytestmark = [pytest.mark.patient, pytest.mark.card]

WAITS_S = 2.5


def suspend(card: VirtualSoundCard, is_asleep: bool) -> None:
    """Let the microphone give nothing, though it can be opened."""
    command = ["pactl", "suspend-sink", "room", str(int(is_asleep))]
    subprocess.run(command, env=card.client_env(), check=True)


class Systemd:
    """What it is told."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self._socket.setblocking(False)
        self.told: list[str] = []

    def fed(self) -> int:
        """How often the watchdog has been fed so far."""
        try:
            while True:
                self.told.append(self._socket.recv(10_000).decode())
        except BlockingIOError:
            return self.told.count("WATCHDOG=1")

    def close(self) -> None:
        """Listen no more."""
        self._socket.close()


async def test_the_watchdog_is_fed_by_sound_and_by_known_deafness_and_not_in_between(
    server: SimulatedRealtime, tmp_path: Path
) -> None:
    """A microphone that falls silent is no sign of life until the house has noticed, and says that it is deaf."""
    systemd = Systemd(tmp_path / "notify")
    env = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": str(int(WAITS_S * 1e6))}
    config = write_config(tmp_path, server.url)
    async with VirtualSoundCard() as card, daemon(card, server.key, config, env=env) as running:
        await until(lambda: systemd.fed() >= 5, "a watchdog that is fed")
        assert "STATUS=listening for hey jarvis" in systemd.told
        suspend(card, True)
        await running.logged("the watchdog is not fed: no sound has been scored")
        hungry = systemd.fed()
        await running.logged("microphone failed: ")
        known = systemd.fed()
        assert known - hungry <= 1
        await until(lambda: systemd.fed() > known + 1, "a watchdog that is fed again")
        assert any(line.startswith("STATUS=deaf since ") for line in systemd.told)
        suspend(card, False)
        await running.logged("DeviceRecovered")
        heard = systemd.fed()
        await until(lambda: systemd.fed() > heard, "a watchdog that is fed by sound")
        code, _ = await running.end()
    systemd.close()
    assert code == 0
    assert running.log.count("the watchdog is not fed") <= 2
