"""The unit of the MCP server: off by default, as confined as the broker, and away from the daemon's own things."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

from device.control import paths
from device.control.agents.settings import TOKEN
from tests.systemd.test_units import CONFINEMENT, DAEMON, FOLDER, needs_systemd
from tests.systemd.unitfile import read

UNIT = FOLDER / "hearthside-mcp.service"
ROOT = Path(__file__).parents[2]


def test_it_serves_with_the_daemons_configuration() -> None:
    """At the daemon's side, and of the same release."""
    unit = read(UNIT)
    program, *arguments = unit.value("ExecStart").split()
    assert program == "/opt/hearthside/current/venv/bin/hearthside"
    assert arguments == ["mcp", "serve", "--config", "/etc/hearthside/config.toml"]
    assert unit.values("PartOf") == unit.values("WantedBy") == [DAEMON.name]
    assert unit.value("RestartPreventExitStatus") == str(os.EX_CONFIG)
    assert (unit.value("Restart"), unit.value("StartLimitIntervalSec")) == ("on-failure", "0")


def test_nothing_starts_it_but_a_person() -> None:
    """Neither the installer, nor another unit."""
    for path in (ROOT / "scripts" / "install", ROOT / "scripts" / "update", *FOLDER.glob("*.*")):
        assert path == UNIT or "hearthside-mcp" not in path.read_text(encoding="utf-8"), path


def test_it_is_not_the_daemons_user_and_sees_none_of_its_files() -> None:
    """The group lets it read the configuration and speak to the daemon."""
    unit, daemon = read(UNIT), read(DAEMON)
    assert unit.value("DynamicUser") == "yes"
    assert unit.value("User") != daemon.value("User")
    assert unit.value("Group") == daemon.value("Group")
    assert "-/var/lib/hearthside" in unit.value("InaccessiblePaths").split()
    assert unit.values("SupplementaryGroups") == []


def test_it_sees_the_socket_of_agents_and_not_that_of_people() -> None:
    """Over that one could unmute; its group would let it in."""
    unit, folder = read(UNIT), paths.SERVICE
    assert unit.value("TemporaryFileSystem") == f"{folder}:ro"
    assert unit.values("BindReadOnlyPaths") == [str(folder / paths.AGENTS)]
    made = (FOLDER / "tmpfiles.conf").read_text(encoding="utf-8").splitlines()
    assert f"d {folder / paths.AGENTS} 0750 hearthside hearthside -" in made


def test_the_token_comes_by_a_credential_and_gets_into_no_core() -> None:
    """One that may be missing: a name alone."""
    unit = read(UNIT)
    assert unit.values("LoadCredential") == [TOKEN.lower()]
    assert (unit.value("LimitCORE"), unit.value("MemorySwapMax")) == ("0", "0")


def test_what_is_left_out_of_the_confinement_is_explained() -> None:
    """In a comment that begins with its name."""
    assigned = {assignment.key for assignment in read(UNIT).assignments}
    comments = "\n".join(re.findall(r"^#   (.*):", UNIT.read_text(encoding="utf-8"), re.MULTILINE))
    assert set(re.findall(r"\w+", comments)) >= {*CONFINEMENT} - assigned - {"DeviceAllow"}


@needs_systemd
def test_it_is_confined() -> None:
    """By systemd's own measure."""
    command = ["systemd-analyze", "security", "--offline=true", "--no-pager", UNIT]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = re.search(r"Overall exposure level for .*: ([\d.]+)", done.stdout)
    assert found, done.stdout + done.stderr
    assert float(found[1]) <= 1.5
