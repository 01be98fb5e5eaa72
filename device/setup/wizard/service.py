"""The service, while a person sets up what it runs with: it has the sound card."""

from __future__ import annotations

import asyncio

from device.kit.programs import run
from device.setup.daemon import find_running

UNIT = "hearthside.service"
# Its stop takes 2 s at most, its start some more on a slow machine.
_LIMIT_S = 60.0


def runs() -> bool:
    """Tell whether a house runs here."""
    return find_running() is not None


def order(verb: str) -> str:
    """Have systemd start, stop or restart it; return what keeps it from that, "" where nothing does."""
    ran = asyncio.run(run("systemctl", verb, UNIT, limit_s=_LIMIT_S))
    if ran is None:
        return "systemctl cannot be run, or does not come to an end"
    return "" if ran.code == 0 else (ran.complaint.strip().splitlines() or ["it gives no reason"])[-1]
