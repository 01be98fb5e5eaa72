"""What must outlive the process."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue
from typing import Generic, TypeVar

from device.core.events import Device, DeviceFailed, DeviceRecovered
from device.kit import threads
from device.ports.facts import Post

log = logging.getLogger(__name__)

Value = TypeVar("Value")
_JOIN_S = 0.05


class MuteMemory:
    """Remembers the mute state as a folder's entry that is there or not: nothing to parse, nothing to be half written.

    Whatever is called `muted` counts, also a link that leads nowhere. Two threads wait for the disk: one makes and
    removes the entry, the other sees it through to the medium; a disk that is busy with the second does not keep the
    first from what was ordered since.
    """

    def __init__(self, folder: Path) -> None:
        self._flag = folder / "muted"
        self._newest = 0
        self._failed = False
        self._settled = asyncio.Event()
        self._settled.set()

    @property
    def muted(self) -> bool:
        """Whether the device was muted when it last ran. When that cannot be read it was: towards quiet and safe."""
        try:
            os.lstat(self._flag)
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError as error:
            log.error("muted, since the mute state cannot be read: %s: %s", self._flag, error.strerror)
        return True

    def start(self, post: Post) -> None:
        """Begin to take orders, on the running event loop; a disk that refuses one is posted as DeviceFailed.

        Raise ThreadError.
        """
        self._post = post
        self._syncing = _Newest("mute-sync", lambda entry: self._sync(), self._report)
        self._changing = _Newest("mute", lambda entry: self._change(entry[1]), self._pass_on)

    def remember(self, muted: bool) -> None:
        """Keep the state; never waits. The device obeys it until it is restarted, whatever the disk says."""
        self._newest += 1
        self._settled.clear()
        self._changing.put((self._newest, muted))

    async def close(self) -> None:
        """Wait until the newest state is on the disk; who is cancelled meanwhile leaves it as far as it is."""
        try:
            await self._settled.wait()
        finally:
            self._changing.close()
            self._syncing.close()

    def _change(self, muted: bool) -> None:
        self._flag.parent.mkdir(parents=True, exist_ok=True)
        if muted:
            # Without following links: one that leads nowhere is an entry, too.
            with contextlib.suppress(FileExistsError):
                os.close(os.open(self._flag, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        elif self._flag.is_dir() and not self._flag.is_symlink():
            self._flag.rmdir()
        else:
            self._flag.unlink(missing_ok=True)

    def _sync(self) -> None:
        # To the disk: these devices are switched off by pulling the plug.
        handle = os.open(self._flag.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

    def _pass_on(self, entry: tuple[int, bool], error: OSError | None) -> None:
        if error is None:
            self._syncing.put(entry)
        else:
            self._report(entry, error)

    def _report(self, entry: tuple[int, bool], error: OSError | None) -> None:
        is_newest = entry[0] == self._newest
        if error is not None:
            self._failed = True
            reason = f"the mute state will not survive a restart: {self._flag}: {error.strerror}"
            self._post(DeviceFailed(Device.DISK, reason))
        elif self._failed and is_newest:
            self._failed = False
            self._post(DeviceRecovered(Device.DISK))
        if is_newest:
            self._settled.set()


class _Newest(Generic[Value]):
    """A thread that does one thing after the other, leaving out all but the newest that waits. It keeps nobody waiting.

    `tell` is called on the event loop's thread with each outcome.
    """

    def __init__(self, name: str, do: Callable[[Value], None], tell: Callable[[Value, OSError | None], None]) -> None:
        self._do = do
        self._tell = tell
        self._loop = asyncio.get_running_loop()
        self._waiting: SimpleQueue[Value | None] = SimpleQueue()
        self._thread = threads.start(self._run, name)

    def put(self, value: Value) -> None:
        """Do this as soon as what is being done now is done."""
        self._waiting.put(value)

    def close(self) -> None:
        """Do no more; what the disk holds up is left behind."""
        self._waiting.put(None)
        self._thread.join(_JOIN_S)

    def _run(self) -> None:
        while (value := self._next()) is not None:
            error = self._try(value)
            # The loop may end while the disk keeps us waiting.
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._tell, value, error)

    def _next(self) -> Value | None:
        value = self._waiting.get()
        while value is not None and not self._waiting.empty():
            newer = self._waiting.get()
            if newer is None:
                # First what was ordered, then the end.
                self._waiting.put(None)
                return value
            value = newer
        return value

    def _try(self, value: Value) -> OSError | None:
        try:
            self._do(value)
        except OSError as error:
            return error
        return None
