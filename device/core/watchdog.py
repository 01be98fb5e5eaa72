"""Whether a watchdog may be told that the house is alive: looked at now and then, always with the time.

Alive is who hears: sound is scored, as fast as time passes. Somebody who is muted hears nothing on purpose. And a house
that is deaf and knows it goes on as it is: it shows that, obeys its button and tries again by itself. It is given up
only where a new process may do better, with a sound system that is new as well: once it could hear, and has been deaf
for a while since. One that has never heard since its start would not hear after another.
"""

from __future__ import annotations

from dataclasses import dataclass

from device.core.events import Device
from device.core.status import Phase, Status
from device.units import CAPTURE_RATE, Ms, Samples, ms_from_samples

LEAST_SHARE = 0.25
"""How much of the time that passed must have been scored. Cards sleep and machines skip what they are too slow for, but
not most of it."""
LONGEST_DEAF = Ms(120_000)
"""A card that is pulled out and put back, or a sound server that starts anew, is back by then."""

_EARS = frozenset({Device.MICROPHONE, Device.WAKE_WORD})


@dataclass(frozen=True, slots=True)
class Look:
    """What there is to see. `scored`: how far the stream has been scored."""

    status: Status
    scored: Samples
    now: Ms


class Watchdog:
    """Judges one look after the other."""

    def __init__(self, first: Look) -> None:
        self._before = first
        self._has_heard = False
        self._deaf_since: Ms | None = None

    def complaint(self, look: Look) -> str:
        """Return why the house is not alive, or "" when it is."""
        before, self._before = self._before, look
        hears = self._note(before, look)
        if look.status.muted or hears:
            return ""
        if self._deaf_since is None:
            return f"no sound has been scored for {(look.now - before.now) / 1000:.0f} s"
        return self._judge_deafness(look, Ms(look.now - self._deaf_since))

    def _note(self, before: Look, look: Look) -> bool:
        advanced = ms_from_samples(look.scored - before.scored, CAPTURE_RATE)
        hears = advanced > 0 and advanced >= LEAST_SHARE * (look.now - before.now)
        self._has_heard |= hears
        if look.status.muted or not look.status.faults & _EARS:
            self._deaf_since = None
        elif self._deaf_since is None:
            self._deaf_since = look.now
        return hears

    def _judge_deafness(self, look: Look, lasted: Ms) -> str:
        # A conversation has deadlines of its own.
        if not self._has_heard or lasted <= LONGEST_DEAF or look.status.phase is not Phase.IDLE:
            return ""
        return f"it could hear, and has been deaf for {lasted / 1000:.0f} s: perhaps a new process hears"
