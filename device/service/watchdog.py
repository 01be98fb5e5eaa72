"""Feeds systemd's watchdog for as long as the house is alive, and says why it does not.

It is fed on the event loop, so that a loop that stands still does not feed it either.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable

from device.core.status import Status
from device.core.watchdog import Look, Watchdog
from device.service.systemd import ServiceManager
from device.units import Samples, ms_from_seconds

log = logging.getLogger(__name__)

LOOKS = 5
"""So often within the time that systemd waits; a stream that is being opened may fail two of them."""


class WatchdogFeeder:
    """Looks at the house, and feeds."""

    def __init__(
        self,
        status: Callable[[], Status],
        scored: Callable[[], Samples],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`scored`: how far the stream has been scored."""
        self._status = status
        self._scored = scored
        self._clock = clock
        self._complaint = ""

    async def feed(self, manager: ServiceManager, waits_s: float) -> None:
        """Feed for ever, for a systemd that waits so long. 0: return at once."""
        if not waits_s:
            return
        watchdog = Watchdog(self._look())
        while True:
            await asyncio.sleep(waits_s / LOOKS)
            complaint = watchdog.complaint(self._look())
            if not complaint:
                manager.notify_alive()
            self._tell(complaint)

    def _look(self) -> Look:
        return Look(self._status(), self._scored(), ms_from_seconds(self._clock()))

    def _tell(self, complaint: str) -> None:
        """Say it when it begins: systemd itself only says that the watchdog was not fed."""
        if complaint and not self._complaint:
            log.warning("the watchdog is not fed: %s", complaint)
        self._complaint = complaint
