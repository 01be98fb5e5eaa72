"""Whether other players on the machine should be quieter."""

from __future__ import annotations

from device.core.status import Phase, Status


def ducks_others(status: Status) -> bool:
    """Say whether they should: while the device listens, thinks, speaks of whatever accord, or rings."""
    return status.phase is not Phase.IDLE or status.announcing or status.ringing
