"""Tells the house of lights that cannot be set, and that they can be again."""

from __future__ import annotations

from device.core.events import Device, DeviceFailed, DeviceRecovered
from device.errors import PanelError
from device.ports.facts import Post
from device.units import Ms

SOON, LATE = Ms(1_000), Ms(16_000)
"""How soon lights that failed are tried again, at first and in the end: what is gone for good should cost nothing."""


class Faults:
    """Posts the first failure, and the first success with a lit light after it. Belongs to the event loop's thread."""

    def __init__(self, post: Post) -> None:
        self._post = post
        self.failed = False

    def note_failure(self, error: PanelError) -> None:
        """The lights could not be set."""
        if not self.failed:
            self.failed = True
            self._post(DeviceFailed(Device.LIGHT, str(error)))

    def note_success(self, lit: bool) -> None:
        """They were set. That a light can be put out proves nothing: its power may be gone."""
        if self.failed and lit:
            self.failed = False
            self._post(DeviceRecovered(Device.LIGHT))


class Patience:
    """How long to wait until the next attempt: ever longer."""

    def __init__(self) -> None:
        self._next = SOON

    def wait(self) -> Ms:
        """An attempt has failed; return how soon to make another."""
        now, self._next = self._next, Ms(min(2 * self._next, LATE))
        return now

    def reset(self) -> None:
        """An attempt has succeeded."""
        self._next = SOON
