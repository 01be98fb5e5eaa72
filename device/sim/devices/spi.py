"""SPI buses whose transfers end in files: what is written there can be looked at, and a bus can go away."""

from __future__ import annotations

import errno
import os
import struct
from pathlib import Path

from device.foreign import pixels
from device.foreign.pixels import Colour
from device.foreign.spidev import LONGEST, WR_MAX_SPEED_HZ, WR_MODE, System

Pixels = tuple[Colour, ...]


class SimulatedSpi(System):
    """Stands where `spidev.SYSTEM` does. Each transfer is appended to a file in `folder`, and remembered.

    As the kernel's driver, it refuses what it does not know: other requests, other modes, transfers that are too long.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._paths: dict[int, str] = {}
        self.transfers: list[tuple[str, bytes]] = []
        """The device ("spidev0.0") and the bytes of each, oldest first."""
        self.speeds: dict[str, int] = {}
        """What was set, in Hz."""
        self.missing = False
        """There is no such device: SPI is switched off."""
        self.failing: int | None = None
        """When set, every transfer fails with this errno."""

    @property
    def opened(self) -> int:
        """How many devices are open."""
        return len(self._paths)

    def written(self, device: str) -> bytes:
        """Return all that has gone to a device, from its file."""
        file = self._folder / device
        return file.read_bytes() if file.exists() else b""

    def open(self, path: Path) -> int:
        """See System."""
        if self.missing:
            raise OSError(errno.ENOENT, os.strerror(errno.ENOENT))
        file = os.open(self._folder / path.name, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._paths[file] = path.name
        return file

    def ioctl(self, file: int, request: int, argument: bytes) -> None:
        """See System."""
        match request:
            case value if value == WR_MODE and argument == b"\0":
                return
            case value if value == WR_MAX_SPEED_HZ:
                (self.speeds[self._paths[file]],) = struct.unpack("I", argument)
            case _:
                raise OSError(errno.ENOTTY, os.strerror(errno.ENOTTY))

    def write(self, file: int, data: bytes) -> int:
        """See System."""
        if self.missing or self.failing is not None:
            code = self.failing or errno.ESHUTDOWN
            raise OSError(code, os.strerror(code))
        if len(data) > LONGEST:
            raise OSError(errno.EMSGSIZE, os.strerror(errno.EMSGSIZE))
        self.transfers.append((self._paths[file], data))
        return os.write(file, data)

    def close(self, file: int) -> None:
        """See System."""
        del self._paths[file]
        os.close(file)


def seen_apa102(transfer: bytes, count: int) -> Pixels:
    """Return what `count` APA102 show after a transfer (0 to 1 each), as the chips understand it.

    Raise ValueError when they would not.
    """
    start, body, end = transfer[:4], transfer[4 : 4 + 4 * count], transfer[4 + 4 * count :]
    if start != bytes(4) or len(body) != 4 * count or any(end) or len(end) * 8 < 32 + count / 2:
        raise ValueError("no update of so many APA102")
    return tuple(_apa102_pixel(body[at : at + 4]) for at in range(0, len(body), 4))


def _apa102_pixel(pixel: bytes) -> Colour:
    head, blue, green, red = pixel
    if head & 0xE0 != 0xE0:
        raise ValueError("the pixel of an APA102 begins with three ones")
    brightness = (head & 31) / 31
    return (red / 255 * brightness, green / 255 * brightness, blue / 255 * brightness)


def seen_ws2812(transfer: bytes, count: int) -> Pixels:
    """Return what `count` WS2812 show after a transfer (0 to 1 each): they only see how long the line is high.

    Raise ValueError when it is not what they understand.
    """
    line = "".join(f"{byte:08b}" for byte in transfer)
    pulses = [run for run in line.replace("01", "0 1").split() if "1" in run]
    bits = "".join(_ws2812_bit(pulse, is_last=index == len(pulses) - 1) for index, pulse in enumerate(pulses))
    if len(bits) != 24 * count:
        raise ValueError(f"{len(bits)} bits are not {count} pixels")
    parts = [int(bits[at : at + 8], 2) / 255 for at in range(0, len(bits), 8)]
    return tuple((parts[at + 1], parts[at], parts[at + 2]) for at in range(0, len(parts), 3))


def _ws2812_bit(pulse: str, is_last: bool) -> str:
    """Return the bit that a time of high and low says, by the data sheets of the WS2812B and the WS2812B-V5."""
    us = 1e6 / pixels.WS2812_HZ
    high, low = pulse.count("1") * us, pulse.count("0") * us
    if is_last and low < 280:
        raise ValueError("the gap at the end is too short: nothing is shown")
    if not is_last and not 0.2 <= low <= 5:
        raise ValueError(f"low for {low:.2f} us: a gap in the middle")
    if 0.25 <= high <= 0.38:
        return "0"
    if 0.65 <= high <= 1.0:
        return "1"
    raise ValueError(f"high for {high:.2f} us is neither 0 nor 1")
