"""Speaks to the house through its control socket. Light to import, and free of the event loop: for commands."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, cast

from device.control import paths
from device.errors import HearthsideError

PATIENCE_S = 20.0
"""How long an answer may take: a sound card that hangs may hold up mute for 13 s."""

Table = dict[str, Any]


class ControlError(HearthsideError):
    """The house cannot be asked, or did not do it; the message says why."""


class NotRunningError(ControlError):
    """Nobody listens at the control socket."""


class NotAllowedError(ControlError):
    """The control socket belongs to others."""


def ask(request: Table, patience_s: float | None = PATIENCE_S) -> Table:
    """Ask for one thing (its "do", and what belongs to it); return the result. Raise ControlError.

    `patience_s`: how long the answer may take; None: as long as it likes.
    """
    with connected(patience_s) as house:
        return house.ask(request)


@contextlib.contextmanager
def connected(patience_s: float | None = PATIENCE_S, as_agent: bool = False) -> Iterator[Connection]:
    """Connect to the house that runs here, where people or where agents ask. Raise ControlError."""
    with (
        _connect(paths.sockets_for_agents() if as_agent else paths.sockets()) as stream,
        stream.makefile("rb") as lines,
    ):
        stream.settimeout(patience_s)
        yield Connection(stream, lines)


class Line:
    """An agent's connection for one question, which somebody in another thread may end."""

    def __init__(self, patience_s: float | None) -> None:
        """`patience_s`: see `ask`."""
        self._patience_s = patience_s
        self._house: Connection | None = None
        self._is_over = False
        self._lock = threading.Lock()

    def ask(self, request: Table) -> Table:
        """Connect, ask for one thing, and return the result. Raise ControlError, also when it was ended."""
        with connected(self._patience_s, as_agent=True) as house:
            with self._lock:
                self._house = house
                if self._is_over:
                    house.hang_up()
            try:
                return house.ask(request)
            finally:
                with self._lock:
                    self._house = None

    def hang_up(self) -> None:
        """End it, from any thread: the house then withdraws a question that it has not asked yet."""
        with self._lock:
            self._is_over = True
            if self._house is not None:
                self._house.hang_up()


class Connection:
    """A conversation with the house."""

    def __init__(self, stream: socket.socket, lines: IO[bytes]) -> None:
        self._stream = stream
        self._lines = lines
        self._asked = 0
        self._early: list[Table] = []
        """Events that came before an answer."""

    def ask(self, request: Table) -> Table:
        """Ask for one thing; return the result. Raise ControlError."""
        self._asked += 1
        with _told():
            self._stream.sendall(json.dumps({"id": self._asked, **request}).encode() + b"\n")
        while (line := self._next()) is not None:
            if "event" in line:
                self._early.append(line)
            elif line.get("ok"):
                return cast(Table, line["result"])
            else:
                raise ControlError(str(line.get("error")))
        raise NotRunningError("hearthside ended before it answered")

    def events(self) -> Iterator[Table]:
        """Yield what happens, once it has been subscribed to, until the house closes. Raise ControlError."""
        self._stream.settimeout(None)
        yield from self._early
        while (line := self._next()) is not None:
            yield line

    def hang_up(self) -> None:
        """End it: whoever waits for an answer is told that there is none."""
        with contextlib.suppress(OSError):
            self._stream.shutdown(socket.SHUT_RDWR)

    def _next(self) -> Table | None:
        """Return the next line; None when the house has closed."""
        with _told():
            line = self._lines.readline()
        return cast(Table, json.loads(line)) if line.endswith(b"\n") else None


@contextlib.contextmanager
def _told() -> Iterator[None]:
    """Say in our own words what the socket may do."""
    try:
        yield
    except TimeoutError as error:
        raise ControlError("hearthside does not answer; see `systemctl status hearthside`") from error
    except ConnectionError as error:
        raise NotRunningError("hearthside ended before it answered") from error


def _connect(places: list[Path]) -> socket.socket:
    """Return a connection to the first house that answers. Raise NotRunningError or NotAllowedError."""
    forbidden: Path | None = None
    for path in places:
        stream = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            stream.connect(str(path))
        except OSError as error:
            stream.close()
            if isinstance(error, PermissionError):
                forbidden = forbidden or path
        else:
            return stream
    if forbidden is not None:
        raise NotAllowedError(
            f"you may not speak to hearthside ({forbidden}); join its group (sudo adduser $USER hearthside) and log in "
            "again, or use sudo"
        )
    looked = " and ".join(map(str, places))
    raise NotRunningError(f"hearthside is not running (nobody answers at {looked}); sudo systemctl start hearthside")
