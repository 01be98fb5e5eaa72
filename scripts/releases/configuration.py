"""The configuration of a device beside its releases: kept before each change, and put back where a release needs it."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from releases import disk, health
from releases.device import Device, UpdateError, say

_PARTS = ("config.toml", "config.d")
_HEALTH = "health.json"


class Configurations:
    """The one that holds, and those that were kept: one for each release that ran, as it was when it last did."""

    def __init__(self, device: Device) -> None:
        self._device = device
        self._settings = device.settings
        self.kept = device.settings / "backups"

    def complaint(self, release: str) -> str:
        """Return what a release finds wrong with the configuration that holds, "" when it takes it."""
        said = self._ask(release, "--check")
        return said.stderr.strip() or "it says nothing" if said.returncode else ""

    def _ask(self, release: str, option: str) -> subprocess.CompletedProcess[str]:
        file = self._settings / "config.toml"
        named = ["--config", str(file)] if file.exists() else []
        program = str(self._device.program(release))
        try:
            return subprocess.run(
                [program, "config", option, *named], capture_output=True, text=True, errors="replace", check=False
            )
        except OSError as error:
            return subprocess.CompletedProcess([], 1, "", f"{program} cannot be run: {error.strerror}")

    def migrate(self, release: str) -> None:
        """Let a release rewrite what it reads only for old times' sake: keys that have other names by now."""
        said = self._ask(release, "--migrate")
        if said.returncode:
            say(f"the configuration stays as it was, for the release reads it all the same: {said.stderr.strip()}")
        elif said.stdout.strip():
            say(said.stdout.strip())

    def keep_before(self, running: str, wanted: str, said: Mapping[str, Any]) -> None:
        """Keep the configuration that holds as that of the release that runs, before it changes to another one.

        Also what the device says of itself then.
        """
        for release in (running, wanted):
            self.forget(self._newer(release))
        self.keep(running, said)

    def health_before(self, running: str) -> dict[str, Any]:
        """Return what the device said of itself before it changed from this release."""
        return health.read(self.kept / running / _HEALTH)

    def keep(self, release: str, said: Mapping[str, Any] = {}) -> None:
        """Keep the configuration that holds under a name."""
        if not self._settings.is_dir():
            return
        new = self.kept / f".{release}"
        self._make(self.kept)
        shutil.rmtree(new, ignore_errors=True)
        self._make(new)
        for file in self._files(self._settings):
            (new / file).parent.mkdir(exist_ok=True)
            disk.put(self._settings / file, new / file)
        (new / _HEALTH).write_text(json.dumps(said), "utf-8")
        self.forget(release)
        disk.name(new, self.kept / release)

    def _make(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        shutil.copystat(self._settings, folder)
        shutil.chown(folder, self._settings.stat().st_uid, self._settings.stat().st_gid)

    def fit(self, release: str) -> None:
        """Put back what a release ran with, unless it takes what holds. Raise UpdateError when it takes neither."""
        complaint = self.complaint(release)
        if not complaint:
            return
        say(f"release {release} does not take the configuration: {complaint}")
        self.put_back(release)
        if complaint := self.complaint(release):
            raise UpdateError(f"release {release} does not take the configuration: {complaint}; correct that first")

    def put_back(self, release: str) -> None:
        """Let the configuration be that with which a release ran; one that is newer is kept aside."""
        kept, newer = self.kept / release, self.kept / self._newer(release)
        if not kept.is_dir() or self._contents(kept) == self._contents(self._settings):
            return
        say(f"putting back the configuration with which {release} ran; the newer one is in {newer}")
        if not newer.exists():
            # When there is one, this was interrupted: what holds may be half of each.
            self.keep(newer.name)
        for file in self._files(kept):
            (self._settings / file).parent.mkdir(exist_ok=True)
            disk.put(kept / file, self._settings / file)
        for file in set(self._files(self._settings)) - set(self._files(kept)):
            disk.drop(self._settings / file)

    @staticmethod
    def _newer(release: str) -> str:
        return f"newer-than-{release}"

    def _contents(self, folder: Path) -> dict[Path, bytes]:
        return {file: (folder / file).read_bytes() for file in self._files(folder)}

    @staticmethod
    def _files(folder: Path) -> Iterator[Path]:
        found = (file for part in _PARTS for file in (folder / part, *(folder / part).glob("*.toml")))
        return (file.relative_to(folder) for file in found if file.is_file() and not file.name.startswith("."))

    def forget(self, release: str) -> None:
        """Remove what was kept under this name."""
        if (self.kept / release).exists():
            disk.remove(self.kept / release)

    def prune(self) -> None:
        """Forget those of releases that are gone, and what an interruption has left."""
        if not self.kept.is_dir():
            return
        disk.clear(self.kept)
        for left in (*self._settings.glob(".*.toml.new"), *(self._settings / "config.d").glob(".*.toml.new")):
            left.unlink()
        for folder in list(self.kept.iterdir()):
            if not self._device.is_whole(folder.name.removeprefix("newer-than-")):
                disk.remove(folder)
