"""An installed device: where everything is, which releases it has, and which of them starts."""

from __future__ import annotations

import fcntl
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from releases import disk

CURRENT, PREVIOUS, TRIAL = "current", "previous", "trial"
"""Links beside the releases: to the one that starts; to the one that ran before it, which --rollback returns to; and to
the one to fall back to, as long as `current` has not shown that it hears."""


class UpdateError(Exception):
    """It cannot go on; the message says why, and what to do."""


def say(text: str) -> None:
    """Tell whoever looks on; the journal when nobody does."""
    print(f"update: {text}", file=sys.stderr, flush=True)


@dataclass(frozen=True)
class Device:
    """The folders of one; the tests put it into another than /."""

    root: Path = Path("/")

    @property
    def home(self) -> Path:
        """Where the links are."""
        return self.root / "opt" / "hearthside"

    @property
    def releases(self) -> Path:
        """Where each release has a folder of its name; what has another one is a leftover, and begins with a dot."""
        return self.home / "releases"

    @property
    def settings(self) -> Path:
        """Where the configuration is."""
        return self.root / "etc" / "hearthside"

    @property
    def health(self) -> Path:
        """Where the running device says how it is."""
        return self.root / "run" / "hearthside" / "health.json"

    @property
    def failures(self) -> Path:
        """Where systemd/hearthside-restarts counts how often the service has failed."""
        return self.health.with_name("restarts")

    def lock(self) -> int:
        """Wait until nobody else changes the releases. The lock ends with this process, however that ends."""
        try:
            handle = os.open(self.home, os.O_RDONLY)
        except FileNotFoundError:
            raise UpdateError(f"nothing is installed in {self.home}: run scripts/install") from None
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("waiting for another installation or update")
            fcntl.flock(handle, fcntl.LOCK_EX)
        return handle

    def is_whole(self, release: str) -> bool:
        """Tell whether a release can start."""
        folder = self.releases / release
        program = folder / "venv" / "bin" / "hearthside"
        return bool(release) and (folder / "MANIFEST").is_file() and os.access(program, os.X_OK)

    def version(self, release: str) -> str:
        """Return what it calls itself."""
        manifest = json.loads((self.releases / release / "MANIFEST").read_text("utf-8"))
        return str(manifest["version"])

    def program(self, release: str) -> Path:
        """Return its command."""
        return self.releases / release / "venv" / "bin" / "hearthside"

    def release(self, link: str) -> str:
        """Return the release that a link leads to, "" when it leads to no whole one."""
        try:
            name = (self.home / link).readlink().name
        except OSError:
            return ""
        return name if self.is_whole(name) else ""

    def point(self, link: str, release: str) -> None:
        """Let a link lead to a release."""
        disk.point(self.home / link, f"releases/{release}")

    def drop(self, link: str) -> None:
        """Remove a link."""
        disk.drop(self.home / link)

    def on_trial(self) -> bool:
        """Tell whether an update has not come to its end."""
        return (self.home / TRIAL).is_symlink()

    def clear_leftovers(self) -> None:
        """Remove what an installation or update has left that was interrupted."""
        disk.clear(self.releases)
        disk.clear(self.home)

    def prune(self) -> None:
        """Keep the release that starts, and the one to go back to."""
        current = self.release(CURRENT)
        if not current:
            return
        if self.release(PREVIOUS) in ("", current):
            self.drop(PREVIOUS)
        kept = {current, self.release(PREVIOUS), self.release(TRIAL)}
        for folder in sorted(self.releases.iterdir()):
            if folder.name not in kept and not folder.name.startswith("."):
                say(f"removing release {folder.name}")
                disk.remove(folder)
