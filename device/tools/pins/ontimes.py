"""Keeps until when switches may be on, so that a crash grants them no more.

A small file in the state folder. Its times are of the monotonic clock, which goes on while the process is gone and
begins anew when the machine does: then the pins have been without a level, and what was granted is over.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path

import msgspec

from device.kit.threads import Threads
from device.units import Ms

log = logging.getLogger(__name__)

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class _Kept(msgspec.Struct, frozen=True):
    boot: str
    until: dict[str, float]
    """In ms of the monotonic clock, by the name of the switch."""


class OnTimes:
    """The file. It is written by a thread of its own, one version after the other."""

    def __init__(self, folder: Path, what: str, boot_id: Path = BOOT_ID) -> None:
        """`what` tells files of several apart. Raise ThreadError."""
        self._file = folder / f"on-times-{what}.json"
        self._boot = _read(boot_id).strip()
        self._disk = Threads("on-times")
        self._complained = False

    def load(self) -> dict[str, Ms]:
        """Return what was granted when the process ended; nothing where that is not known. Blocks for a moment."""
        try:
            kept = msgspec.json.decode(self._file.read_bytes(), type=_Kept)
        except FileNotFoundError:
            return {}
        except (OSError, msgspec.DecodeError) as error:
            log.warning("how long switches were on is not known: %s: %s", self._file, error)
            return {}
        if not self._boot or kept.boot != self._boot:
            return {}
        return {name: Ms(until) for name, until in kept.until.items()}

    async def save(self, grants: Mapping[str, Ms]) -> None:
        """Keep them, and return when they are kept; a disk that refuses is logged, once."""
        await self._disk.call(self._write, dict(grants))

    def post(self, grants: Mapping[str, Ms]) -> None:
        """Keep them soon."""
        copy = dict(grants)
        self._disk.post(lambda: self._write(copy))

    def _write(self, grants: Mapping[str, Ms]) -> None:
        # Not synced to the medium: what a power cut loses means nothing after it.
        draft = self._file.with_name(f".{self._file.name}.draft")
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            draft.write_bytes(msgspec.json.encode(_Kept(self._boot, dict(grants))))
            draft.replace(self._file)
        except OSError as error:
            level = logging.DEBUG if self._complained else logging.WARNING
            self._complained = True
            log.log(level, "a crash would let switches begin their longest on-time anew: %s: %s", self._file, error)
        else:
            self._complained = False


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError):
        return ""
