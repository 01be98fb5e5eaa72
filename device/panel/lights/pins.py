"""One LED, or the three of an RGB LED, on GPIO pins. A write never waits."""

from __future__ import annotations

from device.foreign import gpio
from device.foreign.pixels import Frame
from device.panel.settings import Led


class PinLight:
    """A `Light` of one pixel. One LED shows how bright the colour is: the brightest of its parts."""

    count = 1

    def __init__(self, leds: gpio.Light) -> None:
        self._leds = leds

    @property
    def dimmable(self) -> bool:
        """See Light."""
        return self._leds.dimmable

    def write(self, frame: Frame) -> None:
        """See Light."""
        (colour,) = frame
        self._leds.show(colour if self._leds.channels == 3 else (max(colour),))

    def close(self) -> None:
        """See Light."""
        self._leds.close()


def open_pins(led: Led) -> PinLight:
    """Open the pins that are configured, dark. Raise ConfigError."""
    if led.red is not None and led.green is not None and led.blue is not None:
        return PinLight(gpio.open_rgb((led.red, led.green, led.blue), active_high=led.active_high, key="hardware.led"))
    assert led.pin is not None, "the settings refuse a driver without its pins"
    return PinLight(gpio.open_led(led.pin, active_high=led.active_high, key="hardware.led.pin"))
