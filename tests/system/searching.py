"""Looks for planted secrets in all that can be read on a machine."""

from __future__ import annotations

from tests.system.booted import UNIT, Machine

CHILD = "/var/lib/hearthside/child"
EVERYWHERE = "/!(proc|sys|dev|srv|*bin|lib*)"
"""But in what the kernel makes up and in the folder of the virtual sound card; and what is in /usr only once."""


def places_in_processes(machine: Machine, *planted: str) -> str:
    """Return the command lines and environments that show a secret."""
    # By its standard input, else grep would find itself.
    search = "grep --no-messages -lF -f /dev/stdin /proc/[0-9]*/environ /proc/[0-9]*/cmdline"
    return machine.run(search, check=False, text="\n".join(planted)).stdout


def files_with(machine: Machine, *planted: str, under: str = EVERYWHERE) -> list[str]:
    """Return the files that hold a secret, on the disk and in memory, but for the service's own credentials."""
    search = f"shopt -s extglob nullglob dotglob\ngrep --no-messages -rlF --devices=skip -f /dev/stdin {under}"
    found = machine.run(search, check=False, text="\n".join(planted), timeout_s=120).stdout
    return sorted(path for path in found.splitlines() if not path.startswith("/run/credentials/"))


def note_environment_of_children(machine: Machine) -> None:
    """Let the voice that speaks without a network write down what it has inherited."""
    machine.run("mv /usr/bin/espeak-ng /usr/bin/espeak-ng.real")
    machine.write("/usr/bin/espeak-ng", f'#!/bin/sh\nenv >{CHILD}\nexec espeak-ng.real "$@"\n', 0o755)


def has_inherited(machine: Machine) -> bool:
    """Whether it has spoken since, and written that down."""
    return "PATH=" in machine.run(f"cat {CHILD}", check=False).stdout


def crash(machine: Machine) -> None:
    """Let the service die as a program with a defect does, where dumps of its memory would be kept."""
    restarts = machine.property("NRestarts")
    machine.run(f"systemctl kill --signal=ABRT {UNIT}")
    machine.wait_until(lambda: machine.property("NRestarts") != restarts, "a restart")
