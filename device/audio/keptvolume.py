"""How loud it was set, in a file: it is so again after a restart, and after a crash in the middle of an alarm."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec

from device.kit.wholefile import Owner, replace_whole

log = logging.getLogger(__name__)

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")

Call = Callable[..., Awaitable[Any]]
"""Makes a call that may wait for the disk, in another thread."""


class Kept(msgspec.Struct, frozen=True):
    """What outlives the process."""

    percent: int
    """As it was set last."""
    boot: str = ""
    """Since when the machine runs: a mixer that was set then still stands there."""
    raised: bool = False
    """The mixer stands higher, for an alarm that rings."""


class KeptVolume:
    """The file; nothing of it raises."""

    def __init__(self, file: Path, call: Call) -> None:
        self._file = file
        self._call = call
        self.boot = _read_text(BOOT_ID)

    def read(self) -> Kept | None:
        """Return what was kept; None where there is nothing that can be used."""
        try:
            kept = msgspec.json.decode(self._file.read_bytes(), type=Kept)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.MsgspecError, ValueError) as error:
            log.warning("the volume is as at the first start, since %s cannot be read: %s", self._file, error)
            return None
        return kept if 0 <= kept.percent <= 100 else None

    async def keep(self, percent: int, raised: bool = False) -> None:
        """Write it, and wait until it is on the disk. What the disk refuses is logged."""
        try:
            await self._call(self._write, msgspec.json.encode(Kept(percent, self.boot, raised)))
        except OSError as error:
            log.warning("the volume is not remembered: %s: %s", self._file, error.strerror)

    def _write(self, content: bytes) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        replace_whole(self._file, content, Owner())


def _read_text(file: Path) -> str:
    with contextlib.suppress(OSError):
        return file.read_text().strip()
    return ""
