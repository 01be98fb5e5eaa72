"""What holds the mute beside the person's own: a sliding switch, and the mute key of a microphone array."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from device.panel.settings import PanelSettings
from device.ports.facts import Post

if TYPE_CHECKING:
    from device.panel.mutes.array import Array, ArrayMute
    from device.panel.mutes.switch import PinMuteSwitch


class Mutes:
    """Those that are configured; the code of the others is not loaded."""

    def __init__(
        self,
        settings: PanelSettings,
        post: Post,
        loop: asyncio.AbstractEventLoop | None = None,
        usb_backend: Any = None,
    ) -> None:
        """Open the switch, whose position is posted at once. `usb_backend`: see `foreign.usb.open_device`.

        Raise ConfigError.
        """
        loop = loop or asyncio.get_running_loop()
        self._switch = _open_switch(settings, post, loop)
        self._array = _open_array(settings, post, loop, usb_backend)

    async def start(self) -> None:
        """Have the array's key asked, and wait until it is known, for a while. Raise ThreadError."""
        if self._array is not None:
            await self._array.start()

    def close(self) -> None:
        """Look no more. Harmless when closed."""
        if self._switch is not None:
            self._switch.close()
        if self._array is not None:
            self._array.close()


def _open_switch(settings: PanelSettings, post: Post, loop: asyncio.AbstractEventLoop) -> PinMuteSwitch | None:
    if settings.mute_switch.pin is None:
        return None
    from device.panel.mutes.switch import PinMuteSwitch

    return PinMuteSwitch(settings.mute_switch, post, loop)


def _open_array(
    settings: PanelSettings, post: Post, loop: asyncio.AbstractEventLoop, usb_backend: Any
) -> ArrayMute | None:
    if settings.array_mute == "none":
        return None
    from device.panel.mutes.array import ArrayMute

    return ArrayMute(_array(settings, usb_backend), post, loop)


def _array(settings: PanelSettings, usb_backend: Any) -> Array:
    if settings.array_mute == "respeaker_lite":
        from device.boards.xu316 import ReSpeakerLite

        return ReSpeakerLite()
    from device.boards.xvf import Xvf3800Mute

    return Xvf3800Mute(usb_backend)
