"""Tells people, once, what the model is not told for want of room."""

from __future__ import annotations

import logging
import time

from device.core.health import Health, unwell, well
from device.ports.tools import Told
from device.units import Ms, ms_from_seconds

log = logging.getLogger(__name__)

_WHAT_TO_DO = "raise tools.budget_bytes, or have fewer tools (hearthside tools tells how many bytes each takes)"


class Telling:
    """Notes what was told, and knows whether it was all."""

    def __init__(self) -> None:
        self._health = Health("tools", ok=True, since=_now())
        self._has_told = False

    def note(self, told: Told) -> None:
        """Log what is lacking where that has changed."""
        self._has_told = True
        why = lacking(told)
        if why == self._health.why:
            return
        if why:
            log.warning("the model is not told of everything: %s", why)
            self._health = unwell(self._health, why, _WHAT_TO_DO, _now())
        else:
            log.info("the model is told of everything again")
            self._health = well(self._health, _now())

    def health(self) -> tuple[Health, ...]:
        """Return whether the model was last told of everything; nothing before it was told of anything."""
        return (self._health,) if self._has_told else ()


def lacking(told: Told) -> str:
    """Return in words what a model is not told; "" for nothing."""
    parts = []
    if told.size > told.budget:
        parts.append(f"the house's own tools alone take {told.size} bytes")
    if told.left_out:
        parts.append(f"left out: {', '.join(told.left_out)}")
    if told.shortened:
        parts.append(f"shortened: {', '.join(told.shortened)}")
    if told.lacks_overview:
        parts.append("the overview of the home is not complete")
    return f"tools.budget_bytes = {told.budget} is too little; {'; '.join(parts)}" if parts else ""


def _now() -> Ms:
    return ms_from_seconds(time.monotonic())
