"""Puts a file in the place of another as a whole: on these devices the plug is pulled at any moment."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose a file is, and who may read it. -1: whoever it is by itself."""

    user: int = -1
    group: int = -1
    mode: int = 0o600


def replace_whole(path: Path, data: bytes, owner: Owner) -> None:
    """Write a draft beside it, and put that in its place. Raise OSError: then all is as it was."""
    draft = path.with_name(f".{path.name}.draft")
    try:
        _write(draft, data, owner)
        draft.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            draft.unlink()
        raise
    _sync(path.parent)


def _write(draft: Path, data: bytes, owner: Owner) -> None:
    # Nobody else may read it, not even for a moment.
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.flush()
        os.fchown(handle, owner.user, owner.group)
        os.fchmod(handle, owner.mode)
        os.fsync(handle)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
