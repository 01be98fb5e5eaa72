"""What this process takes of the machine, and how warm that is."""

from __future__ import annotations

import os
import time
from pathlib import Path

_STATM = Path("/proc/self/statm")
_THERMAL = Path("/sys/class/thermal/thermal_zone0/temp")


class Machine:
    """Asked now and then, in a thread."""

    def __init__(self, thermal: Path = _THERMAL) -> None:
        self._thermal = thermal
        self._before = (time.monotonic(), time.process_time())

    @property
    def has_temperature(self) -> bool:
        """Whether it can tell how warm it is."""
        return self._thermal.exists()

    def figures(self) -> dict[str, float | None]:
        """Return CPU (percent of one core, since it was asked last), memory (MB resident), temperature (°C)."""
        before, self._before = self._before, (time.monotonic(), time.process_time())
        passed = max(self._before[0] - before[0], 1e-3)
        return {
            "cpu_percent": round(100 * (self._before[1] - before[1]) / passed, 1),
            "memory_mb": round(int(_STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6, 1),
            "temperature_c": self._temperature(),
        }

    def _temperature(self) -> float | None:
        try:
            return round(int(self._thermal.read_text()) / 1000, 1)
        except (OSError, ValueError):
            return None
