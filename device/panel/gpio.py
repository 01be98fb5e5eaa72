"""One LED or RGB LED, and the buttons, on GPIO pins."""

from __future__ import annotations

import asyncio
import contextlib
import logging

from device.core.events import Device, DeviceFailed, DeviceRecovered
from device.core.indication import Indication
from device.errors import PanelError
from device.foreign import gpio
from device.panel.button import PositionAt
from device.panel.buttons import Buttons
from device.panel.patterns import pattern_of
from device.panel.settings import Led, PanelSettings
from device.ports.facts import Post
from device.ports.panel import Panel
from device.units import Ms, ms_from_seconds

log = logging.getLogger(__name__)

RETRY = Ms(1_000)
"""How soon a light that failed is tried again. The pattern of a fault is lit then, in both tables of patterns."""


class NullPanel:
    """No lights and no button."""

    def show(self, indication: Indication) -> None:
        """Nothing to show it on."""

    def close(self) -> None:
        """Nothing to close."""


def open_panel(
    settings: PanelSettings,
    post: Post,
    position_at: PositionAt,
    loop: asyncio.AbstractEventLoop | None = None,
) -> Panel:
    """Open the configured pins; without any, return a panel that does nothing and load no GPIO library.

    Raise ConfigError when a pin cannot be used.
    """
    led = settings.led
    if led.pin is None and led.red is None and not settings.wired:
        return NullPanel()
    return GpioPanel(settings, post, position_at, loop)


class GpioPanel:
    """Shows patterns on the LED by timers of the event loop; its buttons post what is done with them."""

    def __init__(
        self,
        settings: PanelSettings,
        post: Post,
        position_at: PositionAt,
        loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        """Open the pins. Raise ConfigError."""
        self._loop = loop or asyncio.get_running_loop()
        self._post = post
        self._failed = False
        self._indication: Indication | None = None
        self._began = Ms(0)
        self._timer: asyncio.TimerHandle | None = None
        with contextlib.ExitStack() as opened:
            self._light = _open_light(settings.led)
            if self._light is not None:
                opened.callback(self._light.close)
            self._buttons = Buttons(settings, post, position_at, self._loop)
            opened.pop_all()

    def show(self, indication: Indication) -> None:
        """Show it until told otherwise; the same indication again does not restart its pattern. Never raises."""
        if self._light is None or indication is self._indication:
            return
        self._indication = indication
        self._began = ms_from_seconds(self._loop.time())
        self._refresh()

    def close(self) -> None:
        """Switch the lights off and release the pins. Harmless when closed."""
        self._stop_timer()
        self._buttons.close()
        light, self._light = self._light, None
        if light is not None:
            self._close_light(light)

    def _refresh(self) -> None:
        self._stop_timer()
        if self._light is None or self._indication is None:
            return
        pattern = pattern_of(self._indication, dimmable=self._light.dimmable)
        elapsed = Ms(ms_from_seconds(self._loop.time()) - self._began)
        levels = pattern.colour_at(elapsed) if self._light.channels == 3 else (pattern.brightness(elapsed),)
        self._write(self._light, levels)
        wait = RETRY if self._failed else pattern.next_change(elapsed)
        if wait is not None:
            self._timer = self._loop.call_later(wait / 1000, self._refresh)

    def _write(self, light: gpio.Light, levels: tuple[float, ...]) -> None:
        """Set the light. Post the first failure, and the first success with a lit light after it."""
        failed = self._failed
        try:
            light.show(levels)
        except PanelError as error:
            self._failed = True
            if not failed:
                self._post(DeviceFailed(Device.LIGHT, str(error)))
        else:
            self._failed = failed and not any(levels)
            if failed and not self._failed:
                self._post(DeviceRecovered(Device.LIGHT))

    def _close_light(self, light: gpio.Light) -> None:
        try:
            light.close()
        except PanelError as error:
            log.warning("closing the panel: %s", error)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _open_light(led: Led) -> gpio.Light | None:
    if led.pin is not None:
        return gpio.open_led(led.pin, active_high=led.active_high, key="hardware.led.pin")
    if led.red is None or led.green is None or led.blue is None:
        return None
    return gpio.open_rgb((led.red, led.green, led.blue), active_high=led.active_high, key="hardware.led")
