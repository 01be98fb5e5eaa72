"""How much sound to keep ahead in a loudspeaker's card: as little as card and machine were seen to need. Pure.

A slow machine begins with more, since what it needs there shows too seldom.

What is left in the card whenever it is filled up again tells how near it was to running dry: it need not run dry for
that to be known, and silence tells as much as sound.
"""

from __future__ import annotations

import math
from typing import Annotated

import msgspec

from device.units import Ms

# With this much every stream begins, and goes on where nothing is known of card and machine. PulseAudio's null sinks at
# their defaults ran a stream dry that began with 20 ms, up to 79 times in its first second, and need no more later on.
FIRST_MS = Ms(30)
LEAST_MS = Ms(15)
MOST_MS = Ms(150)
STEP_MS = Ms(5)
GROWTH = 1.5
"""After running dry, or almost."""
NEAR_MS = 2.0
"""Less than this was left: the next delay of the kind may be a little longer."""
WORSE = 3.0
"""A delay so many times as long as one that was seen must leave something, too. On a machine with a busy core most
are 2 to 9 ms long, one in some minutes 15 ms."""
WARNED_MOST_MS = 35.0
"""What did not leave the card dry asks for no more than this. A stop lets so much run out; more it makes the card
drop, after which PulseAudio's null sinks sleep for 2 s."""
SPARE_MS = 4.0
"""What must have been left of a step less, all the time, for it to be tried."""
FIRST_HOLD_S = 1.0
HOLD_S = 6.0
LONGEST_HOLD_S = 900.0
"""For how long it must have held before less is tried: the first where it was never too little, as on most machines,
which then have found what they need before the first answer begins; the second after it was, and three times as long
each time that it was again."""
PAUSE_S = 0.1
"""A longer time between two looks belongs to no stream that flowed."""


class Need(msgspec.Struct, frozen=True):
    """What a card was seen to need: so many ms ahead, and how long to hold that before less is tried, in seconds."""

    ahead_ms: Annotated[float, msgspec.Meta(ge=LEAST_MS, le=MOST_MS)] = float(FIRST_MS)
    hold_s: Annotated[float, msgspec.Meta(ge=FIRST_HOLD_S, le=LONGEST_HOLD_S)] = FIRST_HOLD_S


_SLOW_MS = 12.0
"""Python's yardstick (device/kit/yardstick.py) on a machine that is slow: half of what a Zero 2 W takes."""
_AHEAD_PER_MS = 5.0
_SLOW_MOST_MS = 120.0


def first_need(python_ms: float) -> Need:
    """Return what to begin with on a card of which nothing is known, where Python takes so long for its yardstick.

    What keeps the thread waiting that fills a card is other threads of Python, so it waits longer where Python is slow.
    Where the yardstick takes 23 ms (an emulated small Pi) that was up to 80 ms once in some minutes, for which it had
    to run dry three times before enough was kept. So less is tried there very seldom. It is the only such machine that
    was measured; one twice as quick begins as all others.
    """
    if python_ms < _SLOW_MS:
        return Need()
    return Need(min(_SLOW_MOST_MS, _AHEAD_PER_MS * python_ms), LONGEST_HOLD_S)


class Depth:
    """Decides how much to keep ahead. Moments are seconds of one clock."""

    def __init__(self, need: Need | None = None) -> None:
        """`need`: what is known of the card from earlier."""
        known = need or Need()
        self._ahead_ms = known.ahead_ms
        self._hold_s = known.hold_s
        self._least_left_ms = math.inf
        self._held_s = 0.0
        self._looked = -math.inf

    @property
    def ahead_ms(self) -> float:
        """How much sound to keep in the card."""
        return self._ahead_ms

    @property
    def need(self) -> Need:
        """What has been seen so far."""
        return Need(self._ahead_ms, self._hold_s)

    def note_left(self, left_ms: float, now: float, late_ms: float = 0.0) -> None:
        """`left_ms` of sound were left when the card was filled up again, which was `late_ms` later than meant."""
        since, self._looked = now - self._looked, now
        if left_ms < NEAR_MS:
            self._grow()
            return
        if left_ms - (WORSE - 1) * late_ms < NEAR_MS and self._ahead_ms < WARNED_MOST_MS:
            self._grow(WARNED_MOST_MS)
            return
        self._held_s += since if since < PAUSE_S else 0.0
        self._least_left_ms = min(self._least_left_ms, left_ms)
        if self._held_s >= self._hold_s:
            self._shrink()
            self._watch_anew()

    def note_dry(self) -> None:
        """Nothing was left: the card played silence."""
        self._grow()

    def _grow(self, most_ms: float = MOST_MS) -> None:
        self._ahead_ms = min(most_ms, max(self._ahead_ms * GROWTH, self._ahead_ms + STEP_MS))
        self._hold_s = min(LONGEST_HOLD_S, max(HOLD_S, self._hold_s * 3))
        self._watch_anew()

    def _shrink(self) -> None:
        if self._least_left_ms - STEP_MS >= SPARE_MS:
            self._ahead_ms = max(LEAST_MS, self._ahead_ms - STEP_MS)

    def _watch_anew(self) -> None:
        self._held_s, self._least_left_ms = 0.0, math.inf
