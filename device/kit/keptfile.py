"""A small file that is read at the start, and written whenever what is in it changes. Nothing of it raises."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Generic, TypeVar

import msgspec

from device.kit.wholefile import Owner, replace_whole

log = logging.getLogger(__name__)

Content = TypeVar("Content", bound=msgspec.Struct)
Call = Callable[..., Awaitable[Any]]
"""Makes a call that may wait for the disk, in another thread."""


class KeptFile(Generic[Content]):
    """JSON of one kind."""

    def __init__(self, file: Path, kind: type[Content], call: Call, unread: str, unkept: str) -> None:
        """`unread`, `unkept`: what is logged where it cannot be read, or written: "the volume is not remembered"."""
        self._file = file
        self._kind = kind
        self._call = call
        self._unread = unread
        self._unkept = unkept
        self._turn = asyncio.Lock()

    def read(self) -> Content | None:
        """Return what was kept; None where there is nothing that can be used."""
        try:
            return msgspec.json.decode(self._file.read_bytes(), type=self._kind)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.MsgspecError, ValueError) as error:
            log.warning("%s, since %s cannot be read: %s", self._unread, self._file, error)
            return None

    async def keep(self, content: Content) -> None:
        """Write it, and wait until it is on the disk. What the disk refuses is logged."""
        # One after the other, so that the last one stays.
        async with self._turn:
            try:
                await self._call(self._write, msgspec.json.encode(content))
            except OSError as error:
                log.warning("%s: %s: %s", self._unkept, self._file, error.strerror)

    def _write(self, content: bytes) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        replace_whole(self._file, content, Owner())
