"""Indication -> how the lights move: brightness over time, as data. No I/O, no clock.

A single LED without colour must show all indications, so each differs in its movement; colour only helps. Sound may
leave the device in those that are LIVE (while a tool waits for permission, too), so these are never dark; nor are
WAKING and the faults, so that a dark light means nothing but MUTED, IDLE and OFFLINE.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

from device.core.indication import Indication
from device.foreign.pixels import Colour
from device.units import Ms

FRAME = Ms(40)
"""How often a fading light is refreshed: 25 a second, as gpiozero's own pulse() does."""

WHITE: Colour = (1.0, 1.0, 1.0)
RED: Colour = (1.0, 0.0, 0.0)
AMBER: Colour = (1.0, 0.4, 0.0)
GREEN: Colour = (0.0, 1.0, 0.2)
CYAN: Colour = (0.0, 0.7, 1.0)
VIOLET: Colour = (0.6, 0.0, 1.0)
BLUE: Colour = (0.0, 0.2, 1.0)
YELLOW: Colour = (1.0, 0.75, 0.0)

LIVE = frozenset({Indication.LISTENING, Indication.THINKING, Indication.SPEAKING, Indication.CONFIRMING})
"""Sound may leave the device in these."""


@dataclass(frozen=True, slots=True)
class Keyframe:
    """The brightness (0 to 1, duty cycle) at a moment of the period."""

    at: Ms
    level: float


@dataclass(frozen=True, slots=True)
class Pattern:
    """A brightness that repeats every `period`, linear between keyframes; a single keyframe stands still.

    The first keyframe is at 0 and the last at `period`; two at one moment make a jump.
    """

    colour: Colour
    keyframes: tuple[Keyframe, ...]

    @property
    def period(self) -> Ms:
        """After how long it repeats; 0 for one that stands still."""
        return self.keyframes[-1].at

    def brightness(self, elapsed: Ms) -> float:
        """Return the brightness `elapsed` ms after the pattern began."""
        before, after, moment = self._around(elapsed)
        if after.at == before.at:
            return before.level
        share = (moment - before.at) / (after.at - before.at)
        return before.level + (after.level - before.level) * share

    def colour_at(self, elapsed: Ms) -> Colour:
        """Return the colour `elapsed` ms after the pattern began, dimmed to its brightness."""
        level = self.brightness(elapsed)
        red, green, blue = self.colour
        return (red * level, green * level, blue * level)

    def next_change(self, elapsed: Ms) -> Ms | None:
        """Return how long after `elapsed` the light must be set again; None: never, so that no timer runs."""
        if len(self.keyframes) == 1:
            return None
        before, after, moment = self._around(elapsed)
        if before.level == after.level:
            return Ms(after.at - moment)
        # A jump is met to the millisecond; where one fade turns into another nobody sees that.
        return min((Ms(jump - moment) for jump in self._jumps() if 0 < jump - moment < FRAME), default=FRAME)

    def _jumps(self) -> Iterator[Ms]:
        """Yield the moments of a period at which the brightness changes at once."""
        points = [*self.keyframes, Keyframe(self.period, self.keyframes[0].level)]
        steps = pairwise(points)
        yield from (after.at for before, after in steps if before.at == after.at and before.level != after.level)

    def _around(self, elapsed: Ms) -> tuple[Keyframe, Keyframe, Ms]:
        """Return the keyframes before and after, and where in the period that is."""
        moment = Ms(math.fmod(elapsed, self.period) if self.period else 0.0)
        for before, after in pairwise(self.keyframes):
            if before.at <= moment < after.at:
                return before, after, moment
        return self.keyframes[-1], self.keyframes[-1], moment


def pattern_of(indication: Indication, *, dimmable: bool = True) -> Pattern:
    """Return the pattern of an indication, for LEDs that can be dimmed or for those that are only on or off."""
    return (DIMMABLE if dimmable else ON_OFF)[indication]


def _steady(colour: Colour, level: float) -> Pattern:
    return Pattern(colour, (Keyframe(Ms(0), level),))


