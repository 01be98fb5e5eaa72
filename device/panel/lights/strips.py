"""Strips and rings of APA102 or WS2812 on an SPI bus."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from functools import partial

from device.errors import ConfigError, PanelError
from device.foreign import gpio
from device.panel.lights import encoders
from device.panel.lights.spidev import SpiBus
from device.panel.patterns import Frame
from device.panel.scene import dark
from device.panel.settings import Led

Encode = Callable[[Frame], bytes]
SwitchOn = Callable[[], gpio.Switch]
"""Switch the power of the lights on. Raise ConfigError."""


class SpiStrip:
    """A `Light` of many pixels. A write takes as long as its bytes: 24 pixels of APA102 0.2 ms, of WS2812 1.4 ms."""

    dimmable = True

    def __init__(self, bus: SpiBus, count: int, encode: Encode, switch_on: SwitchOn | None = None) -> None:
        """`switch_on`: how they get their power, with the first write; None: it is always there."""
        self._bus = bus
        self._encode = encode
        self._switch_on = switch_on
        self._power: gpio.Switch | None = None
        self._was_used = False
        self.count = count

    def write(self, frame: Frame) -> None:
        """See Light."""
        self._was_used = True
        if self._switch_on is not None and self._power is None:
            # A board's own setting: where its pin cannot be used the house goes on without lights, and says so.
            try:
                self._power = self._switch_on()
            except ConfigError as error:
                raise PanelError(str(error)) from error
        self._bus.write(self._encode(frame))

    def close(self) -> None:
        """See Light."""
        if self._was_used:
            with contextlib.suppress(PanelError):
                self.write(dark(self.count))
            self._was_used = False
        self._bus.close()
        power, self._power = self._power, None
        if power is not None:
            power.close()


def strip_of(led: Led) -> SpiStrip:
    """Return the strip that is configured; it is opened by the first write."""
    assert led.pixels is not None, "the settings refuse a strip without a number of pixels"
    encode, speed_hz = _encoding(led)
    switch_on = None
    if led.power_pin is not None:
        switch_on = partial(gpio.open_power, led.power_pin, key="hardware.led.power_pin")
    return SpiStrip(SpiBus(led.bus, led.device, speed_hz), led.pixels, encode, switch_on)


def _encoding(led: Led) -> tuple[Encode, int]:
    if led.chosen == "apa102":
        apa102_order = led.order or encoders.APA102_ORDER
        return lambda frame: encoders.apa102(frame, apa102_order), encoders.APA102_HZ
    ws2812_order = led.order or encoders.WS2812_ORDER
    return lambda frame: encoders.ws2812(frame, ws2812_order), encoders.WS2812_HZ
