"""What has been written to a connection and has not arrived: how much it is, and how to throw it away."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import socket
import struct
import termios
import time
from typing import Any

_INT = struct.Struct("i")
# struct tcp_info of linux/tcp.h: tcpi_bytes_acked, since Linux 4.1.
_BYTES_ACKED = struct.Struct("120xQ")
_LINGER = struct.Struct("ii")
_STDERR = 2

# Wi-Fi that changes its access point carries nothing for a second or two.
UNTAKEN_S = 4.0


class Wire:
    """The socket under a transport, TLS or not."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._socket: Any = transport.get_extra_info("socket")

    def reset_on_close(self, reset: bool) -> None:
        """Set what the kernel does with the bytes that it holds when the connection, or this process, ends.

        By default it goes on trying to send them, for minutes if necessary. With a linger time of 0 it throws them away
        and resets the connection (socket(7), tcp(7)).
        """
        with contextlib.suppress(OSError):  # closed already
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER.pack(reset, 0))

    def holds_unsent(self) -> bool:
        """Say whether a byte waits in asyncio's buffers, or in the kernel until the other side acknowledges it."""
        if self._socket.fileno() < 0:
            return False
        return self._transport.is_closing() or _buffered(self._transport) > 0 or self._queued() > 0

    def position(self) -> int:
        """Return how many bytes the other side will have taken once all that is written now has arrived."""
        return self.arrived() + self._queued() + _buffered(self._transport)

    def arrived(self) -> int:
        """Return how many bytes the other side's kernel has taken, whatever its program does; -1: unknown."""
        if self._socket.fileno() < 0:
            return -1
        info = self._socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _BYTES_ACKED.size)
        return int(_BYTES_ACKED.unpack(info)[0]) if len(info) == _BYTES_ACKED.size else -1

    def _queued(self) -> int:
        """Return what the kernel holds: SIOCOUTQ of tcp(7), which has the same number as TIOCOUTQ."""
        if self._socket.fileno() < 0:
            return 0
        answer = fcntl.ioctl(self._socket.fileno(), termios.TIOCOUTQ, bytes(_INT.size))
        return int(_INT.unpack(answer)[0])

    def cut(self) -> None:
        """Reset the connection at once. Harmless when it is closed."""
        self.reset_on_close(True)
        self._transport.abort()
        # asyncio closes the socket only in the loop's next turn, which may be late. Until then its file descriptor is
        # made to refer to something else: the kernel frees a socket once no descriptor refers to it.
        number = self._socket.fileno()
        if number >= 0:
            with contextlib.suppress(OSError):
                os.dup2(_STDERR, number, inheritable=False)


class PingDeadline:
    """How long to wait for the answer to a ping that is about to be written."""

    def __init__(self, wire: Wire, within_s: float) -> None:
        self._wire = wire
        self._within_s = within_s
        self._arrived = wire.arrived()
        # The ping has one byte at least, and is not written yet.
        self._goal = wire.position() + 1 if self._arrived >= 0 else -1
        self._since = time.monotonic()

    def check(self) -> None:
        """Raise TimeoutError when the answer is overdue. Its text is meant to follow the server's name."""
        arrived = self._wire.arrived()
        waited_s = time.monotonic() - self._since
        if self._arrived < min(arrived, self._goal):
            # Data up to the ping still arrives.
            self._arrived, self._since = arrived, time.monotonic()
        elif arrived < self._goal and waited_s > UNTAKEN_S:
            raise TimeoutError(f"takes nothing any more for {UNTAKEN_S:g} s")
        elif waited_s > max(self._within_s, UNTAKEN_S if arrived < self._goal else 0):
            raise TimeoutError(f"did not answer within {self._within_s:g} s")


def _buffered(transport: Any) -> int:
    """Return how many bytes wait in a transport and, with TLS, in those under it.

    asyncio offers no way to ask the ones below. Where a Python version builds them otherwise, assume that a byte waits.
    """
    size: int = transport.get_write_buffer_size()
    if transport.get_extra_info("sslcontext") is None:
        return size
    below = getattr(getattr(transport, "_ssl_protocol", None), "_transport", None)
    return size + (1 if below is None else _buffered(below))
