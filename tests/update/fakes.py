"""A device in a folder, with tiny releases: what runs and hears is a file, and the power can be cut at any step."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from releases.configuration import Configurations
from releases.device import CURRENT, PREVIOUS, Device, UpdateError
from releases.trial import Trial

ROOT = Path(__file__).parent.parent.parent
OLDER, OLD, NEW = "0.0.9", "0.1.0", "0.2.0"

# Its configuration is lines of KEY = VALUE; the release takes those in its file `keys`, and the one that has a file
# `renames` calls `old` by the name of `new`.
PROGRAM = """#!/bin/sh
here=$(readlink -f "$(dirname "$0")/../..")
file=$4
case $2 in
  --check)
    for key in $(sed -n 's/ =.*//p' "$file"); do
      grep -qx "$key" "$here/keys" || { echo "$file: there is no key $key" >&2; exit 78; }
    done ;;
  --migrate)
    if [ -e "$here/renames" ] && grep -q '^old ' "$file"; then
      sed 's/^old /new /' "$file" >"$file.x" && mv "$file.x" "$file" && echo "$file: old is called new now"
    fi ;;
esac
"""


def make_release(folder: Path, version: str, behaviour: str = "hears", keys: str = "old other") -> None:
    """Make a release that takes these keys; `behaviour` is what it does when it is started."""
    program = folder / "venv" / "bin" / "hearthside"
    program.parent.mkdir(parents=True)
    program.write_text(PROGRAM)
    program.chmod(0o755)
    (folder / "keys").write_text("\n".join(keys.split()) + "\n")
    (folder / "behaviour").write_text(behaviour)
    if "new" in keys.split():
        (folder / "renames").touch()
    (folder / "MANIFEST").write_text(json.dumps({"version": version}))


def make_device(root: Path) -> Device:
    """Make one that runs OLD and had OLDER before, with a configuration that both take."""
    device = Device(root)
    for folder in (device.releases, device.settings / "config.d", device.health.parent):
        folder.mkdir(parents=True)
    for release in (OLDER, OLD):
        make_release(device.releases / release, release)
    device.point(CURRENT, OLD)
    device.point(PREVIOUS, OLDER)
    (device.settings / "config.toml").write_text("old = 1\n")
    (device.settings / "config.d" / "10-more.toml").write_text("other = 2\n")
    return device


class FakeService:
    """Runs what `current` led to when it was last started; that hears or not, as its file says."""

    def __init__(self, device: Device) -> None:
        self.device = device
        self.running = device.release(CURRENT)
        self.guarded = 0
        self.refuses_to_guard = False
        self.before = "listening"
        """The state that it tells before anything changes."""

    def guard(self) -> None:
        """Count it: the tests take over themselves."""
        if self.refuses_to_guard:
            raise UpdateError("nobody takes over")
        self.guarded += 1

    def restart(self) -> None:
        """Start what would be started now."""
        self.running = self.device.release(CURRENT)

    def objection(self, release: str, within_s: float, before: Mapping[str, Any]) -> str:
        """Look at the release's file."""
        if self.running != release:
            return f"release {self.running} still runs"
        behaviour = (self.device.releases / release / "behaviour").read_text()
        return "" if behaviour == "hears" or behaviour == before.get("state") else behaviour

    def health(self) -> dict[str, Any]:
        """What it said before."""
        return {"state": self.before}


def trial_of(device: Device) -> Trial:
    """Return what changes its releases, with a service that was just started."""
    return Trial(device, Configurations(device), FakeService(device))


class PowerCutError(BaseException):
    """Nothing after this happens any more."""


class _Power:
    """Counts the steps that change something, and goes out before one of them."""

    def __init__(self) -> None:
        self.steps_left: int | None = None

    def see(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.steps_left is None or not self._changes(event, arguments):
            return
        self.steps_left -= 1
        if self.steps_left < 0:
            raise PowerCutError

    def _changes(self, event: str, arguments: tuple[Any, ...]) -> bool:
        if event == "open":
            flags = arguments[2]
            return bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))
        return event in {
            *("os.rename", "os.symlink", "os.remove", "os.rmdir", "os.mkdir", "os.chown", "os.chmod"),
            "subprocess.Popen",
        }


_POWER = _Power()
sys.addaudithook(_POWER.see)


@contextmanager
def power_for(steps: int) -> Iterator[None]:
    """Let so many steps happen that change a file or start a program, and nothing after them."""
    _POWER.steps_left = steps
    try:
        yield
    finally:
        _POWER.steps_left = None
