"""What the XU316 of the ReSpeaker Lite understands over I2C, with its I2S firmware 1.0.9 or newer."""

from __future__ import annotations

from device.errors import AudioError
from device.foreign.i2c import I2cDevice

# Address, resource and command, and that a status byte comes before the value: respeaker/ReSpeaker_Lite, README.md,
# "I2C interface", and xmos_firmwares/changelog.md (1.0.9: mute_status can be read). The USB firmware does not answer.
_ADDRESS = 0x42
_RESOURCE, _MUTE = 0xF1, 0x81
_SUCCESS, _BUSY = 0, 64
_BUS = "/dev/i2c-1"
"""Of the header's pins GPIO 2 and 3."""


class ReSpeakerLite:
    """Tells of its mute key. Opened when it is asked first, and again after it was closed. Belongs to one thread."""

    def __init__(self, bus: str = _BUS) -> None:
        self._bus = bus
        self._device: I2cDevice | None = None

    def is_muted(self) -> bool | None:
        """Return whether its key has muted it; None: it is busy. Raise AudioError or ConfigError."""
        if self._device is None:
            self._device = I2cDevice(self._bus, _ADDRESS)
        # How much is to be read, the status included, is the third byte.
        status, value = self._device.ask(bytes([_RESOURCE, _MUTE, 2]), 2)
        if status == _BUSY:
            return None
        if status != _SUCCESS:
            raise AudioError(
                f"the ReSpeaker Lite does not tell whether it is muted (status {status}); give it the I2S firmware "
                "1.0.9 or newer"
            )
        return value == 1

    def close(self) -> None:
        """Let the bus go. Harmless when closed."""
        device, self._device = self._device, None
        if device is not None:
            device.close()
