"""Strips and rings of APA102 or WS2812 on an SPI bus, as the panel's light."""

from __future__ import annotations

from functools import partial

from device.foreign import gpio
from device.foreign.spidev import SpiBus
from device.foreign.strips import SpiStrip, encoding
from device.panel.settings import Led


def strip_of(led: Led) -> SpiStrip:
    """Return the strip that is configured; it is opened by the first write."""
    assert led.pixels is not None, "the settings refuse a strip without a number of pixels"
    encode, speed_hz = encoding("apa102" if led.chosen == "apa102" else "ws2812", led.order)
    switch_on = None
    if led.power_pin is not None:
        switch_on = partial(gpio.open_power, led.power_pin, key="hardware.led.power_pin")
    return SpiStrip(SpiBus(led.bus, led.device, speed_hz, "hardware.led"), led.pixels, encode, switch_on)
