"""The rings of lights on USB microphone arrays: how their XMOS chips are told what each LED shows.

Nothing of it is kept by the chip, and nothing else is ever written to one.
"""

from __future__ import annotations

import time

from device.boards.xvf import XVF3800_VERSION, ask_xvf3800
from device.errors import AudioError, PanelError
from device.foreign.usb import UsbDevice, VendorWrite

RING_PIXELS = 12
"""Both arrays have as many."""

# LEDs of the XVF-3000: the command as value, 0x1C as index (respeaker/pixel_ring: usb_pixel_ring_v2.py, and the wiki
# page "ReSpeaker USB 4 Mic Array LED Control Protocol"). 6: a colour for each; 0x20: brightness, 0 to 31; 0x22: the one
# in the middle, which would show by itself what the chip takes for a voice.
_XVF3000_CUSTOM = VendorWrite(value=6, index=0x1C)
_XVF3000_BRIGHTNESS = VendorWrite(value=0x20, index=0x1C)
_XVF3000_CENTRE = VendorWrite(value=0x22, index=0x1C)
_FULL_BRIGHTNESS, _OFF = bytes([31]), bytes([0])

# LEDs of the XVF3800: LED_EFFECT and LED_RING_COLOR of resource 20, the ring being effect 5; since firmware 2.0.7
# (respeaker/reSpeaker_XVF3800_USB_4MIC_ARRAY, xmos_firmwares/usb/changelog.md).
_XVF3800_EFFECT = VendorWrite(value=12, index=20)
_XVF3800_RING = VendorWrite(value=19, index=20)
_RING_EFFECT = bytes([5])
_FIRMWARE_WITH_RING = (2, 0, 7)
# A chip that has just started is busy for some ms.
_TRIES, _PAUSE_S = 20, 0.01


class Xvf3000Ring:
    """The twelve LEDs of a ReSpeaker USB Mic Array v2."""

    def __init__(self, device: UsbDevice) -> None:
        """Take them over from the chip. Raise AudioError."""
        self._device = device
        device.write(_XVF3000_CENTRE, _OFF)
        device.write(_XVF3000_BRIGHTNESS, _FULL_BRIGHTNESS)

    def paint(self, colours: bytes) -> None:
        """Show red, green, blue and 0 of each. Raise AudioError."""
        self._device.write(_XVF3000_CUSTOM, colours)


class Xvf3800Ring:
    """The twelve LEDs of a ReSpeaker XVF3800."""

    def __init__(self, device: UsbDevice) -> None:
        """Take them over from the chip. Raise AudioError, or PanelError where its firmware has no ring."""
        self._device = device
        version = self._version()
        if version < _FIRMWARE_WITH_RING:
            raise PanelError(
                f"the XVF3800 has firmware {_dotted(version)}, and its ring of lights needs "
                f"{_dotted(_FIRMWARE_WITH_RING)} or newer: update it as its maker says, or set "
                'hardware.led.driver = "none"'
            )
        device.write(_XVF3800_EFFECT, _RING_EFFECT)

    def paint(self, colours: bytes) -> None:
        """Show 0xRRGGBB of each, as little-endian uint32. Raise AudioError."""
        self._device.write(_XVF3800_RING, colours)

    def _version(self) -> tuple[int, ...]:
        for _ in range(_TRIES):
            if (version := ask_xvf3800(self._device, XVF3800_VERSION)) is not None:
                return tuple(version)
            time.sleep(_PAUSE_S)
        raise AudioError("the XVF3800 is always busy; plug it in again")


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))
