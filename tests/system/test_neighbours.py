"""The examples of docs/examples, with the players of each Debian: quieter, and as loud again as before."""

from __future__ import annotations

import json

import pytest

from tests.system.booted import Machine
from tests.system.roots import ROOT, alone

pytestmark = pytest.mark.system

INSTALLED_WITHIN_S = 600.0
MPD = """
music_directory "/srv/music"
db_file "/var/lib/mpd/db"
bind_to_address "/run/mpd/socket"
audio_output {
  type "null"
  name "nothing"
  mixer_type "null"
}
"""
SNAPCLIENT = 'SNAPCLIENT_OPTS="--host localhost --player file:filename=null --mixer software"\n'
GET_STATUS = '{"id": 1, "jsonrpc": "2.0", "method": "Server.GetStatus"}'


def equip(machine: Machine, *packages: str) -> None:
    """Boot it, install packages and put the examples in their places."""
    machine.boot()
    machine.run("apt-get update -q", timeout_s=INSTALLED_WITHIN_S)
    install = "DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends"
    machine.run(f"{install} {' '.join(packages)}", timeout_s=INSTALLED_WITHIN_S)
    machine.run("useradd --create-home hearthside")
    for example in (ROOT / "docs" / "examples").iterdir():
        machine.write(f"/usr/local/bin/{example.name}", example.read_bytes(), mode=0o755)


def order(machine: Machine, command: str) -> None:
    """Run a command as the daemon does: as its user, with next to nothing in its environment."""
    environment = "PATH=/usr/bin:/bin STATE_DIRECTORY=/home/hearthside MPD_HOST=/run/mpd/socket"
    machine.run(f"runuser -u hearthside -- env --ignore-environment {environment} /usr/local/bin/{command}")


def test_mpd_is_quieter_and_as_loud_again(bare: Machine) -> None:
    """Also when it is told twice."""
    equip(bare, "mpd", "mpc")
    bare.write("/etc/mpd.conf", MPD)
    bare.run("mkdir -p /srv/music && systemctl restart mpd")

    def volume() -> str:
        return bare.says("MPD_HOST=/run/mpd/socket mpc volume")

    bare.wait_until(lambda: bare.run("MPD_HOST=/run/mpd/socket mpc -q volume 80", check=False).returncode == 0, "mpd")
    for _ in range(2):
        order(bare, "duck-mpd duck")
        assert volume().split() == ["volume:", "20%"]
    for _ in range(2):
        order(bare, "duck-mpd restore")
        assert volume().split() == ["volume:", "80%"]


def test_snapclient_is_quieter_and_as_loud_again(bare: Machine) -> None:
    """Through the server's control port."""
    # It has this machine's network, where two servers would be in each other's way.
    with alone("snapcast"):
        see_snapclient_ducked(bare)


def see_snapclient_ducked(bare: Machine) -> None:
    """Twice quieter, and twice as loud again."""
    equip(bare, "snapserver", "snapclient", "netcat-openbsd")
    bare.write("/etc/default/snapclient", SNAPCLIENT)
    bare.run("systemctl restart snapserver snapclient")

    def volumes() -> list[int]:
        answer = bare.run(f"echo '{GET_STATUS}' | nc -N -w 2 localhost 1705 | head -n 1", check=False).stdout
        groups = json.loads(answer)["result"]["server"]["groups"] if answer else []
        return [client["config"]["volume"]["percent"] for group in groups for client in group["clients"]]

    bare.wait_until(lambda: volumes() == [100], "a client")
    for _ in range(2):
        order(bare, "duck-snapclient duck")
        assert volumes() == [25]
    for _ in range(2):
        order(bare, "duck-snapclient restore")
        assert volumes() == [100]
