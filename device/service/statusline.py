"""Keeps the line that `systemctl status` shows."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from device.core.health import Health
from device.core.status import Phase, Status
from device.core.statusline import status_line
from device.service import journal
from device.service.systemd import ServiceManager
from device.units import Ms


class StatusLine:
    """An observer of the controller. Says nothing before it knows something: systemd says itself that it starts."""

    def __init__(
        self,
        manager: ServiceManager,
        status: Callable[[], Status],
        parts: Callable[[], Iterable[Health]],
        words: tuple[str, ...],
    ) -> None:
        """`words`: the wake words."""
        self._manager = manager
        self._status = status
        self._parts = parts
        self._words = words
        self._is_ready = False
        self._told = ""

    def settle(self) -> None:
        """All is as it was asked for: from now on that is said, too."""
        self._is_ready = True
        self.observe(None, None)

    def observe(self, what: object, status: object) -> None:
        """Something has happened."""
        now, parts = self._status(), tuple(self._parts())
        if not (self._is_ready or now.muted or now.phase is not Phase.IDLE or now.faults):
            return
        line = journal.masked(status_line(now, parts, self._words, time_of_day))
        if line != self._told:
            self._told = line
            self._manager.notify_status(line)


def time_of_day(moment: Ms) -> str:
    """Return a moment of the monotonic clock as the wall clock shows it now: at boot it may have been wrong."""
    return time.strftime("%H:%M", time.localtime(time.time() - (time.monotonic() - moment / 1000)))
