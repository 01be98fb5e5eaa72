"""Which driver the configuration asks for, and what it drives, in words."""

from __future__ import annotations

from typing import Any

from device.panel.lights.light import Light
from device.panel.settings import Led


def open_light(led: Led, usb_backend: Any = None) -> Light | None:
    """Open what is configured, and load nothing else; None: there are no lights. Raise ConfigError for pins.

    What is on a bus is opened by the first write: it may come and go.
    """
    # Late: only what is configured is loaded.
    match led.chosen:
        case "gpio":
            from device.panel.lights.pins import open_pins

            return open_pins(led)
        case "apa102" | "ws2812":
            from device.panel.lights.strips import strip_of

            return strip_of(led)
        case "xvf3000" | "xvf3800" as kind:
            from device.panel.lights.usbrings import KINDS, UsbRing

            return UsbRing(KINDS[kind], usb_backend)
    return None


def described(led: Led) -> str:
    """Return what is configured, in words: "12 pixels of APA102 on /dev/spidev0.1"; "" for nothing."""
    match led.chosen:
        case "gpio" if led.pin is not None:
            return f"one LED on GPIO {led.pin}"
        case "gpio":
            return f"an RGB LED on GPIO {led.red}, {led.green} and {led.blue}"
        case "apa102" | "ws2812" as chip:
            power = "" if led.power_pin is None else f", switched by GPIO {led.power_pin}"
            pixels = "1 pixel" if led.pixels == 1 else f"{led.pixels} pixels"
            return f"{pixels} of {chip.upper()} on /dev/spidev{led.bus}.{led.device}{power}"
        case "xvf3000" | "xvf3800" as chip:
            return f"the ring of the {chip.upper()} on USB"
    return ""
