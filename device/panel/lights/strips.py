"""Strips and rings of APA102 or WS2812 on an SPI bus."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from device.errors import PanelError
from device.foreign import gpio
from device.panel.lights import encoders
from device.panel.lights.spidev import SpiBus
from device.panel.patterns import Frame
from device.panel.scene import dark
from device.panel.settings import Led

Encode = Callable[[Frame], bytes]


class SpiStrip:
    """A `Light` of many pixels. A write takes as long as its bytes: 24 pixels of APA102 0.2 ms, of WS2812 1.4 ms."""

    dimmable = True

    def __init__(self, bus: SpiBus, count: int, encode: Encode, power: gpio.Switch | None) -> None:
        """`power`: what switches their power, on by now; None: it is always there."""
        self._bus = bus
        self._encode = encode
        self._power = power
        self.count = count
        self._was_used = False

    def write(self, frame: Frame) -> None:
        """See Light."""
        self._was_used = True
        self._bus.write(self._encode(frame))

    def close(self) -> None:
        """See Light."""
        if self._was_used:
            with contextlib.suppress(PanelError):
                self.write(dark(self.count))
            self._was_used = False
        self._bus.close()
        if self._power is not None:
            self._power.close()


def open_strip(led: Led) -> SpiStrip:
    """Switch the power on, where a pin does that; the bus is opened by the first write. Raise ConfigError."""
    assert led.pixels is not None, "the settings refuse a strip without a number of pixels"
    encode, speed_hz = _encoding(led)
    power = None
    if led.power_pin is not None:
        power = gpio.open_power(led.power_pin, key="hardware.led.power_pin")
    return SpiStrip(SpiBus(led.bus, led.device, speed_hz), led.pixels, encode, power)


def _encoding(led: Led) -> tuple[Encode, int]:
    if led.chosen == "apa102":
        apa102_order = led.order or encoders.APA102_ORDER
        return lambda frame: encoders.apa102(frame, apa102_order), encoders.APA102_HZ
    ws2812_order = led.order or encoders.WS2812_ORDER
    return lambda frame: encoders.ws2812(frame, ws2812_order), encoders.WS2812_HZ
