"""Logs how long people waited, and keeps the journal's fields true."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from device.core.latencies import Latencies, Wait
from device.core.status import Status
from device.service import journal
from device.units import ms_from_seconds

log = logging.getLogger(__name__)

_TEXTS = {
    Wait.SESSION: "turn %d: the conversation was open after %.0f ms",
    Wait.REPLY: "turn %d: the answer began after %.0f ms",
}


class TurnLog:
    """An observer of the controller."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._latencies = Latencies()

    def observe(self, what: object, status: Status) -> None:
        """Take in a fact or an order."""
        journal.note_status(status)
        ended = self._latencies.note(what, ms_from_seconds(self._clock()))
        if ended is not None:
            wait, lasted = ended
            log.info(_TEXTS[wait], status.turn, lasted, extra={"reason": wait.value, "latency_ms": round(lasted)})
