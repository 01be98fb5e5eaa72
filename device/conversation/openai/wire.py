"""What has been written to a connection and has not arrived: how much it is, and how to take it back."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import socket
import struct
import termios
from typing import Any

_INT = struct.Struct("i")
_LINGER = struct.Struct("ii")
_STDERR = 2


class Wire:
    """The socket under a transport, TLS or not."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._socket: Any = transport.get_extra_info("socket")

    def reset_on_close(self, reset: bool) -> None:
        """Say what the kernel does with the bytes it holds when the connection, or this process, ends.

        By itself it goes on sending them, for minutes when it must. With a linger time of 0 it throws them away and
        resets the connection (socket(7), tcp(7)).
        """
        with contextlib.suppress(OSError):  # closed already
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER.pack(reset, 0))

    def holds_unsent(self) -> bool:
        """Say whether a byte waits in asyncio's buffers or, sent or not, for the other side's acknowledgement."""
        if self._socket.fileno() < 0:
            return False
        return self._transport.is_closing() or _buffered(self._transport) > 0 or self._queued() > 0

    def _queued(self) -> int:
        """Return what the kernel holds: SIOCOUTQ of tcp(7), which has the same number as TIOCOUTQ."""
        answer = fcntl.ioctl(self._socket.fileno(), termios.TIOCOUTQ, bytes(_INT.size))
        return int(_INT.unpack(answer)[0])

    def cut(self) -> None:
        """Reset the connection at once. Harmless when it is closed."""
        self.reset_on_close(True)
        self._transport.abort()
        # asyncio closes the socket in the loop's next turn only, which may be late. Its number is made to stand for
        # something else until then, and with its last name the kernel's socket goes.
        number = self._socket.fileno()
        if number >= 0:
            with contextlib.suppress(OSError):
                os.dup2(_STDERR, number, inheritable=False)


def _buffered(transport: Any) -> int:
    """Return how many bytes wait in a transport and, with TLS, in those under it.

    asyncio offers no way to ask the ones below. Should a Python build them otherwise, count on something there.
    """
    size: int = transport.get_write_buffer_size()
    if transport.get_extra_info("sslcontext") is None:
        return size
    below = getattr(getattr(transport, "_ssl_protocol", None), "_transport", None)
    return size + (1 if below is None else _buffered(below))
