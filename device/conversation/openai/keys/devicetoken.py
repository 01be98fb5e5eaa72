"""The device's token for the broker, and the enrolment token that it is exchanged for: given, or in the state folder.

All of it waits for the disk: it is called in a thread.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from device.conversation.openai.keys import ENROLMENT, TOKEN
from device.secrets import Secret

_LONGEST = 4096


class DeviceTokens:
    """Those that systemd gave, and those in the state folder under the same names in small letters."""

    def __init__(self, folder: Path, given: Mapping[str, Secret]) -> None:
        self._folder = folder
        self._given = given
        self._spent: set[str] = set()

    def known(self) -> list[Secret]:
        """Return the device's tokens; the one that was given comes first."""
        return self._found(TOKEN)

    def enrolments(self) -> list[Secret]:
        """Return the enrolment tokens that have not been tried. One may be put there while the device runs."""
        return [token for token in self._found(ENROLMENT) if token.reveal() not in self._spent]

    def make_room(self) -> None:
        """See to it that a token can be kept, before what it is exchanged for is used up. Raise OSError."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._write(" " * 80)

    def keep(self, token: Secret, enrolment: Secret) -> None:
        """Keep the device's token; remove the one that it was exchanged for from the state folder. Raise OSError."""
        self.spend(enrolment)
        self._write(token.reveal())
        self._new.replace(self._path(TOKEN))
        handle = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
        if _read(self._path(ENROLMENT)) == enrolment.reveal():
            self._path(ENROLMENT).unlink()

    def spend(self, enrolment: Secret) -> None:
        """Do not try it again: the broker has refused it."""
        self._spent.add(enrolment.reveal())

    @property
    def _new(self) -> Path:
        return self._folder / f".{TOKEN.lower()}.new"

    def _path(self, name: str) -> Path:
        return self._folder / name.lower()

    def _found(self, name: str) -> list[Secret]:
        given = [self._given[name]] if name in self._given else []
        kept = _read(self._path(name))
        return [*given, *([Secret(kept)] if kept else [])]

    def _write(self, text: str) -> None:
        handle = os.open(self._new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            os.write(handle, text.encode())
            os.fsync(handle)
        finally:
            os.close(handle)


def _read(path: Path) -> str:
    """Return what is in a file; "" when it cannot be read, or holds no token."""
    try:
        with path.open("rb") as file:
            text = file.read(_LONGEST).decode("ascii", errors="replace").strip()
    except OSError:
        return ""
    return text if re.fullmatch(r"[!-~]+", text) else ""


def device_name(host: str) -> str:
    """Return a host's name as a broker takes it: small letters, digits and hyphens."""
    name = re.sub(r"[^a-z0-9-]+", "-", host.partition(".")[0].lower())[:63].strip("-")
    return name or "speaker"