def _fading(colour: Colour, *points: tuple[float, float]) -> Pattern:
    return Pattern(colour, tuple(Keyframe(Ms(at), level) for at, level in points))


def _stepping(colour: Colour, *steps: tuple[float, float]) -> Pattern:
    """Make a pattern that holds each level for so many ms."""
    keyframes = []
    at = 0.0
    for level, duration in steps:
        keyframes += [Keyframe(Ms(at), level), Keyframe(Ms(at + duration), level)]
        at += duration
    return Pattern(colour, tuple(keyframes))


DIMMABLE: Mapping[Indication, Pattern] = {
    Indication.IDLE: _steady(WHITE, 0.0),
    # May last for hours: no timer. Dim, so that a bedroom stays dark and nobody mistakes it for LISTENING.
    Indication.MUTED: _steady(RED, 0.1),
    Indication.LISTENING: _steady(CYAN, 1.0),
    Indication.WAKING: _fading(CYAN, (0, 0.1), (400, 1.0)),
    Indication.THINKING: _fading(VIOLET, (0, 0.15), (800, 0.8), (1600, 0.15)),
    Indication.SPEAKING: _fading(GREEN, (0, 0.4), (250, 1.0), (500, 0.4)),
    # Never dark: sound may leave the device meanwhile.
    Indication.CONFIRMING: _stepping(YELLOW, (1.0, 500), (0.3, 500)),
    # Two strokes of a bell, and a pause.
    Indication.RINGING: _fading(WHITE, (0, 1.0), (280, 0.15), (300, 0.15), (300, 1.0), (580, 0.15), (1000, 0.15)),
    Indication.ANNOUNCING: _fading(BLUE, (0, 0.3), (200, 1.0), (1000, 0.3)),
    # Three flashes and a pause, for as long as it lasts, so that nobody talks to a deaf device for a day.
    Indication.DEAF: _stepping(RED, (1.0, 100), (0.1, 100), (1.0, 100), (0.1, 100), (1.0, 100), (0.1, 900)),
    Indication.FAULT: _stepping(AMBER, (1.0, 150), (0.1, 150), (1.0, 150), (0.1, 1550)),
    Indication.ERROR: _stepping(RED, (1.0, 200), (0.1, 200)),
    Indication.PRESSED: _steady(WHITE, 0.5),
    Indication.OFFLINE: _stepping(AMBER, (0.3, 80), (0.0, 4920)),
}
"""For PWM pins."""

ON_OFF: Mapping[Indication, Pattern] = {
    Indication.IDLE: _steady(WHITE, 0.0),
    Indication.MUTED: _stepping(RED, (1.0, 60), (0.0, 1940)),
    # There is only one level, and dark would mean that nothing is sent: so the phases look alike.
    Indication.LISTENING: _steady(CYAN, 1.0),
    Indication.WAKING: _steady(CYAN, 1.0),
    Indication.THINKING: _steady(VIOLET, 1.0),
    Indication.SPEAKING: _steady(GREEN, 1.0),
    Indication.CONFIRMING: _steady(YELLOW, 1.0),
    Indication.RINGING: _stepping(WHITE, (1.0, 400), (0.0, 100)),
    Indication.ANNOUNCING: _stepping(BLUE, (1.0, 1100), (0.0, 100)),
    # Lit with short dips: dark means that all is well, or that the device is muted.
    Indication.DEAF: _stepping(RED, (0.0, 100), (1.0, 100), (0.0, 100), (1.0, 100), (0.0, 100), (1.0, 900)),
    Indication.FAULT: _stepping(AMBER, (0.0, 100), (1.0, 150), (0.0, 100), (1.0, 1650)),
    Indication.ERROR: _stepping(RED, (1.0, 200), (0.0, 200)),
    Indication.PRESSED: _stepping(WHITE, (1.0, 150), (0.0, 50)),
    Indication.OFFLINE: _stepping(AMBER, (1.0, 40), (0.0, 9960)),
}
"""For pins that are only on or off."""
