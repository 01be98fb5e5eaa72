"""What XMOS XVF chips of microphone arrays understand over USB: which transfers ask what, and what the answers mean."""

from __future__ import annotations

import math
import struct
from typing import Any

from device.errors import AudioError
from device.foreign.usb import UsbDevice, UsbId, VendorRead, open_device
from device.units import Degrees

# Both from Seeed's product pages, and what lsusb shows.
XVF3000_ID = UsbId(0x2886, 0x0018)
XVF3800_ID = UsbId(0x2886, 0x001A)

# VOICEACTIVITY: parameter 32 of page 19, read (0x80) as an integer (0x40); the flag and an exponent, both int32:
# respeaker/usb_4_mic_array, tuning.py.
_XVF3000_VOICE = VendorRead(value=0x80 | 0x40 | 32, index=19, length=8)
# DOAANGLE: parameter 0 of page 21, 0 to 359: as above.
_XVF3000_DIRECTION = VendorRead(value=0x80 | 0x40, index=21, length=8)

# Resource as index, command with the read bit as value, and a status byte before the payload:
# respeaker/reSpeaker_XVF3800_USB_4MIC_ARRAY, xvf_host.py.
XVF3800_VERSION = VendorRead(value=0x80 | 0, index=48, length=4)
_XVF3800_DOA = VendorRead(value=0x80 | 18, index=20, length=5)
_XVF3800_ENERGIES = VendorRead(value=0x80 | 80, index=33, length=17)
# AEC_AZIMUTH_VALUES: of four beams, the last being the one that is listened to; in radians.
_XVF3800_AZIMUTHS = VendorRead(value=0x80 | 75, index=33, length=17)
# GPO_READ_VALUES: the levels of its output pins X0D11, X0D30, X0D31, X0D33 and X0D39. Its mute key (X1D09) toggles
# X0D30, which is high while it is muted: the same, and wiki.seeedstudio.com/respeaker_xvf3800_xiao_gpio.
_XVF3800_OUTPUTS = VendorRead(value=0x80 | 0, index=20, length=6)
_MUTE_OUTPUT = 1
_SUCCESS, _BUSY = 0, 64
# Older firmware has no DOA_VALUE (before 2.0.6), or one that stands still unless the LEDs show the direction.
_FIRMWARE_WITH_LIVE_FLAG = (2, 0, 10)


class Xvf3000:
    """ReSpeaker USB Mic Array v2."""

    def __init__(self, device: UsbDevice) -> None:
        self._device = device

    def hears_voice(self) -> bool:
        """Return whether there is a voice now. Raise AudioError."""
        (flag,) = struct.unpack_from("<i", self._device.read(_XVF3000_VOICE))
        return bool(flag)

    def direction(self) -> Degrees | None:
        """Return where the last voice came from, by the board's own count. Raise AudioError."""
        (angle,) = struct.unpack_from("<i", self._device.read(_XVF3000_DIRECTION))
        return Degrees(angle % 360)


class Xvf3800:
    """ReSpeaker XVF3800. Its voice flag stands still in old firmware: there, the speech energies of its beams do."""

    def __init__(self, device: UsbDevice) -> None:
        self._device = device
        self._has_live_flag: bool | None = None
        self._angle: Degrees | None = None
        """What came with the flag."""

    def hears_voice(self) -> bool | None:
        """Return whether there is a voice now; None: it is busy. Raise AudioError."""
        if self._has_live_flag is None and (version := self._ask(XVF3800_VERSION)) is not None:
            self._has_live_flag = tuple(version) >= _FIRMWARE_WITH_LIVE_FLAG
        if self._has_live_flag is None:
            return None
        return self._flag() if self._has_live_flag else self._energy()

    def is_muted(self) -> bool | None:
        """Return whether its own key has muted it; None: it is busy. Raise AudioError."""
        levels = self._ask(_XVF3800_OUTPUTS)
        return None if levels is None else levels[_MUTE_OUTPUT] != 0

    def direction(self) -> Degrees | None:
        """Return where the last voice came from, by the board's own count; None: it is busy. Raise AudioError."""
        if self._has_live_flag:
            return self._angle
        answer = self._ask(_XVF3800_AZIMUTHS)
        return None if answer is None else Degrees(math.degrees(struct.unpack("<4f", answer)[3]) % 360)

    def _flag(self) -> bool | None:
        answer = self._ask(_XVF3800_DOA)
        if answer is None:
            return None
        angle, flag = struct.unpack("<HH", answer)
        self._angle = Degrees(angle % 360)
        return bool(flag)

    def _energy(self) -> bool | None:
        answer = self._ask(_XVF3800_ENERGIES)
        # Above 0: speech in that beam.
        return None if answer is None else any(energy > 0 for energy in struct.unpack("<4f", answer))

    def _ask(self, what: VendorRead) -> bytes | None:
        return ask_xvf3800(self._device, what)


class Xvf3800Mute:
    """Tells of its mute key. Opened when it is asked first, and again after it was closed. Belongs to one thread."""

    def __init__(self, usb_backend: Any = None) -> None:
        """`usb_backend`: see `foreign.usb.open_device`."""
        self._backend = usb_backend
        self._device: UsbDevice | None = None

    def is_muted(self) -> bool | None:
        """Return whether its own key has muted it; None: it is busy. Raise AudioError or ConfigError."""
        if self._device is None:
            self._device = open_device(XVF3800_ID, self._backend)
        return Xvf3800(self._device).is_muted()

    def close(self) -> None:
        """Let it go. Harmless when closed."""
        device, self._device = self._device, None
        if device is not None:
            device.close()


def ask_xvf3800(device: UsbDevice, what: VendorRead) -> bytes | None:
    """Return the answer without its status; None when the chip wants to be asked again. Raise AudioError."""
    status, *payload = device.read(what)
    if status == _BUSY:
        return None
    if status != _SUCCESS:
        raise AudioError(
            f"the XVF3800 refused to answer (status {status}, resource {what.index}, command {what.value & 0x7F}); "
            "plug it in again, or update its firmware"
        )
    return bytes(payload)
