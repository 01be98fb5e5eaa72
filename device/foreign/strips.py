"""Strips and rings of APA102 or WS2812 on an SPI bus: those of the panel, and those that light a room."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Literal

from device.errors import ConfigError, PanelError
from device.foreign import gpio, pixels
from device.foreign.pixels import Frame
from device.foreign.spidev import SpiBus
from device.settings import PixelOrder

Chip = Literal["apa102", "ws2812"]
Encode = Callable[[Frame], bytes]
SwitchOn = Callable[[], gpio.Switch]
"""Switch the power of the lights on. Raise ConfigError."""


class SpiStrip:
    """Many pixels, opened by the first write; dark when closed.

    A write takes as long as its bytes: 24 pixels of APA102 0.2 ms, of WS2812 1.4 ms; 300 of them 2.5 and 9.6 ms.
    """

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
        """Show a colour for each pixel. Raise PanelError."""
        self._was_used = True
        if self._switch_on is not None and self._power is None:
            # A board's own setting: where its pin cannot be used the house goes on without lights, and says so.
            try:
                self._power = self._switch_on()
            except ConfigError as error:
                raise PanelError(str(error)) from error
        self._bus.write(self._encode(frame))

    def close(self) -> None:
        """Be dark, as far as that is possible, and let the bus go. Harmless when closed."""
        if self._was_used:
            with contextlib.suppress(PanelError):
                self.write(((0.0, 0.0, 0.0),) * self.count)
            self._was_used = False
        self._bus.close()
        power, self._power = self._power, None
        if power is not None:
            power.close()


def encoding(chip: Chip, order: PixelOrder | None) -> tuple[Encode, int]:
    """Return how a chip is spoken to, and the speed of its bus (Hz); order None: that of most such chips."""
    if chip == "apa102":
        apa102_order = order or pixels.APA102_ORDER
        return lambda frame: pixels.apa102(frame, apa102_order), pixels.APA102_HZ
    ws2812_order = order or pixels.WS2812_ORDER
    return lambda frame: pixels.ws2812(frame, ws2812_order), pixels.WS2812_HZ
