"""The file in the runtime directory that says how the house is doing, for whoever cannot or need not ask it."""

from __future__ import annotations

import logging
import os
import threading
from pathlib import Path

from device.kit.threads import Threads

log = logging.getLogger(__name__)

NAME = "health.json"
MODE = 0o640


def runtime_directory() -> Path | None:
    """Return the folder that systemd has made for this service; None without one."""
    # There may be several; the first is ours.
    first = os.environ.get("RUNTIME_DIRECTORY", "").split(":")[0]
    return Path(first) if first else None


class HealthFile:
    """A file that is replaced as a whole. A disk that is full, read-only or hangs changes nothing for the house."""

    def __init__(self, folder: Path) -> None:
        """Raise ThreadError."""
        self._path = folder / NAME
        # Beside it, for a rename: whoever reads sees the old file or the new one, never a half.
        self._draft = folder / f".{NAME}.{os.getpid()}"
        self._threads = Threads("health-file")
        self._newest: bytes | None = None
        self._lock = threading.Lock()
        self._failed = False
        self._is_closed = False

    def write(self, content: bytes) -> None:
        """Replace it soon; never waits. What is newer by then is written instead."""
        if self._is_closed:
            return
        with self._lock:
            is_idle, self._newest = self._newest is None, content
        if is_idle:
            self._threads.post(self._write_newest)

    async def close(self) -> None:
        """Remove it: it would tell of a house that is no more."""
        self._is_closed = True
        await self._threads.call(self._remove)

    def _write_newest(self) -> None:
        """In the thread."""
        with self._lock:
            content, self._newest = self._newest, None
        try:
            self._replace(content or b"")
            self._failed = False
        except OSError as error:
            self._note(error)

    def _replace(self, content: bytes) -> None:
        try:
            self._draft.write_bytes(content)
            # Whatever the unit leaves out of the permissions of its files: for those who may use the socket beside it.
            self._draft.chmod(MODE)
            self._draft.replace(self._path)
        except OSError:
            self._draft.unlink(missing_ok=True)
            raise

    def _remove(self) -> None:
        try:
            self._path.unlink(missing_ok=True)
        except OSError as error:
            self._note(error)

    def _note(self, error: OSError) -> None:
        """Once for as long as it fails: a disk that is full is full for long."""
        if not self._failed:
            self._failed = True
            log.warning("%s cannot be written: %s", self._path, error.strerror)
