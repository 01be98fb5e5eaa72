"""All buttons of the panel, on their pins."""

from __future__ import annotations

import asyncio
import contextlib
import logging

from device.core.events import Device, DeviceFailed
from device.errors import PanelError
from device.foreign import gpio
from device.panel.button import GestureButton, PositionAt
from device.panel.settings import PanelSettings
from device.ports.facts import Post

log = logging.getLogger(__name__)


class Buttons:
    """Up to four, each of which posts by itself what its gestures are mapped to."""

    def __init__(
        self,
        settings: PanelSettings,
        post: Post,
        position_at: PositionAt,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        """Open the pins. Raise ConfigError."""
        self._post = post
        self._gestures: list[GestureButton] = []
        self._watch = gpio.ButtonWatch(loop)
        with contextlib.ExitStack() as opened:
            opened.callback(self.close)
            for key, button in settings.wired.items():
                if button.pin is not None:
                    gestures = GestureButton(button, post, position_at, loop, key)
                    self._gestures.append(gestures)
                    listener = gpio.ButtonListener(gestures.press, gestures.release, self._report)
                    self._watch.open(button.pin, key=f"{key}.pin", listener=listener)
            opened.pop_all()

    def close(self) -> None:
        """Post nothing more, and let the pins go. Harmless when closed."""
        for gestures in self._gestures:
            gestures.close()
        try:
            self._watch.close()
        except PanelError as error:
            log.warning("closing the panel: %s", error)

    def _report(self, error: PanelError) -> None:
        """A button that broke stays broken: it is not looked at any more."""
        self._post(DeviceFailed(Device.BUTTON, str(error)))
