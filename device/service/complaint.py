"""What is wrong with the configuration, kept for who shows and says it while the service cannot run.

A file in the folder that systemd makes for the service while the machine is on. Started by hand there is none: then the
person reads it on the terminal.
"""

from __future__ import annotations

import logging
from pathlib import Path

from device.service.healthfile import runtime_directory

log = logging.getLogger(__name__)

_LEFT = "complaint"
_TOLD = "told"


class Complaint:
    """The complaint of the last start that failed. Its methods never raise."""

    def __init__(self, folder: Path | None = None) -> None:
        """Use systemd's folder, or this one."""
        self._folder = folder or runtime_directory()

    def leave(self, text: str) -> None:
        """Keep it."""
        self._write(_LEFT, text)

    @property
    def text(self) -> str:
        """Return it; "" when there is none."""
        return self._read(_LEFT)

    @property
    def is_told(self) -> bool:
        """Whether this very one has been said aloud."""
        return bool(self.text) and self._read(_TOLD) == self.text

    def note_told(self) -> None:
        """It has been said aloud."""
        self._write(_TOLD, self.text)

    def forget(self) -> None:
        """The service runs: what is wrong after this is told anew."""
        for name in (_LEFT, _TOLD):
            if self._folder is not None:
                try:
                    (self._folder / name).unlink(missing_ok=True)
                except OSError as error:
                    log.debug("%s: %s", name, error.strerror)

    def _write(self, name: str, text: str) -> None:
        if self._folder is None:
            return
        try:
            (self._folder / name).write_text(text, encoding="utf-8")
        except OSError as error:
            log.warning("%s cannot be written: %s", self._folder / name, error.strerror)

    def _read(self, name: str) -> str:
        if self._folder is None:
            return ""
        try:
            return (self._folder / name).read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""
