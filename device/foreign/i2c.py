"""Devices on an I2C bus, through the kernel's i2c-dev: a question is written, then its answer is read."""

from __future__ import annotations

import errno
import fcntl
import os

from device.errors import AudioError, ConfigError

# The address of who is spoken to: linux/i2c-dev.h.
I2C_SLAVE = 0x0703


class I2cDevice:
    """One device. Belongs to one thread: a transfer may take some milliseconds."""

    def __init__(self, bus: str, address: int) -> None:
        """Open the bus, e.g. "/dev/i2c-1". Raise ConfigError: this machine has none, or it may not be used."""
        self._name = f"I2C 0x{address:02x} on {bus}"
        try:
            self._file = os.open(bus, os.O_RDWR | os.O_CLOEXEC)
        except OSError as error:
            raise ConfigError(f"{bus}: {error.strerror}; {_help(error)}") from error
        try:
            fcntl.ioctl(self._file, I2C_SLAVE, address)
        except OSError as error:
            os.close(self._file)
            raise ConfigError(f"{self._name}: {error.strerror}; a driver of the kernel may have it") from error

    def ask(self, question: bytes, length: int) -> bytes:
        """Write the question, and return exactly `length` bytes of answer. Raise AudioError."""
        try:
            os.write(self._file, question)
            answer = os.read(self._file, length)
        except OSError as error:
            raise AudioError(
                f"{self._name} does not answer: {error.strerror}; check its wires and its power"
            ) from error
        if len(answer) != length:
            raise AudioError(f"{self._name} answered {len(answer)} bytes instead of {length}; check its wires")
        return answer

    def close(self) -> None:
        """Let the bus go. Call it once."""
        os.close(self._file)


def _help(error: OSError) -> str:
    if error.errno in (errno.EACCES, errno.EPERM):
        return "let the user use it (sudo usermod -aG i2c USER, then log in again)"
    return "switch the bus on (dtparam=i2c_arm=on in /boot/firmware/config.txt), and restart the machine"
