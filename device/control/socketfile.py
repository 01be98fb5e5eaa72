"""The socket's place in the file system: made for one daemon, taken over from a dead one, never from a living one."""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
from pathlib import Path

from device.control.paths import AGENTS, NAME
from device.control.rights import Right
from device.errors import HearthsideError

MODE = 0o660
_FOLDER, _FOLDER_OF_AGENTS = 0o700, 0o750
"""The second stands in the first, or in the service's own, which lets its group in."""
_BACKLOG = 16


class SocketFileError(HearthsideError):
    """There can be no control socket; the message says why."""


class TakenError(SocketFileError):
    """Another hearthside serves it."""


class SocketFile:
    """A listening socket in a folder, and the lock that says whose it is; a lock ends with its process."""

    def __init__(self, folder: Path, right: Right = Right.PERSON) -> None:
        """`right`: of those who speak to it; agents have a folder of their own in that one. Raise SocketFileError."""
        self.right = right
        mode = _FOLDER
        if right is Right.AGENT:
            folder, mode = folder / AGENTS, _FOLDER_OF_AGENTS
        self.path = folder / NAME
        try:
            _make(folder, mode)
            self._lock = _locked(folder / f"{NAME}.lock")
            try:
                self.socket = self._bound()
            except OSError:
                os.close(self._lock)
                raise
        except BlockingIOError as error:
            raise TakenError(f"{self.path}: another hearthside is running and serves it") from error
        except OSError as error:
            # A path that is too long for a socket has no number.
            raise SocketFileError(f"{self.path}: {error.strerror or error}") from error

    def close(self) -> None:
        """Remove the socket and let its place go."""
        self.socket.close()
        # Not the lock's file: somebody may have opened it just now, and would hold the lock of a file that is no more.
        with contextlib.suppress(OSError):
            self.path.unlink(missing_ok=True)
        os.close(self._lock)

    def _bound(self) -> socket.socket:
        # With the lock in hand, what lies there was left by a process that was killed.
        self.path.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        try:
            listener.bind(str(self.path))
            # Before it listens nobody can have connected.
            self.path.chmod(MODE)
            listener.listen(_BACKLOG)
        except OSError:
            listener.close()
            raise
        return listener


def _make(folder: Path, mode: int) -> None:
    """Make a folder where there is none, whatever the process leaves out of the permissions of its files."""
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
        folder.chmod(mode)


def _locked(path: Path) -> int:
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        raise
    return handle
