"""How bright the lights are at which time of day. No I/O, no clock: the time is an argument."""

from __future__ import annotations

from device.panel.settings import Led, minute_of
from device.units import Ms

ON_PINS = 1.0
PIXELS = 0.3
"""A ring of twelve at full brightness dazzles, and 24 white pixels would take 1.4 A."""

_DAY = 24 * 60
_MINUTE = 60_000
# The clock may be set meanwhile, or the summer time begin.
_LOOK_AGAIN = Ms(60 * _MINUTE)


class Dimming:
    """The brightness by day and at night."""

    def __init__(self, led: Led) -> None:
        usual = ON_PINS if led.chosen == "gpio" else PIXELS
        self._day = usual if led.brightness is None else led.brightness
        self._night = self._day if led.night_brightness is None else led.night_brightness
        self._begins, self._ends = minute_of(led.night_from) or 0, minute_of(led.night_to) or 0

    def brightness(self, minute: float) -> float:
        """Return it at a minute of the local day."""
        return self._night if self._is_night(minute) else self._day

    def next_change(self, minute: float) -> Ms | None:
        """Return how soon to ask again; None: it is always the same."""
        if self._night == self._day:
            return None
        until = min((moment - minute) % _DAY for moment in (self._begins, self._ends))
        # At the very moment it has changed already.
        return min(_LOOK_AGAIN, Ms((until or _DAY) * _MINUTE))

    def _is_night(self, minute: float) -> bool:
        return (minute - self._begins) % _DAY < (self._ends - self._begins) % _DAY
