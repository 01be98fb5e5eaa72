"""Writes the configuration and the key: whole or not at all, and what was there before is kept."""

from __future__ import annotations

import contextlib
import grp
import os
import shutil
from pathlib import Path

from device.errors import HearthsideError
from device.kit.wholefile import Owner, replace_whole
from device.secrets import Secret
from device.setup.credentials import ENCRYPTED_STORE, STORE

GROUP = "hearthside"
"""Of the service, which has to read the configuration."""
_CONFIGURATION_MODE, _FOLDER_MODE = 0o640, 0o750


class WriteError(HearthsideError):
    """Something cannot be written; what was there is as it was."""


def check_writable(path: Path) -> None:
    """Raise WriteError where the file could not be written: better before all the questions than after them."""
    folder = path.parent
    while not folder.exists():
        folder = folder.parent
    if not os.access(folder, os.W_OK | os.X_OK):
        raise WriteError(f"{path} cannot be written by you; use sudo, or name another file with --config")


def write_configuration(path: Path, text: str, stamp: str) -> Path | None:
    """Write it; return where the old one is kept (`stamp` ends its name), if there was one. Raise WriteError."""
    try:
        path.parent.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
        backup = _kept(path, path.with_name(f"{path.name}.{stamp}"))
        replace_whole(path, text.encode(), _owner_of(path))
    except OSError as error:
        raise WriteError(f"{path} cannot be written: {error.strerror}; it is as it was") from error
    return backup


def store_key(name: str, key: Secret, store: Path = STORE, encrypted: Path = ENCRYPTED_STORE) -> Path:
    """Keep a key where systemd finds it and only root may read it; return where. Raise WriteError."""
    path, sealed = store / name.lower(), encrypted / name.lower()
    if sealed.exists():
        raise WriteError(
            f"there is an encrypted key at {sealed}; remove that first, or encrypt the new one in its place"
        )
    try:
        store.mkdir(mode=0o700, exist_ok=True)
        replace_whole(path, f"{key.reveal()}\n".encode(), Owner())
    except OSError as error:
        raise WriteError(f"the key cannot be stored at {path}: {error.strerror}; use sudo") from error
    return path


def _kept(path: Path, backup: Path) -> Path | None:
    if not path.exists():
        return None
    shutil.copy2(path, backup)
    owner = path.stat()
    os.chown(backup, owner.st_uid, owner.st_gid)
    return backup


def _owner_of(path: Path) -> Owner:
    """Return whose the file is to be: as before, else the service's group may read it."""
    with contextlib.suppress(FileNotFoundError):
        before = path.stat()
        return Owner(before.st_uid, before.st_gid, before.st_mode & 0o777)
    group = os.getegid()
    if os.geteuid() == 0:
        with contextlib.suppress(KeyError):
            group = grp.getgrnam(GROUP).gr_gid
    return Owner(os.geteuid(), group, _CONFIGURATION_MODE)
