"""A sliding mute switch on a pin: looked at again and again, on the event loop."""

from __future__ import annotations

import asyncio
import contextlib

from device.core.events import Device, DeviceFailed, DeviceRecovered, MuteHeld, MuteHolder, MuteLetGo
from device.errors import PanelError
from device.foreign import gpio
from device.panel.mutes.slide import Slide
from device.panel.settings import MuteSwitch
from device.ports.facts import Post
from device.units import ms_from_seconds

LOOK_S = 0.1
"""As quick as the hand that slides it; it costs half of what looking at the buttons does."""
RETRY_S = 1.0
"""Between two looks at a pin that cannot be read."""


class PinMuteSwitch:
    """Posts MuteHeld and MuteLetGo, at once for where it stands at the start. One that cannot be read says mute."""

    def __init__(self, settings: MuteSwitch, post: Post, loop: asyncio.AbstractEventLoop) -> None:
        """Open the pin. Raise ConfigError."""
        assert settings.pin is not None
        self._settings = settings
        self._post = post
        self._loop = loop
        self._failed = False
        # Open, the pull-up keeps the pin high.
        self._pin: gpio.Input | None = gpio.open_input(settings.pin, active_high=False, key="hardware.mute_switch.pin")
        self._slide = Slide(self._read())
        if self._slide.muting:
            post(MuteHeld(MuteHolder.SWITCH, moved=False))
        self._timer: asyncio.TimerHandle | None = loop.call_later(LOOK_S, self._look)

    def close(self) -> None:
        """Look no more, and let the pin go. Harmless when closed."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        pin, self._pin = self._pin, None
        if pin is not None:
            with contextlib.suppress(PanelError):
                pin.close()

    def _look(self) -> None:
        if self._slide.handle_level(self._read(), ms_from_seconds(self._loop.time())):
            self._post(MuteHeld(MuteHolder.SWITCH) if self._slide.muting else MuteLetGo(MuteHolder.SWITCH))
        self._timer = self._loop.call_later(RETRY_S if self._failed else LOOK_S, self._look)

    def _read(self) -> bool:
        """Return whether it says mute now; yes when that cannot be told, which is posted."""
        assert self._pin is not None
        try:
            closed = self._pin.is_active
        except PanelError as error:
            self._note_failure(str(error))
            return True
        if self._failed:
            self._failed = False
            self._post(DeviceRecovered(Device.MUTE_SWITCH))
        return closed if self._settings.mutes_when == "closed" else not closed

    def _note_failure(self, why: str) -> None:
        if not self._failed:
            self._failed = True
            told = f"the mute switch cannot be read, so the microphone stays closed: {why}"
            self._post(DeviceFailed(Device.MUTE_SWITCH, told))
