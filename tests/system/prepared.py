"""Systems on which something has been installed, once for all tests that need it."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Callable
from pathlib import Path

from tests.system.booted import Machine
from tests.system.roots import ROOT, debian, kept
from tests.system.stage import Stage

INSTALL_LIMIT_S = 1800.0
# What the installed device is made from: a change of the tests alone needs no new installation.
_MADE_FROM = ("device", "systemd", "scripts", "pyproject.toml", "requirements.txt")


def installed(suite: str, stage: Stage) -> tuple[Path, ...]:
    """Return the layers of a machine with the device installed, by this repository as it is committed."""

    def make(folder: Path) -> None:
        with stage.machine((debian(suite),), with_cable=False) as machine:
            machine.boot()
            install(machine)
            machine.wait_for_state("listening")
            machine.shut_down()
            machine.keep_changes(folder)

    trees = subprocess.check_output(["git", "-C", ROOT, "rev-parse", *(f"HEAD:{name}" for name in _MADE_FROM)])
    return _over_debian(suite, "installed", trees, make)


def install(machine: Machine) -> None:
    """Install from a clone, as the README says."""
    machine.clone_repository()
    machine.run("cd /root/hearthside && ./scripts/install", timeout_s=INSTALL_LIMIT_S)


def debian_with(suite: str, *packages: str) -> tuple[Path, ...]:
    """Return the layers of a Debian with more of its packages."""
    names = " ".join(packages)

    def make(folder: Path) -> None:
        with Machine((debian(suite),)) as machine:
            quiet = "DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends"
            machine.run(f"apt-get update -q && {quiet} {names} && apt-get clean", timeout_s=INSTALL_LIMIT_S)
            machine.keep_changes(folder)

    return _over_debian(suite, "packages", names.encode(), make)


def _over_debian(suite: str, name: str, made_from: bytes, make: Callable[[Path], None]) -> tuple[Path, ...]:
    bare = debian(suite)
    version = hashlib.sha256(made_from + bare.name.encode()).hexdigest()[:8]
    return kept(f"{name}-{suite}-{version}", lambda folder: make(folder / "changes")) / "changes", bare
