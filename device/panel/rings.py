"""Indication -> what rings and strips show: a colour for each pixel, as a function of time. No I/O, no clock.

They say what a single LED says, in the same colours (`patterns`), and with more pixels some of it in another movement:

    waking      fills up, again and again        thinking    a light with a tail runs round
    ringing     the two halves in turn           announcing  waves from the first pixel to the last
    confirming  every other pixel, in turn       listening   steady; where the direction is known, brightest there

As on a single LED, no pixel alone tells whether sound may leave: in every indication in which it may, all are lit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from device.core.indication import Indication
from device.foreign.pixels import Colour, Frame
from device.panel.patterns import DIMMABLE, FRAME, WHITE
from device.units import Degrees, Ms

FAINT = 0.12
"""The least that a pixel of an indication shows: seen in a dark room, and not mistaken for a bright one."""

_FILL = Ms(400)
_ROUND = Ms(1600)
_SWAP = Ms(500)
# How long a wave takes from the first pixel to the one that is furthest from it.
_SPREAD = Ms(400)
# How far from the direction of arrival a pixel is still brighter than the others, at least; in degrees.
_BEAM = 45.0

VOLUME_SHOWN = Ms(1500)
"""How long the volume stays after it was changed last."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How the brightness is spread over the pixels."""

    levels: Callable[[Indication, Ms, int], list[float]]
    """The indication, the time since it began, and how many pixels -> the brightness (0 to 1) of each."""
    step: Ms | None = None
    """How long it stands still; None: it never does."""


def frame_of(indication: Indication, elapsed: Ms, count: int, direction: Degrees | None = None) -> Frame:
    """Return what `count` pixels show `elapsed` ms after the indication began.

    `direction`: where the voice comes from, counted from the first pixel on in the direction of the pixels.
    """
    pattern = DIMMABLE[indication]
    if indication is Indication.LISTENING and direction is not None:
        levels = _towards(direction, count)
    elif shape := SHAPES.get(indication):
        levels = shape.levels(indication, elapsed, count)
    else:
        return (pattern.colour_at(elapsed),) * count
    return tuple(_scaled(pattern.colour, level) for level in levels)


def next_change(indication: Indication, elapsed: Ms, follows_direction: bool) -> Ms | None:
    """Return how long after `elapsed` the pixels must be set again; None: never, so that no timer runs.

    `follows_direction`: somebody tells where the voice comes from.
    """
    if indication is Indication.LISTENING and follows_direction:
        return FRAME
    if shape := SHAPES.get(indication):
        return FRAME if shape.step is None else Ms(shape.step - elapsed % shape.step)
    return DIMMABLE[indication].next_change(elapsed)


def volume_over(frame: Frame, percent: int) -> Frame:
    """Return a frame with the volume laid over it: so many pixels white, the others faint as they were.

    A frame in which something is lit stays one: at 0 % the first pixel is faint.
    """
    lit = percent / 100 * len(frame)
    return tuple(_volume_pixel(lit - index, below, index == 0) for index, below in enumerate(frame))


def _volume_pixel(share: float, below: Colour, is_first: bool) -> Colour:
    if share <= 0 and not is_first:
        return _scaled(below, FAINT)
    return _scaled(WHITE, min(1.0, max(FAINT, share)))


def _filling(indication: Indication, elapsed: Ms, count: int) -> list[float]:
    lit = (elapsed % _FILL) / _FILL * count
    return [min(1.0, max(FAINT, lit - index)) for index in range(count)]


def _running(indication: Indication, elapsed: Ms, count: int) -> list[float]:
    head = (elapsed % _ROUND) / _ROUND * count
    tail = max(2.0, count / 2)
    return [max(FAINT, max(0.0, 1 - (head - index) % count / tail) ** 1.5) for index in range(count)]


def _halves(indication: Indication, elapsed: Ms, count: int) -> list[float]:
    pattern = DIMMABLE[indication]
    level = pattern.brightness(elapsed)
    # The first stroke is that of the first half; the second, with the pause behind it, that of the other.
    ahead = elapsed % pattern.period < pattern.period * 0.3
    return [level if (2 * index < count) is ahead else FAINT for index in range(count)]


def _waves(indication: Indication, elapsed: Ms, count: int) -> list[float]:
    pattern = DIMMABLE[indication]
    furthest = max(1, count // 2)
    delays = (min(index, count - index) / furthest * _SPREAD for index in range(count))
    return [pattern.brightness(Ms(elapsed + pattern.period - delay)) for delay in delays]


def _alternating(indication: Indication, elapsed: Ms, count: int) -> list[float]:
    turn = int(elapsed // _SWAP) % 2
    return [1.0 if index % 2 == turn else FAINT for index in range(count)]


def _towards(direction: Degrees, count: int) -> list[float]:
    beam = max(_BEAM, 540 / count)
    return [max(2 * FAINT, 1 - _apart(direction, 360 * index / count) / beam) for index in range(count)]


def _apart(one: float, other: float) -> float:
    """Return the angle between two directions, 0 to 180."""
    return abs((one - other + 180) % 360 - 180)


def _scaled(colour: Colour, level: float) -> Colour:
    red, green, blue = colour
    return (red * level, green * level, blue * level)


SHAPES: Mapping[Indication, Shape] = {
    Indication.WAKING: Shape(_filling),
    Indication.THINKING: Shape(_running),
    Indication.RINGING: Shape(_halves),
    Indication.ANNOUNCING: Shape(_waves),
    Indication.CONFIRMING: Shape(_alternating, _SWAP),
}
"""Of those that do not show on all pixels what a single LED shows."""
