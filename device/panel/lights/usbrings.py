"""The rings of USB microphone arrays, painted by their chips."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from device.boards.xvf import XVF3000_ID, XVF3800_ID
from device.boards.xvfring import RING_PIXELS, Xvf3000Ring, Xvf3800Ring
from device.errors import HearthsideError, PanelError
from device.foreign.pixels import Frame
from device.foreign.usb import UsbDevice, UsbId, open_device
from device.panel.lights import encoders
from device.panel.scene import dark


class Ring(Protocol):
    """How to paint the ring of one kind of chip."""

    def paint(self, colours: bytes) -> None:
        """Show colours as the chip takes them. Raise AudioError, or PanelError where there is no such ring."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of array."""

    identity: UsbId
    ring: Callable[[UsbDevice], Ring]
    encode: Callable[[Frame], bytes]


KINDS = {
    "xvf3000": Kind(XVF3000_ID, Xvf3000Ring, encoders.xvf3000),
    "xvf3800": Kind(XVF3800_ID, Xvf3800Ring, encoders.xvf3800),
}


class UsbRing:
    """A `Light` of an array that may come and go. A write takes some ms, and 0.2 s where the chip hangs."""

    count = RING_PIXELS
    dimmable = True

    def __init__(self, kind: Kind, backend: Any = None) -> None:
        """`backend`: see `device.foreign.usb.open_device`."""
        self._kind = kind
        self._backend = backend
        self._device: UsbDevice | None = None
        self._ring: Ring | None = None

    def write(self, frame: Frame) -> None:
        """See Light."""
        try:
            self._opened().paint(self._kind.encode(frame))
        except PanelError:
            self._let_go()
            raise
        except HearthsideError as error:
            self._let_go()
            raise PanelError(f"the ring of lights: {error}") from error

    def close(self) -> None:
        """See Light."""
        if self._ring is not None:
            with contextlib.suppress(PanelError):
                self.write(dark(self.count))
        self._let_go()

    def _opened(self) -> Ring:
        if self._ring is None:
            self._device = open_device(self._kind.identity, self._backend)
            self._ring = self._kind.ring(self._device)
        return self._ring

    def _let_go(self) -> None:
        device, self._device, self._ring = self._device, None, None
        if device is not None:
            device.close()
