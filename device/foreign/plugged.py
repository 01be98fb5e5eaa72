"""What is plugged into this machine, as the kernel tells: USB devices by their ids, and what a HAT's EEPROM says."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from device.foreign.usb import UsbId

USB = Path("/sys/bus/usb/devices")
HAT = Path("/proc/device-tree/hat")


@dataclass(frozen=True, slots=True)
class Hat:
    """What the EEPROM of a HAT says of it; the firmware copies that into the device tree."""

    product: str
    vendor: str = ""
    product_id: str = ""
    """"0x0001" or the like."""


def read_usb(root: Path = USB) -> frozenset[UsbId]:
    """Return the ids of all USB devices; none where there is no USB."""
    found = (_usb_id(device) for device in _inside(root))
    return frozenset(identity for identity in found if identity is not None)


def read_hat(root: Path = HAT) -> Hat | None:
    """Return what the HAT says of itself; None where there is none, or none with an EEPROM."""
    product, vendor, product_id = (_text(root / name) for name in ("product", "vendor", "product_id"))
    return Hat(product, vendor, product_id) if product else None


def _usb_id(device: Path) -> UsbId | None:
    """Return the ids of a device; an interface ("1-1:1.0") has none."""
    try:
        return UsbId(*(int(_text(device / name), 16) for name in ("idVendor", "idProduct")))
    except ValueError:
        return None


def _inside(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def _text(path: Path) -> str:
    """Return a line; the device tree ends its texts with a zero."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").rstrip("\0\n").strip()
    except OSError:
        return ""
