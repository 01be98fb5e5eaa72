"""What scripts/uninstall takes away, and what it leaves."""

from __future__ import annotations

import re

import pytest

from tests.scripts.machine import ROOT, Machine

DROP_IN = "etc/systemd/system/hearthside.service.d/more-memory.conf"
DROP_IN_OF_AGENTS = "etc/systemd/system/hearthside-mcp.service.d/networks.conf"
YOURS = (
    *("etc/hearthside/config.toml", "var/lib/hearthside/mute", "etc/credstore/openai_api_key"),
    *(DROP_IN, DROP_IN_OF_AGENTS),
)
FOREIGN = ("etc/credstore/other_key", "usr/local/bin/other", "etc/hostname")


@pytest.fixture
def installed(machine: Machine) -> Machine:
    """Hearthside among other things, with a board in the boot configuration."""
    for name in (*YOURS, *FOREIGN):
        path = machine.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"# {name}\n")
    machine.boot()
    assert machine.run("install", "--profile", "waveshare_wm8960").returncode == 0
    return machine


def test_programs_go_and_what_is_yours_stays(installed: Machine) -> None:
    """And it says what that is."""
    done = installed.run("uninstall")
    assert done.returncode == 0, done.stderr
    assert "systemctl --quiet disable hearthside-retry.timer hearthside.service" in installed.calls
    assert "systemctl stop hearthside-retry.timer hearthside.service" in installed.calls
    boot = {"boot/firmware/config.txt", "boot/firmware/config.txt.before-hearthside"}
    assert set(installed.tree()) == {*YOURS, *FOREIGN, *boot}
    drop_ins = f"/{DROP_IN}".rpartition("/")[0]
    for said in (
        "/etc/hearthside",
        "/var/lib/hearthside",
        "/etc/credstore/openai_api_key",
        drop_ins,
        "boot configuration",
    ):
        assert f"stays: {said}" in done.stderr or f"stays: the lines of the board in the {said}" in done.stderr


def test_purged_a_device_is_as_it_was(installed: Machine) -> None:
    """Also its boot configuration; what belongs to others is untouched."""
    done = installed.run("uninstall", "--purge")
    assert done.returncode == 0, done.stderr
    left = installed.tree()
    assert left.pop("boot/firmware/config.txt") == "dtparam=audio=on\n"
    assert set(left) == {*FOREIGN, "boot/firmware/config.txt.before-hearthside"}


def test_a_broker_on_the_same_machine_keeps_its_command(installed: Machine) -> None:
    """It was the device's while that was there."""
    own = installed.root / "opt" / "hearthside-broker" / "venv" / "bin" / "hearthside"
    own.parent.mkdir(parents=True)
    own.touch(mode=0o755)
    done = installed.run("uninstall")
    assert done.returncode == 0, done.stderr
    command = installed.root / "usr" / "local" / "bin" / "hearthside"
    assert str(command.readlink()) == "/opt/hearthside-broker/venv/bin/hearthside"


def test_a_dry_run_changes_nothing(installed: Machine) -> None:
    """And names what would go."""
    before = installed.tree()
    done = installed.run("uninstall", "--purge", "--dry-run")
    assert done.returncode == 0, done.stderr
    assert installed.tree() == before
    assert f"rm -rf {installed.root}/etc/hearthside" in done.stderr


def test_it_can_be_installed_again(installed: Machine) -> None:
    """With the configuration that was there."""
    installed.run("uninstall")
    assert installed.run("install").returncode == 0
    assert (installed.root / YOURS[0]).read_text() == f"# {YOURS[0]}\n"


def test_twice_is_as_good_as_once(installed: Machine) -> None:
    """Whoever is not sure runs it again."""
    installed.run("uninstall", "--purge")
    before = installed.tree()
    assert installed.run("uninstall", "--purge").returncode == 0
    assert installed.tree() == before


def test_the_script_of_the_release_removes_itself(installed: Machine) -> None:
    """Where no clone is at hand."""
    own = installed.current / "scripts" / "uninstall"
    (installed.source / "scripts" / "uninstall").unlink()
    (installed.source / "scripts" / "uninstall").symlink_to(own)
    done = installed.run("uninstall")
    assert done.returncode == 0, done.stderr
    assert not installed.releases.exists()


def test_every_secret_of_the_service_is_known(installed: Machine) -> None:
    """A new one that stayed behind after --purge would be somebody's key."""
    unit = (ROOT / "systemd" / "hearthside.service").read_text("utf-8")
    names = re.findall(r"^LoadCredential(?:Encrypted)?=([a-z_]+)", unit, re.MULTILINE)
    assert names
    # Those of MCP servers are in a drop-in of the person's, that of agents in a unit of its own.
    for name in (*names, "mcp_home_token", "openai_mcp_calendar_token", "mcp_server_token"):
        path = installed.root / "etc" / "credstore" / name
        path.write_text("# a secret\n")
    installed.run("uninstall", "--purge")
    assert {path.name for path in (installed.root / "etc" / "credstore").iterdir()} == {"other_key"}
