"""An SPI bus that is only written to, by the kernel's own interface: /dev/spidevX.Y.

Without a library: py-spidev has no wheel for a Pi, and all that pixels need of it are two ioctls and a write.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import struct
from pathlib import Path

from device.errors import PanelError

FOLDER = Path("/dev")

# _IOW('k', 1, u8) and _IOW('k', 4, u32): include/uapi/linux/spi/spidev.h. The same number on x86 and ARM.
WR_MODE = 0x40016B01
WR_MAX_SPEED_HZ = 0x40046B04
MODE_0 = 0

LONGEST = 4096
"""What one write may hold, in bytes: the driver's `bufsiz`, unless somebody has changed it."""


class System:
    """The calls that are made; a simulated bus has others."""

    def open(self, path: Path) -> int:
        """Open for writing; return the file. Raise OSError."""
        return os.open(path, os.O_WRONLY | os.O_CLOEXEC)

    def ioctl(self, file: int, request: int, argument: bytes) -> None:
        """Set something. Raise OSError."""
        fcntl.ioctl(file, request, argument)

    def write(self, file: int, data: bytes) -> int:
        """Transfer it; return how many bytes were. Raise OSError."""
        return os.write(file, data)

    def close(self, file: int) -> None:
        """Let it go. Raise OSError."""
        os.close(file)


SYSTEM = System()


class SpiBus:
    """One chip select of a bus, in mode 0. Opened by the first write, and again after one that failed."""

    def __init__(self, bus: int, device: int, speed_hz: int, table: str) -> None:
        """`table`: where bus and device are configured, for complaints: "hardware.led"."""
        self._table = table
        self._path = FOLDER / f"spidev{bus}.{device}"
        self._speed_hz = speed_hz
        self._system = SYSTEM
        self._file: int | None = None

    def write(self, data: bytes) -> None:
        """Transfer up to LONGEST bytes; returns when they have left. Raise PanelError."""
        try:
            file = self._open()
            if self._system.write(file, data) != len(data):
                raise OSError(errno.EMSGSIZE, os.strerror(errno.EMSGSIZE))
        except OSError as error:
            self.close()
            told = f"the lights on {self._path} cannot be set: {error.strerror}"
            raise PanelError(f"{told}; {_help(error, self._table)}") from error

    def close(self) -> None:
        """Let it go. Harmless when closed."""
        file, self._file = self._file, None
        if file is not None:
            with contextlib.suppress(OSError):
                self._system.close(file)

    def _open(self) -> int:
        if self._file is None:
            self._file = self._system.open(self._path)
            self._system.ioctl(self._file, WR_MODE, struct.pack("B", MODE_0))
            self._system.ioctl(self._file, WR_MAX_SPEED_HZ, struct.pack("I", self._speed_hz))
        return self._file


def _help(error: OSError, table: str) -> str:
    if error.errno in (errno.ENOENT, errno.ENXIO, errno.ENODEV):
        return (
            "switch SPI on (dtparam=spi=on in /boot/firmware/config.txt, then restart), and look at "
            f"{table}.bus and {table}.device"
        )
    if error.errno in (errno.EACCES, errno.EPERM):
        return "let the user use it (sudo usermod -aG spi USER, then log in again)"
    return f"look at its wires, and at {table}"
