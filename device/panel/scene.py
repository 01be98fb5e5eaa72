"""What the lights show at a moment: an indication, and at times the volume over it. No I/O, no clock."""

from __future__ import annotations

from functools import lru_cache

from device.core.indication import Indication
from device.foreign.pixels import Colour, Frame
from device.panel import rings
from device.panel.patterns import pattern_of
from device.panel.rings import VOLUME_SHOWN
from device.units import Degrees, Ms

FEWEST_FOR_VOLUME = 3
"""A level cannot be read from fewer pixels."""

# Fainter than this, a light is not seen; lgpio cuts the brightness of a pin down to whole percents.
_FAINTEST = 0.02


class Scene:
    """What `count` pixels show. Calls come in the order of their times."""

    def __init__(self, count: int, dimmable: bool = True, follows_direction: bool = False) -> None:
        """`dimmable`: False for what is only on or off. `follows_direction`: somebody tells where voices are."""
        self._count = count
        self._dimmable = dimmable
        self._follows_direction = follows_direction
        self._indication: Indication | None = None
        self._began = Ms(0)
        self._volume = 0
        self._volume_until = Ms(0)

    @property
    def wants_direction(self) -> bool:
        """Whether it makes a difference now where a voice comes from."""
        return self._follows_direction and self._indication is Indication.LISTENING

    def show(self, indication: Indication, now: Ms) -> bool:
        """Show it from now on; return whether it is another one. The same one does not begin anew."""
        if indication is self._indication:
            return False
        self._indication, self._began = indication, now
        return True

    def show_volume(self, percent: int, now: Ms) -> bool:
        """Show the volume for a moment; return whether there are pixels enough."""
        if self._count < FEWEST_FOR_VOLUME:
            return False
        self._volume, self._volume_until = percent, Ms(now + VOLUME_SHOWN)
        return True

    def frame(self, now: Ms, direction: Degrees | None = None) -> Frame:
        """Return what is to be seen now, at full brightness."""
        if self._indication is None:
            return dark(self._count)
        frame = self._base(self._indication, Ms(now - self._began), direction)
        if now < self._volume_until:
            return rings.volume_over(frame, self._volume)
        return frame

    def next_change(self, now: Ms) -> Ms | None:
        """Return how soon the lights must be set again; None: not before something else is shown."""
        if self._indication is None:
            return None
        waits = [self._next_change(self._indication, Ms(now - self._began))]
        if now < self._volume_until:
            waits.append(Ms(self._volume_until - now))
        return min((wait for wait in waits if wait is not None), default=None)

    def _base(self, indication: Indication, elapsed: Ms, direction: Degrees | None) -> Frame:
        if self._count == 1:
            return (pattern_of(indication, dimmable=self._dimmable).colour_at(elapsed),)
        return rings.frame_of(indication, elapsed, self._count, direction)

    def _next_change(self, indication: Indication, elapsed: Ms) -> Ms | None:
        if self._count == 1:
            return pattern_of(indication, dimmable=self._dimmable).next_change(elapsed)
        return rings.next_change(indication, elapsed, self._follows_direction)


def dark(count: int) -> Frame:
    """Return a frame in which nothing is lit."""
    return ((0.0, 0.0, 0.0),) * count


def is_lit(frame: Frame) -> bool:
    """Tell whether any pixel is."""
    return any(map(any, frame))


def dimmed(frame: Frame, brightness: float) -> Frame:
    """Return a frame at a brightness of 0 to 1. A pixel that is lit stays so bright that it can be seen."""
    return frame if brightness == 1 else tuple(_dimmed(colour, brightness) for colour in frame)


@lru_cache(maxsize=64)
def _dimmed(colour: Colour, brightness: float) -> Colour:
    peak = max(colour)
    if peak <= 0:
        return colour
    scale = max(peak * brightness, min(peak, _FAINTEST)) / peak
    red, green, blue = colour
    return (red * scale, green * scale, blue * scale)
