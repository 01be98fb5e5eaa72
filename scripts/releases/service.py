"""The service of a device: restarting it with the unit files of the release, and seeing whether it hears."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from typing import Any, Protocol

from releases import health
from releases.device import CURRENT, Device, UpdateError, say
from releases.health import Wanted

UNIT = "hearthside.service"
GUARD = "hearthside-settle.service"
"""Runs `update --settle` of the release to fall back to: at boot, and when whoever switched releases has died."""


class Service(Protocol):
    """What a trial needs of it."""

    def guard(self) -> None:
        """Have somebody take over when this process dies. Raise UpdateError."""

    def restart(self) -> None:
        """Start what `current` leads to; do not wait."""

    def objection(self, release: str, within_s: float, before: Mapping[str, Any]) -> str:
        """Wait until a release hears; return "", or what was against it to the end."""

    def health(self) -> dict[str, Any]:
        """Return what it says of itself; empty when it says nothing."""


class SystemdService:
    """The real one."""

    def __init__(self, device: Device) -> None:
        self._device = device
        self._pid_before: object = None

    def guard(self) -> None:
        """Start the unit that waits for the lock of this process. Raise UpdateError."""
        try:
            _systemctl("start", "--no-block", GUARD)
        except subprocess.CalledProcessError as error:
            raise UpdateError(f"nobody would take over if this were interrupted: {error.stderr.strip()}") from error

    def restart(self) -> None:
        """Have systemd read the unit files anew, and start the service, which may have given up."""
        self._pid_before = health.read(self._device.health).get("pid")
        self._fit_system()
        _try_systemctl("stop", UNIT)
        # How often its predecessor failed is no reason for this one to wait.
        self._device.failures.unlink(missing_ok=True)
        _try_systemctl("start", "--no-block", UNIT)

    def _fit_system(self) -> None:
        # The units are links into `current`, but the names of those that it has may be others.
        program = self._device.home / CURRENT / "scripts" / "lib" / "fit-system"
        try:
            subprocess.run([program], check=True)
        except (OSError, subprocess.CalledProcessError) as error:
            say(f"not all that the release brings could be made known to the system: {error}")

    def objection(self, release: str, within_s: float, before: Mapping[str, Any]) -> str:
        """Ask what it writes of itself."""
        wanted = Wanted(self._device.version(release), self._pid_before, before)
        return health.wait(self._device.health, wanted, within_s)

    def health(self) -> dict[str, Any]:
        """Read it where it writes it."""
        return health.read(self._device.health)


def _try_systemctl(*arguments: str) -> None:
    try:
        _systemctl(*arguments)
    except subprocess.CalledProcessError as error:
        # A unit file that systemd refuses: then the release says nothing, and that is what it is judged by.
        say(f"systemctl {arguments[0]}: {error.stderr.strip()}")


def _systemctl(*arguments: str) -> None:
    subprocess.run(["systemctl", *arguments], check=True, capture_output=True, text=True)
