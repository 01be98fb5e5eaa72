"""How loud it was set, in a file: it is so again after a restart, and after a crash in the middle of an alarm."""

from __future__ import annotations

import contextlib
from pathlib import Path

import msgspec

from device.kit.keptfile import Call, KeptFile

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


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
        unread, unkept = "the volume is as at the first start", "the volume is not remembered"
        self._file = KeptFile(file, Kept, call, unread, unkept)
        self.boot = _read_text(BOOT_ID)

    def read(self) -> Kept | None:
        """Return what was kept; None where there is nothing that can be used."""
        kept = self._file.read()
        return kept if kept is not None and 0 <= kept.percent <= 100 else None

    async def keep(self, percent: int, raised: bool = False) -> None:
        """Write it, and wait until it is on the disk. What the disk refuses is logged."""
        await self._file.keep(Kept(percent, self.boot, raised))


def _read_text(file: Path) -> str:
    with contextlib.suppress(OSError):
        return file.read_text().strip()
    return ""
