"""How much of what was heard left the device, and how much was withheld."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from device.core.actions import CloseSession
from device.units import CAPTURE_RATE, Samples

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Traffic:
    """How many samples of the capture stream an open gate let out, and how many it withheld as no voice."""

    passed: Samples = Samples(0)
    withheld: Samples = Samples(0)

    @property
    def heard(self) -> Samples:
        """Everything that was heard while the gate was open."""
        return Samples(self.passed + self.withheld)

    @property
    def share_withheld(self) -> float:
        """Part of what was heard, 0 to 1; 0 when nothing was heard."""
        return self.withheld / self.heard if self.heard else 0.0

    def since(self, before: Traffic) -> Traffic:
        """Return the traffic since `before`."""
        return Traffic(Samples(self.passed - before.passed), Samples(self.withheld - before.withheld))


class TrafficReport:
    """Logs the traffic of every session when it ends; an observer of the controller."""

    def __init__(self, traffic: Callable[[], Traffic]) -> None:
        self.newest = Traffic()
        """That of the session that ended last."""
        self._traffic = traffic
        self._before = traffic()

    def observe(self, what: object, status: object) -> None:
        """Note a fact or an order. Outside sessions the gate is shut: a count begins where the last one ended."""
        if isinstance(what, CloseSession):
            now = self._traffic()
            self.newest, self._before = now.since(self._before), now
            self._log(self.newest)

    def _log(self, traffic: Traffic) -> None:
        heard_s, sent_s = traffic.heard / CAPTURE_RATE, traffic.passed / CAPTURE_RATE
        share = 100 * traffic.share_withheld
        log.info("session ended: heard %.1f s while listening, sent %.1f s, withheld %.0f %%", heard_s, sent_s, share)
