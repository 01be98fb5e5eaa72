"""The lights, of whatever kind, and the buttons on GPIO pins."""

from __future__ import annotations

import asyncio
import contextlib

from device.core.indication import Indication
from device.panel.button import PositionAt
from device.panel.buttons import Buttons
from device.panel.settings import Led, PanelSettings
from device.ports.facts import Post
from device.ports.panel import Direction, Panel


class NullPanel:
    """No lights and no button."""

    def show(self, indication: Indication) -> None:
        """Nothing to show it on."""

    def show_volume(self, percent: int) -> None:
        """Nothing to show it on."""

    def close(self) -> None:
        """Nothing to close."""


def open_panel(
    settings: PanelSettings,
    post: Post,
    position_at: PositionAt,
    loop: asyncio.AbstractEventLoop | None = None,
    direction: Direction | None = None,
) -> Panel:
    """Open what is configured; without anything, return a panel that does nothing and load no GPIO library.

    `direction` tells where a voice comes from, for rings. Raise ConfigError when a pin cannot be used.
    """
    if settings.led.chosen == "none" and not settings.wired:
        return NullPanel()
    return GpioPanel(settings, post, position_at, loop, direction)


class GpioPanel:
    """Shows indications on the lights; its buttons post what is done with them."""

    def __init__(
        self,
        settings: PanelSettings,
        post: Post,
        position_at: PositionAt,
        loop: asyncio.AbstractEventLoop | None = None,
        direction: Direction | None = None,
    ) -> None:
        """Open the lights and the pins. Raise ConfigError."""
        loop = loop or asyncio.get_running_loop()
        with contextlib.ExitStack() as opened:
            self._lights = _open_lights(settings.led, post, loop, direction)
            opened.callback(self._lights.close)
            self._buttons = Buttons(settings, post, position_at, loop)
            opened.pop_all()

    def show(self, indication: Indication) -> None:
        """See Panel; the same indication again does not restart its pattern."""
        self._lights.show(indication)

    def show_volume(self, percent: int) -> None:
        """See Panel."""
        self._lights.show_volume(percent)

    def close(self) -> None:
        """See Panel."""
        self._buttons.close()
        self._lights.close()


def _open_lights(led: Led, post: Post, loop: asyncio.AbstractEventLoop, direction: Direction | None) -> Panel:
    if led.chosen == "none":
        return NullPanel()
    # Late: a device without lights loads nothing of them.
    from device.panel.lights.showing import open_lights

    return open_lights(led, post, loop, direction) or NullPanel()
