"""What can be set about timers and alarms."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from device.settings import Section, Table

Minutes = Annotated[float, Meta(gt=0.0, le=1440.0, description="minutes, more than 0 and up to 1440")]


class Timers(Section, frozen=True):
    """Timers, alarms and reminders."""

    ring_minutes: Annotated[float, Meta(gt=0.0, le=60.0, description="minutes, more than 0 and up to 60")] = 10.0
    """How long it rings at most. Then it is said once what rang."""
    snooze_minutes: Minutes = 9.0
    """How long "snooze" puts off what rings."""
    missed_minutes: Minutes = 30.0
    """How late it still rings when the device was off, or its clock wrong, at the time; later, it is only said."""


TABLE = Table("tools.timers", Timers)
