"""Keeps the health of the house, and logs how it changes."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence

from device.core.health import Changes, Health, Record
from device.units import Ms, ms_from_seconds

log = logging.getLogger(__name__)

Ask = Callable[[], Sequence[Health]]
"""Return the health of parts that only their owner knows. Must be quick."""


class HealthLog:
    """An observer of the controller: notes what facts tell of the house's parts, and asks those who know of others."""

    def __init__(self, ask: Sequence[Ask] = (), clock: Callable[[], float] = time.monotonic) -> None:
        self._ask = ask
        self._clock = clock
        self._record = Record(self._now())
        self._changes = Changes()

    @property
    def facts(self) -> tuple[Health, ...]:
        """The health of every part of the house now."""
        return (*self._record.facts, *(health for ask in self._ask for health in ask()))

    def observe(self, what: object, status: object) -> None:
        """Take in a fact or an order."""
        self._record.note(what, self._now())
        for health, lasted in self._changes.compare(self.facts):
            extra = {"reason": health.part}
            if health.ok:
                log.info("health: the %s is well again, after %.0f s", health.part, lasted / 1000, extra=extra)
            else:
                told = (health.part, health.why, health.what_to_do)
                log.warning("health: the %s is not well: %s; what to do: %s", *told, extra=extra)

    def _now(self) -> Ms:
        return ms_from_seconds(self._clock())
