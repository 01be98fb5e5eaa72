"""Several devices over SSH: scripts/provision and the Ansible role, against a real OpenSSH."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.system.booted import Machine
from tests.system.provisioning import (
    BOOT,
    INSTALL_LIMIT_S,
    ROOT,
    Keys,
    address,
    places_of,
    play,
    reachable,
    release,
)
from tests.system.stage import KEY, Stage

pytestmark = pytest.mark.system

# Of the network for examples: nobody is there.
NOBODY = "ada@192.0.2.1"
BOOT_CONFIG = f"{BOOT}/config.txt"
BOARD, OVERLAY = "waveshare_wm8960", "dtoverlay=wm8960-soundcard"
OK = re.compile(r"ok=(\d+) +changed=(\d+) +unreachable=(\d+) +failed=(\d+)")


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    """The operator's."""
    return Keys.make(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="session")
def bundle() -> Path:
    """A release of this clone."""
    return release()


@pytest.fixture
def machines(stage: Stage, keys: Keys) -> Iterator[tuple[Machine, Machine]]:
    """One of each release of Debian."""
    with ExitStack() as stack:
        old, new = (stack.enter_context(reachable(suite, stage, keys)) for suite in ("bookworm", "trixie"))
        yield old, new


def provision(keys: Keys, *arguments: object, given: str = "") -> subprocess.CompletedProcess[str]:
    """Run scripts/provision."""
    command = [sys.executable, ROOT / "scripts" / "provision", "--accept-new-host-keys", *arguments]
    command += [word for option in keys.options for word in ("--ssh-option", option)]
    return subprocess.run(
        list(map(str, command)), capture_output=True, text=True, check=False, input=given, timeout=2 * INSTALL_LIMIT_S
    )


@pytest.fixture
def fresh(suite: str, stage: Stage, keys: Keys) -> Iterator[Machine]:
    """A machine with SSH and the boot configuration of a Pi, on which nothing has been installed."""
    with reachable(suite, stage, keys) as machine:
        machine.write(BOOT_CONFIG, "dtparam=audio=on\n")
        yield machine


def rows(run: subprocess.CompletedProcess[str]) -> list[list[str]]:
    """Return what became of each device, by the table's columns."""
    return [re.split(" {2,}", line) for line in run.stdout.splitlines()[1:-1]]


def test_provision_sets_a_fresh_device_up(fresh: Machine, keys: Keys, bundle: Path) -> None:
    """From SSH alone to a device that listens, and nothing the second time; a new board asks for another start."""
    wanted = [address(fresh), "--bundle", bundle, "--key-file", "-"]
    first = provision(keys, *wanted, given=f"{KEY}\n")
    assert first.returncode == 0, first.stdout + first.stderr
    assert rows(first)[0][2:4] == ["secret, release", "listening"]
    assert fresh.is_in_state("listening")
    started = fresh.property("MainPID")
    again = provision(keys, *wanted, given=f"{KEY}\n")
    assert (again.returncode, rows(again)[0][2:4]) == (0, ["nothing", "listening"])
    assert fresh.property("MainPID") == started
    with_board = provision(keys, *wanted, "--profile", BOARD, given=f"{KEY}\n")
    assert (with_board.returncode, rows(with_board)[0][3]) == (1, "restart"), with_board.stdout + with_board.stderr
    assert OVERLAY in fresh.read(BOOT_CONFIG)
    keys.ssh(address(fresh), "sudo reboot")
    fresh.wait_until_off()
    fresh.boot()
    fresh.wait_for_state("listening")
    at_last = provision(keys, *wanted, "--profile", BOARD, given=f"{KEY}\n")
    assert (at_last.returncode, rows(at_last)[0][2:4]) == (0, ["nothing", "listening"])
    assert KEY not in "".join(run.stdout + run.stderr for run in (first, again, with_board, at_last))


def inventory(folder: Path, machines: tuple[Machine, Machine], bundle: Path) -> Path:
    """Write one, with somebody who is not there."""
    hosts = "\n".join(f"    {who.partition('@')[2]}:" for who in (NOBODY, *map(address, machines)))
    path = folder / "inventory.yml"
    path.write_text(
        f"speakers:\n  hosts:\n{hosts}\n  vars:\n    ansible_user: ada\n"
        f"    hearthside_bundle: {bundle}\n    hearthside_openai_api_key: {KEY}\n    hearthside_profile: generic\n",
        encoding="utf-8",
    )
    return path


def counted(run: subprocess.CompletedProcess[str]) -> dict[str, tuple[int, ...]]:
    """Return Ansible's recapitulation: ok, changed, unreachable and failed of each device."""
    lines = [line.partition(":") for line in run.stdout.partition("PLAY RECAP")[2].splitlines()]
    return {host.strip(): tuple(map(int, found.groups())) for host, _, rest in lines if (found := OK.search(rest))}


def test_ansible_and_provision_set_devices_up(
    machines: tuple[Machine, Machine], keys: Keys, bundle: Path, tmp_path: Path
) -> None:
    """Ansible twice, the second time without a change; provision then finds nothing to do but what is new."""
    hosts = inventory(tmp_path, machines, bundle)
    first = play(hosts, keys)
    counts = counted(first)
    there = [address(machine).partition("@")[2] for machine in machines]
    assert counts["192.0.2.1"][2] == 1, first.stdout
    for host, machine in zip(there, machines, strict=True):
        assert counts[host][1] > 0, first.stdout + first.stderr
        assert counts[host][2:] == (0, 0), first.stdout + first.stderr
        assert machine.is_in_state("listening")
    second = counted(play(hosts, keys))
    assert [second[host][1:] for host in there] == [(0, 0, 0), (0, 0, 0)]
    check_provision(machines, keys, bundle, tmp_path)
    for machine in machines:
        assert not places_of(KEY, machine, "/etc/credstore/", "/run/credentials/")
        assert KEY not in machine.run("journalctl --boot --no-pager").stdout


def check_provision(machines: tuple[Machine, Machine], keys: Keys, bundle: Path, folder: Path) -> None:
    """Let it send another configuration, twice; the bundle is there already."""
    config = folder / "config.toml"
    config.write_text("[audio]\nvolume = 0.3\n", encoding="utf-8")
    wanted = [NOBODY, *map(address, machines), "--bundle", bundle, "--key-file", "-", "--config", config]
    run = provision(keys, *wanted, given=f"{KEY}\n")
    assert run.returncode == 1, run.stdout + run.stderr
    assert "2 of 3 work, 1 do not" in run.stdout
    for machine in machines:
        assert machine.read("/etc/hearthside/config.toml") == "[audio]\nvolume = 0.3\n"
        assert machine.says("stat --format=%a:%U:%G /etc/hearthside/config.toml") == "640:root:hearthside"
        machine.wait_for_state("listening")
    again = provision(keys, *wanted[1:], given=f"{KEY}\n")
    assert again.returncode == 0, again.stdout + again.stderr
    assert re.findall(r" nothing +listening ", again.stdout) == [" nothing  listening "] * 2
    assert KEY not in run.stdout + run.stderr + again.stdout + again.stderr
