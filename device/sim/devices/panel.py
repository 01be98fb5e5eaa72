"""A panel without pins: it records what it was told to show, and a program can press its button."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from device.core.indication import Indication
from device.panel.button import GestureButton
from device.panel.settings import PanelSettings
from device.ports.facts import Post
from device.units import Samples


class SimulatedPanel:
    """Implements ports.Panel. `press` and `release` go through the same gestures as a real button."""

    def __init__(
        self,
        settings: PanelSettings,
        post: Post,
        position_at: Callable[[float], Samples],
        loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self._button = GestureButton(settings.button, post, position_at, loop)
        self._closed = False
        self.shown: list[Indication] = []
        """Every change of the indication, oldest first."""
        self.volumes: list[int] = []
        """Every volume that was shown, oldest first."""

    @property
    def indication(self) -> Indication | None:
        """The indication shown now; None: none."""
        return None if self._closed or not self.shown else self.shown[-1]

    def show(self, indication: Indication) -> None:
        """Show it until told otherwise."""
        if not self._closed and indication is not self.indication:
            self.shown.append(indication)

    def show_volume(self, percent: int) -> None:
        """Record it."""
        if not self._closed:
            self.volumes.append(percent)

    def press(self) -> None:
        """Press the button down."""
        self._button.press()

    def release(self) -> None:
        """Release the button."""
        self._button.release()

    def close(self) -> None:
        """Switch the lights off and ignore the button. Harmless when closed."""
        self._closed = True
        self._button.close()
