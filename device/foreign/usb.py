"""Vendor control transfers to USB devices; the only file that imports pyusb, and only when a device is opened.

What may be written stands in `boards.xvfring`: lights only, and nothing that a chip would keep.
"""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from device.errors import AudioError, ConfigError
from device.units import Ms

# bmRequestType of the USB specification, table 9-2: device to host or host to device, vendor, device.
VENDOR_READ = 0xC0
VENDOR_WRITE = 0x40

TIMEOUT = Ms(200)
"""How long a transfer may take. One to a healthy device takes less than 10 ms."""

PERMISSION_HELP = (
    'let the user talk to it: write SUBSYSTEM=="usb", ATTR{{idVendor}}=="{vendor:04x}", GROUP="audio", MODE="0660" '
    "into /etc/udev/rules.d/70-hearthside.rules, run udevadm control --reload, and plug it in again"
)


@dataclass(frozen=True, slots=True)
class UsbId:
    """What a kind of device goes by on the bus."""

    vendor: int
    product: int

    def __str__(self) -> str:
        """As lsusb writes it: 2886:0018."""
        return f"{self.vendor:04x}:{self.product:04x}"


@dataclass(frozen=True, slots=True)
class VendorRead:
    """A control transfer from the device: what its setup packet holds besides the request type."""

    value: int
    index: int
    length: int
    request: int = 0


@dataclass(frozen=True, slots=True)
class VendorWrite:
    """A control transfer to the device: what its setup packet holds besides the request type and the length."""

    value: int
    index: int
    request: int = 0


class UsbDevice:
    """A device on the bus. Belongs to one thread."""

    def __init__(self, identity: UsbId, device: Any) -> None:
        self._identity = identity
        self._device = device

    def read(self, what: VendorRead) -> bytes:
        """Return exactly `what.length` bytes. Raise AudioError: the transfer failed, or brought another number."""
        with _errors(self._identity):
            answer = bytes(
                self._device.ctrl_transfer(
                    VENDOR_READ, what.request, what.value, what.index, what.length, timeout=round(TIMEOUT)
                )
            )
        if len(answer) != what.length:
            raise AudioError(
                f"USB {self._identity} answered {len(answer)} bytes instead of {what.length}; plug it in again"
            )
        return answer

    def write(self, what: VendorWrite, data: bytes) -> None:
        """Send all of the data. Raise AudioError: the transfer failed."""
        with _errors(self._identity, "written to"):
            self._device.ctrl_transfer(VENDOR_WRITE, what.request, what.value, what.index, data, timeout=round(TIMEOUT))

    def close(self) -> None:
        """Let the device go. Harmless when it is closed, or gone."""
        import usb.core
        import usb.util

        with contextlib.suppress(usb.core.USBError):
            usb.util.dispose_resources(self._device)


def open_device(identity: UsbId, backend: Any = None) -> UsbDevice:
    """Find the first such device. It keeps its other drivers (sound): only control transfers are made.

    `backend`: a pyusb backend, e.g. the simulation's bus; None: libusb. Raise AudioError when there is no such device,
    ConfigError when this machine cannot talk to USB.
    """
    with _errors(identity):
        import usb.core

        device = usb.core.find(backend=backend, idVendor=identity.vendor, idProduct=identity.product)
    if device is None:
        raise AudioError(f"there is no USB device {identity}; plug it in (lsusb shows what there is)")
    return UsbDevice(identity, device)


@contextlib.contextmanager
def _errors(identity: UsbId, done: str = "read") -> Iterator[None]:
    """Turn what pyusb raises into our own errors."""
    try:
        yield
    except ImportError as error:
        raise ConfigError(f"the package pyusb is missing ({error}); run scripts/setup again") from error
    except ValueError as error:  # pyusb's NoBackendError
        raise ConfigError("there is no libusb; install it (sudo apt install libusb-1.0-0)") from error
    except OSError as error:  # pyusb's USBError
        raise AudioError(f"USB {identity} cannot be {done}: {error}; {_help(identity, error)}") from error


def _help(identity: UsbId, error: OSError) -> str:
    if error.errno in (errno.EACCES, errno.EPERM):
        return PERMISSION_HELP.format(vendor=identity.vendor)
    return "check its cable and its power, or plug it in again"
