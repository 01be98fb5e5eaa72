"""What is asked of a device over SSH, and what it answers. No I/O."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from dataclasses import dataclass

# Behind it begins the archive: whether sudo has taken the password that stands before it, or not.
START = "hearthside-provision-begins"

# On the disk and not in memory, where a release would not fit; a folder of root's, so that nobody can exchange it.
_WORK = """\
set -eu
umask 077
while IFS= read -r line; do
  if [ "$line" = hearthside-provision-begins ]; then break; fi
done
folder=$(mktemp -d /var/tmp/hearthside-provision.XXXXXX)
trap 'rm -rf "$folder"' EXIT
tar -x -C "$folder"
bash "$folder/first-boot" install
"""
_LOOK = 'sed -n \'s/.*"sha256": "\\([0-9a-f]*\\)".*/\\1/p\' /opt/hearthside/current/MANIFEST 2>/dev/null || true'

UNREACHABLE = 255
"""ssh's exit code when it could not connect, log in, or trust the host."""
_WELL = ("listening", "muted", "offline")


@dataclass(frozen=True)
class Answer:
    """How it went on one device."""

    host: str
    code: int
    said: str
    """On standard output: lines for us,"""
    complained: str
    """and on standard error, for people."""
    took_s: float = 0.0

    @property
    def changed(self) -> tuple[str, ...]:
        """What is not as it was."""
        return self._values("changed")

    @property
    def release(self) -> str:
        """Which one is installed now."""
        return "".join(self._values("release"))

    @property
    def state(self) -> str:
        """What the service says of itself."""
        return "".join(self._values("state"))

    @property
    def is_well(self) -> bool:
        """Whether everything was done, and the device works."""
        return self.code == 0 and self.state in _WELL

    @property
    def problem(self) -> str:
        """What is wrong, in a line; empty when nothing is."""
        if self.is_well:
            return ""
        if self.code == 0:
            return "".join(self._values("why")) or "the service does not say how it is"
        lines = [line for line in self.complained.splitlines() if line.strip()]
        return _explained(lines[-1].removeprefix("first-boot: ")) if lines else f"exit code {self.code}"

    def _values(self, kind: str) -> tuple[str, ...]:
        return tuple(line[len(kind) + 1 :] for line in self.said.splitlines() if line.startswith(f"{kind} "))


def ssh(host: str, command: str, options: Iterable[str], accept_new: bool) -> list[str]:
    """Return the command line of ssh. It never asks: with several devices nobody could tell which one does."""
    fixed = ["BatchMode=yes", "ConnectTimeout=10", "ServerAliveInterval=15"]
    if accept_new:
        fixed.append("StrictHostKeyChecking=accept-new")
    given = [word for option in (*options, *fixed) for word in ("-o", option)]
    return ["ssh", *given, "--", host, command]


def work(asks_password: bool) -> str:
    """Return the command that takes `beginning` and an archive on its standard input, and sets the device up."""
    script = shlex.quote(_WORK)
    sudo = "sudo -k -S -p ''" if asks_password else "sudo -n"
    return f'if [ "$(id -u)" = 0 ]; then exec sh -c {script}; else exec {sudo} sh -c {script}; fi'


def beginning(password: str) -> str:
    """Return what goes before the archive."""
    return f"{password}\n{START}\n" if password else f"{START}\n"


def look() -> str:
    """Return the command that prints which bundle is installed, by its SHA-256."""
    return _LOOK


def _explained(line: str) -> str:
    if "Host key verification failed" in line:
        return "its host key is not known: connect once by hand, or give --accept-new-host-keys"
    if "a password is required" in line or "no password was provided" in line:
        return "sudo asks for a password there: give --ask-sudo-password"
    return line
