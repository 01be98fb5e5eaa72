"""Colours and brightness as people say them, as the light of LEDs. Only arithmetic."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

ColourName = Literal["white", "warm white", "red", "orange", "yellow", "green", "turquoise", "blue", "purple", "pink"]

COLOURS: Mapping[ColourName, tuple[float, float, float]] = {
    # Mixed for usual strips, whose green and blue look stronger than their red.
    "white": (1.0, 0.8, 0.7),
    "warm white": (1.0, 0.5, 0.2),
    "red": (1.0, 0.0, 0.0),
    "orange": (1.0, 0.25, 0.0),
    "yellow": (1.0, 0.55, 0.0),
    "green": (0.0, 1.0, 0.0),
    "turquoise": (0.0, 0.9, 0.5),
    "blue": (0.0, 0.0, 1.0),
    "purple": (0.5, 0.0, 1.0),
    "pink": (1.0, 0.1, 0.4),
}
"""Red, green and blue as shares of full light (duty cycles)."""

NAMES: tuple[ColourName, ...] = get_args(ColourName)

GAMMA = 2.2
"""The eye takes a fifth of the light for half the brightness: CIE lightness of 0.5 is a luminance of 0.184."""


def duty(percent: int) -> float:
    """Return the duty cycle, 0 to 1, that looks like so many percent of the brightness."""
    return float((percent / 100) ** GAMMA)


def levels(colour: ColourName, percent: int, channels: int) -> tuple[float, ...]:
    """Return the duty cycle of each channel (1 or 3) for a colour at a brightness."""
    light = duty(percent)
    return (light,) if channels == 1 else tuple(share * light for share in COLOURS[colour])
