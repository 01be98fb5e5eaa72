"""Putting the files on the card: nothing that was there is lost, and pulled out too early it still starts."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from device.errors import ConfigError
from device.setup.card import cloudinit, customtoml, firstrun, payload
from device.setup.card.formats import KERNEL_LINE

_MARK = cloudinit.MARK
_BACKUP = ".before-hearthside"
# What a format may have left behind that is not wanted any more.
_ALL = (cloudinit.USER_DATA, cloudinit.NETWORK, cloudinit.META_DATA, firstrun.SCRIPT_NAME, customtoml.NAME)


@dataclass(frozen=True)
class Boot:
    """What the boot partition has."""

    names: frozenset[str]
    kernel_line: str


def look(mountpoint: Path) -> Boot:
    """Return what is on the card. Raise ConfigError when it is none."""
    if not mountpoint.is_dir():
        raise ConfigError(f"there is no folder {mountpoint}; give the place where the card's boot partition is mounted")
    line = mountpoint / KERNEL_LINE
    if not line.is_file():
        raise ConfigError(f"{mountpoint} has no {KERNEL_LINE}: it is not the boot partition of a Raspberry Pi's card")
    names = frozenset(path.name for path in mountpoint.iterdir())
    return Boot(names, line.read_text(encoding="utf-8", errors="surrogateescape"))


def write(root: Path, files: Mapping[str, str], kernel_line: str | None, bundle: Path | None) -> Iterator[str]:
    """Write all of it, the kernel's line last, and yield what has been done. Raise OSError, ConfigError."""
    if bundle is not None:
        _check_room(root, bundle)
    yield from _clear(root, files, bundle)
    if bundle is not None:
        _copy(bundle, root / payload.FOLDER / bundle.name)
        yield f"{payload.FOLDER}/{bundle.name}"
    for name, text in files.items():
        kept = _keep(root / name) if "/" not in name else None
        _put(root / name, text.encode())
        yield f"{name}" + (f" (what was there is now {kept})" if kept else "")
    if kernel_line is not None:
        yield from _put_kernel_line(root / KERNEL_LINE, kernel_line)


def erase(path: Path) -> None:
    """Overwrite a file and take it away. What a card keeps aside of it, no program reaches."""
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.write(bytes(size))
        file.flush()
        os.fsync(file.fileno())
    path.unlink()


def _put_kernel_line(path: Path, line: str) -> Iterator[str]:
    new = line.encode(errors="surrogateescape")
    if new == path.read_bytes():
        return
    backup = path.with_name(path.name + _BACKUP)
    # The first one: later ones have our words in them.
    if not backup.exists():
        shutil.copyfile(path, backup)
    _put(path, new)
    yield f"{path.name} (what was there is in {backup.name})"


def _clear(root: Path, files: Mapping[str, str], bundle: Path | None) -> Iterator[str]:
    """Take away what an earlier run has left and this one does not replace: a key may be among it."""
    folder = root / payload.FOLDER
    wanted = {root / name for name in files} | ({folder / bundle.name} if bundle is not None else set())
    ours = [path for name in _ALL if (path := root / name).is_file() and _is_ours(path)]
    ours += [path for path in folder.iterdir() if path.is_file()] if folder.is_dir() else []
    for path in sorted(set(ours) - wanted):
        erase(path)
        yield f"{path.relative_to(root)} of an earlier run taken away"


def _is_ours(path: Path) -> bool:
    return _MARK.encode() in path.read_bytes()[:200]


def _keep(path: Path) -> str:
    """Give what somebody else has written another name; return that."""
    if not path.is_file() or _is_ours(path):
        return ""
    names = (path.name + _BACKUP + (f"-{number}" if number > 1 else "") for number in range(1, 1000))
    name = next(name for name in names if not path.with_name(name).exists())
    path.rename(path.with_name(name))
    return name


def _put(path: Path, content: bytes) -> None:
    """Write it whole or not at all."""
    path.parent.mkdir(exist_ok=True)
    new = path.with_name(f"{path.name}.new")
    with new.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)


def _copy(bundle: Path, place: Path) -> None:
    """Copy the release, unless it is there already."""
    place.parent.mkdir(exist_ok=True)
    if place.is_file() and digest(place) == digest(bundle):
        return
    new = place.with_name(f"{place.name}.new")
    shutil.copyfile(bundle, new)
    new.replace(place)


def digest(path: Path) -> str:
    """Return the SHA-256 of a file."""
    hashed = hashlib.sha256()
    with path.open("rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            hashed.update(block)
    return hashed.hexdigest()


def _check_room(root: Path, bundle: Path) -> None:
    there = root / payload.FOLDER / bundle.name
    free = shutil.disk_usage(root).free + (there.stat().st_size if there.is_file() else 0)
    needed = bundle.stat().st_size + (4 << 20)
    if free < needed:
        raise ConfigError(
            f"{bundle.name} needs {needed >> 20} MB on the boot partition, which has {free >> 20} MB free; "
            "give --source instead, or send it later with scripts/provision"
        )
