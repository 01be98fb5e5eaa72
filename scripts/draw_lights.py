#!/usr/bin/env python3
"""Draw the pictures of what the lights say from the functions that move them.

scripts/draw_lights.py          rewrites docs/lights/*.svg
scripts/draw_lights.py --check  exits with 1 when one of them is stale
"""

from __future__ import annotations

import argparse
import itertools
import math
import sys
from collections.abc import Iterator, Sequence

from drawing import ROOT

from device.core.indication import Indication
from device.foreign.pixels import Colour, Frame
from device.panel.patterns import DIMMABLE, Pattern
from device.panel.rings import SHAPES, frame_of, volume_over
from device.panel.scene import dark
from device.units import Degrees, Ms

FOLDER = ROOT / "docs" / "lights"

PIXELS = 12
MOMENTS = 8
SLICES = 160
"""Of the strip that shows a single LED over time."""

WIDTH, LEFT, STEP = 900, 96, 98
STRIP, RINGS, HEIGHT = 34, 108, 176
RADIUS, PIXEL, BOARD = 30, 6.5, "#17191e"
TEXT = 'font-family="sans-serif" font-size="13" fill="#c9ccd3"'
UNLIT, RIM = 0x2B, "#454a54"


def page(title: str, rows: Sequence[str]) -> str:
    """Return a picture on a dark background."""
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}">',
            f"<title>{title}</title>",
            f'<rect width="{WIDTH}" height="{HEIGHT}" rx="10" fill="{BOARD}"/>',
            *rows,
            "</svg>\n",
        ]
    )


def as_seen(colour: Colour) -> str:
    """Return a colour for a screen: to the eye, a tenth of the light is a third of the brightness."""
    parts = [round(255 * part ** (1 / 2.2)) for part in colour]
    return "#" + "".join(f"{part:02x}" for part in (parts if max(parts) > UNLIT else [UNLIT] * 3))


def ring(frame: Frame, x: float, y: float, text: str) -> Iterator[str]:
    """Yield a ring, its first pixel at the top, clockwise, and what stands below it."""
    for index, colour in enumerate(frame):
        angle = 2 * math.pi * index / len(frame)
        at = f'cx="{x + RADIUS * math.sin(angle):.1f}" cy="{y - RADIUS * math.cos(angle):.1f}"'
        yield f'<circle {at} r="{PIXEL}" fill="{as_seen(colour)}" stroke="{RIM}"/>'
    yield label(x, y + RADIUS + 26, text, "middle")


def label(x: float, y: float, text: str, anchor: str = "start") -> str:
    """Return a word."""
    return f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}" {TEXT}>{text}</text>'


def strip(pattern: Pattern) -> Iterator[str]:
    """Yield a single LED over one period, from left to right."""
    width = (MOMENTS - 1) * STEP + 2 * RADIUS
    slices = SLICES if pattern.period else 1
    yield label(14, STRIP + 19, "one LED")
    for index in range(slices):
        colour = pattern.colour_at(Ms(pattern.period * (index + 0.5) / slices))
        x = LEFT + width * index / slices
        place = f'x="{x:.1f}" y="{STRIP}" width="{width / slices + 0.3:.1f}" height="28"'
        yield f'<rect {place} shape-rendering="crispEdges" fill="{as_seen(colour)}"/>'
    yield f'<rect x="{LEFT}" y="{STRIP}" width="{width}" height="28" fill="none" stroke="{RIM}"/>'


def moments(indication: Indication) -> list[Ms]:
    """Return when there is something new to see: at each jump, or eight times in a period."""
    pattern = DIMMABLE[indication]
    if not pattern.period:
        return [Ms(0)]
    steps = list(itertools.pairwise(pattern.keyframes))
    is_smooth = any(before.level != after.level and before.at < after.at for before, after in steps)
    if indication in SHAPES or is_smooth:
        return [Ms(pattern.period * index / MOMENTS) for index in range(MOMENTS)]
    return [before.at for before, after in steps if before.at < after.at]


def of_indication(indication: Indication) -> str:
    """Return the picture of an indication: a LED over a period, and a ring at moments of it."""
    rows = [label(14, 22, indication.value), *strip(DIMMABLE[indication]), label(14, RINGS + 4, "a ring")]
    times = moments(indication)
    for index, at in enumerate(times):
        text = f"{at:.0f} ms" if len(times) > 1 else "steady"
        rows += ring(frame_of(indication, at, PIXELS), LEFT + RADIUS + index * STEP, RINGS, text)
    return page(indication.value, rows)


def of_volume() -> str:
    """Return the picture of the volume, laid over a dark ring."""
    rows = [label(14, 22, "the volume changes"), label(14, RINGS - 16, "a ring")]
    for index, percent in enumerate((0, 15, 30, 45, 60, 75, 90, 100)):
        rows += ring(volume_over(dark(PIXELS), percent), LEFT + RADIUS + index * STEP, RINGS - 20, f"{percent} %")
    return page("volume", rows)


def of_direction() -> str:
    """Return the picture of a ring that listens and knows where the voice comes from."""
    rows = [label(14, 22, "listening, the direction of the voice being known"), label(14, RINGS - 16, "a ring")]
    for index in range(MOMENTS):
        degrees = Degrees(360 * index / MOMENTS)
        frame = frame_of(Indication.LISTENING, Ms(0), PIXELS, degrees)
        rows += ring(frame, LEFT + RADIUS + index * STEP, RINGS - 20, f"{degrees:.0f}°")
    return page("direction", rows)


def pictures() -> dict[str, str]:
    """Return every picture by the name of its file."""
    drawn = {indication.value: of_indication(indication) for indication in Indication}
    return {f"{name}.svg": text for name, text in {**drawn, "volume": of_volume(), "direction": of_direction()}.items()}


def main() -> int:
    """Write the pictures, or compare them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="only say whether they are up to date")
    check = parser.parse_args().check
    drawn = pictures()
    there = {file.name: file.read_text(encoding="utf-8") for file in FOLDER.glob("*.svg")}
    if not check:
        FOLDER.mkdir(exist_ok=True)
        for name in there.keys() - drawn.keys():
            (FOLDER / name).unlink()
        for name, text in drawn.items():
            (FOLDER / name).write_text(text, encoding="utf-8")
        return 0
    stale = sorted(name for name in there.keys() | drawn.keys() if there.get(name) != drawn.get(name))
    if stale:
        print(
            f"stale: {', '.join(f'docs/lights/{name}' for name in stale)}; run scripts/draw_lights.py", file=sys.stderr
        )
    return bool(stale)


if __name__ == "__main__":
    sys.exit(main())
