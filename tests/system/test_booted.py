"""What the tests on booted machines stand on. Slow, needs root: `scripts/test-system`."""

from __future__ import annotations

import pytest

from tests.system.booted import Machine
from tests.system.network import Cable
from tests.system.roots import debian
from tests.system.stage import CARD_FOLDER, Stage

pytestmark = pytest.mark.system

SYSTEMD = {"bookworm": "252", "trixie": "257"}
PYTHON = {"bookworm": "3.11", "trixie": "3.13"}


def test_a_machine_boots_the_systemd_of_its_release(suite: str) -> None:
    """And not much of it fails in a container."""
    with Machine((debian(suite),)) as machine:
        machine.boot()
        assert machine.says("systemctl --version").split()[1] == SYSTEMD[suite]
        assert machine.says("python3 --version").split()[1].startswith(PYTHON[suite])
        machine.wait_until(lambda: machine.says("systemctl list-jobs --no-legend") == "", "an end of the start")
        assert machine.says("systemctl --failed --no-legend --plain") == ""


def test_what_was_written_outlives_a_power_cut_and_not_the_machine(suite: str) -> None:
    """Also what was written while it was off."""
    with Machine((debian(suite),)) as machine:
        machine.write("/etc/before", "while off")
        machine.boot()
        machine.write("/etc/after", "while on", mode=0o600, owner="root:audio")
        machine.cut_power()
        machine.boot()
        assert machine.read("/etc/before") == "while off"
        assert machine.read("/etc/after") == "while on"
        assert machine.says("stat --format=%a:%G /etc/after") == "600:audio"
        machine.reboot()
        assert machine.read("/etc/after") == "while on"
    with Machine((debian(suite),)) as machine:
        assert machine.run("cat /etc/after", check=False).returncode


def test_a_machine_has_no_network_but_its_cable(suite: str) -> None:
    """And none at all while that is unplugged."""
    with Cable() as cable, Machine((debian(suite),), cable) as machine:
        machine.boot()
        links = [line.split()[:2] for line in machine.says("ip -brief link").splitlines()]
        assert [(name.partition("@")[0], state) for name, state in links] == [("lo", "UNKNOWN"), ("eth0", "UP")]
        cable.unplug()
        assert "NO-CARRIER" in machine.says("ip -brief link show eth0")
        assert machine.run("timeout 2 bash -c ': </dev/tcp/192.0.2.1/80'", check=False).returncode


def test_a_machine_sees_the_sound_card_and_the_server(suite: str, stage: Stage) -> None:
    """The card by ALSA, as any user; the server by its name, and its certificate is trusted."""
    with stage.machine((debian(suite),)) as machine:
        machine.boot()
        assert machine.says(f"runuser -u nobody -- ls {CARD_FOLDER}/native")
        url = stage.server.url.replace("wss://", "https://")
        trusting = f"import urllib.request as r\ntry: r.urlopen('{url}')\nexcept r.HTTPError as e: print(e.code)"
        assert machine.run("python3 -", text=trusting).stdout.strip() == "401"
