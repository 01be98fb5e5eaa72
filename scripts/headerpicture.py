"""Draws the 40-pin header of a Raspberry Pi as SVG: what each pin is, and what a board uses it for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape

POWER = {1: "3.3 V", 2: "5 V", 4: "5 V", 17: "3.3 V"}
GROUND = (6, 9, 14, 20, 25, 30, 34, 39)
# Header pin: GPIO, from the header's documentation of Raspberry Pi's.
GPIO = {
    3: 2,
    5: 3,
    7: 4,
    8: 14,
    10: 15,
    11: 17,
    12: 18,
    13: 27,
    15: 22,
    16: 23,
    18: 24,
    19: 10,
    21: 9,
    22: 25,
    23: 11,
    24: 8,
    26: 7,
    27: 0,
    28: 1,
    29: 5,
    31: 6,
    32: 12,
    33: 13,
    35: 19,
    36: 16,
    37: 26,
    38: 20,
    40: 21,
}
HEADER_PIN = {gpio: pin for pin, gpio in GPIO.items()}

FONT = 'font-family="DejaVu Sans, Verdana, sans-serif"'
INK, PALE = "#1b1b1b", "#767676"
# Told apart by lightness as well as by hue; the word beside each pin says the same.
FILLS = {
    "power": "#d1495b",
    "ground": "#3d3d3d",
    "sound": "#5aa9e6",
    "codec": "#c9a8f0",
    "light": "#ffd166",
    "button": "#7bc47f",
    "other": "#f4a261",
    "free": "#ffffff",
}
WORDS = {
    "sound": "sound",
    "codec": "codec or EEPROM",
    "light": "light or display",
    "button": "button",
    "other": "another part",
    "free": "free",
    "power": "power",
    "ground": "ground",
}
_KINDS = (
    ("its sound", "sound"),
    ("its amplifier", "sound"),
    ("the control of its codec", "codec"),
    ("the master clock", "codec"),
    ("its EEPROM", "codec"),
    ("its button", "button"),
    ("its display", "light"),
    ("its light", "light"),
    ("the power of its light", "light"),
    ("the bus of its light", "light"),
    ("its lamp", "light"),
)


def kind_of(use: str) -> str:
    """Return what kind of part uses a pin, by the words of a profile."""
    if use.endswith("LED"):
        return "light"
    return next((kind for begin, kind in _KINDS if use.startswith(begin)), "other")


@dataclass(frozen=True)
class Place:
    """Where a pin of the header is on a picture: its middle, and which way its words go."""

    x: float
    y: float
    side: int


def place(pin: int, left: float, top: float, pitch: float = 26.0) -> Place:
    """Return where a pin is; `left`, `top`: the middle of pin 1."""
    row, is_right = divmod(pin - 1, 2)
    return Place(left + is_right * pitch, top + row * pitch, 1 if is_right else -1)


def svg(width: float, height: float, title: str, parts: Iterable[str]) -> str:
    """Return a whole picture on white, so that it can be read on a dark page too."""
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}" '
            f'height="{height:g}" role="img" {FONT}>',
            f"<title>{escape(title)}</title>",
            f'<rect width="{width:g}" height="{height:g}" fill="#ffffff"/>',
            *parts,
            "</svg>\n",
        ]
    )


def text(
    x: float, y: float, words: str, size: float = 12, anchor: str = "start", fill: str = INK, more: str = ""
) -> str:
    """Return words at a place; `anchor`: start, middle or end."""
    style = f'font-size="{size:g}" text-anchor="{anchor}" fill="{fill}"{more}'
    return f'<text x="{x:g}" y="{y:g}" {style}>{escape(words)}</text>'


def header(left: float, top: float, kinds: Mapping[int, str]) -> list[str]:
    """Return the header itself; `kinds`: of the pins that are used, by their place on the header."""
    last = place(40, left, top)
    parts = [
        f'<rect x="{left - 17:g}" y="{top - 17:g}" width="60" height="{last.y - top + 34:g}" rx="6" fill="#e9ecef" '
        'stroke="#adb5bd"/>'
    ]
    for pin in range(1, 41):
        parts += _pin(pin, place(pin, left, top), kinds.get(pin) or _by_itself(pin))
    return parts


def _by_itself(pin: int) -> str:
    return "power" if pin in POWER else "ground" if pin in GROUND else "free"


def _pin(pin: int, where: Place, kind: str) -> list[str]:
    number = "#ffffff" if kind in ("power", "ground") else INK
    # Pin 1 is square on the board as well.
    shape = (
        f'<rect x="{where.x - 10:g}" y="{where.y - 10:g}" width="20" height="20"'
        if pin == 1
        else f'<circle cx="{where.x:g}" cy="{where.y:g}" r="10"'
    )
    return [
        f'{shape} fill="{FILLS[kind]}" stroke="#495057"/>',
        text(where.x, where.y + 3.5, str(pin), 9.5, "middle", number),
    ]


def pin_name(pin: int) -> str:
    """Return what is printed beside a pin of the header."""
    if pin in GPIO:
        return f"GPIO {GPIO[pin]}"
    return POWER.get(pin, "ground")


def board_picture(title: str, uses: Mapping[int, str]) -> str:
    """Return the header with a board on it. `uses`: by GPIO number, what the board uses it for."""
    left, top, width = 392.0, 66.0, 810.0
    by_pin = {HEADER_PIN[gpio]: use for gpio, use in uses.items()}
    parts = [text(width / 2, 30, title, 15, "middle", more=' font-weight="bold"')]
    parts += header(left, top, {pin: kind_of(use) for pin, use in by_pin.items()})
    for pin in range(1, 41):
        parts += _label(pin, place(pin, left, top), by_pin.get(pin, ""))
    bottom = place(40, left, top).y + 40
    shown = {kind_of(use) for use in uses.values()} | {"free", "power", "ground"}
    parts += _legend(60, bottom, [kind for kind in WORDS if kind in shown])
    return svg(width, bottom + 24, f"{title}: the pins that it uses", parts)


def _label(pin: int, where: Place, use: str) -> list[str]:
    anchor = "start" if where.side > 0 else "end"
    x = where.x + where.side * 22
    name = text(x, where.y + 4, pin_name(pin), 12, anchor, INK if use else PALE, ' font-weight="bold"' if use else "")
    if not use:
        return [name]
    return [name, text(x + where.side * 62, where.y + 4, use, 12, anchor)]


def _legend(x: float, y: float, kinds: Iterable[str]) -> list[str]:
    parts = []
    for kind in kinds:
        parts += [
            f'<circle cx="{x:g}" cy="{y:g}" r="7" fill="{FILLS[kind]}" stroke="#495057"/>',
            text(x + 12, y + 4, WORDS[kind], 11),
        ]
        x += 30 + 6.6 * len(WORDS[kind])
    return parts
