"""Levels of a sliding mute switch -> what it says. No I/O, no clock: every call is told the time in milliseconds.

It mutes at the first sign of mute, and lets go only when it has steadily said so for SETTLED: a contact that bounces,
or is half way, means mute.
"""

from __future__ import annotations

from device.units import Ms

SETTLED = Ms(150)
"""The contacts of small slide switches bounce for some 10 ms."""


class Slide:
    """Follows one switch. Calls come in the order of their times."""

    def __init__(self, muting: bool) -> None:
        """`muting`: what it says at the start, which is believed."""
        self.muting = muting
        self._open_since: Ms | None = None

    def handle_level(self, muting: bool, now: Ms) -> bool:
        """The switch was looked at; return whether what it says has changed."""
        before = self.muting
        if muting:
            self._open_since = None
            self.muting = True
        elif self._open_since is None:
            self._open_since = now
        if self._open_since is not None and now - self._open_since >= SETTLED:
            self.muting = False
        return self.muting is not before
