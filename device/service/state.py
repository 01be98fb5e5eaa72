"""What must outlive the process."""

from __future__ import annotations

import logging
import os
from pathlib import Path

log = logging.getLogger(__name__)


class MuteMemory:
    """Remembers the mute state as a file that is there or not: nothing to parse, nothing to be half written."""

    def __init__(self, folder: Path) -> None:
        self._flag = folder / "muted"

    @property
    def muted(self) -> bool:
        """Whether the device was muted when it last ran. When that cannot be read it was: towards quiet and safe."""
        try:
            return self._flag.exists()
        except OSError as error:
            log.error("muted, since the mute state cannot be read: %s: %s", self._flag, error.strerror)
            return True

    def remember(self, muted: bool) -> None:
        """Keep the state; waits for the disk. One that refuses is logged: the device obeys until it is restarted."""
        try:
            self._write(muted)
        except OSError as error:
            log.error("the mute state will not survive a restart: %s: %s", self._flag, error.strerror)

    def _write(self, muted: bool) -> None:
        folder = self._flag.parent
        folder.mkdir(parents=True, exist_ok=True)
        if muted:
            self._flag.touch()
        else:
            self._flag.unlink(missing_ok=True)
        # To the disk: these devices are switched off by pulling the plug.
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
