"""A device of one's own: which part goes to which pin, as a picture, a table and a configuration. One list for all."""

from __future__ import annotations

from dataclasses import dataclass

from headerpicture import GPIO, INK, PALE, Place, header, pin_name, place, svg, text

LEFT, TOP = 415.0, 96.0
RED, GREEN, BLUE, BLACK, SUPPLY, SIGNAL = "#d1495b", "#2a9d5c", "#3a6ea5", "#3d3d3d", "#c1121f", "#8a5a00"


@dataclass(frozen=True)
class Wire:
    """From a pin of the header to a part."""

    part: str
    pin: int
    """On the header."""
    end: str
    """What it goes to, in words."""
    colour: str
    key: str = ""
    """The key of the configuration that names the pin."""
    resistor: bool = False


WIRES = (
    Wire("button", 9, "one leg", BLACK),
    Wire("button", 11, "the other leg", GREEN, "hardware.button.pin"),
    Wire("RGB LED", 16, "red leg", RED, "hardware.led.red", resistor=True),
    Wire("RGB LED", 18, "green leg", GREEN, "hardware.led.green", resistor=True),
    Wire("RGB LED", 20, "common leg (the longest)", BLACK),
    Wire("RGB LED", 22, "blue leg", BLUE, "hardware.led.blue", resistor=True),
    Wire("relay module", 4, "VCC", SUPPLY),
    Wire("relay module", 32, "IN", SIGNAL, "tools.relays.light.pin"),
    Wire("relay module", 34, "GND", BLACK),
)


def table() -> str:
    """Return the wires as a Markdown table."""
    rows = [
        (wire.part, pin_name(wire.pin), str(wire.pin), wire.end + (", through 330 ohm" if wire.resistor else ""))
        for wire in WIRES
    ]
    lines = [("part", "pin", "header pin", "goes to"), ("---",) * 4, *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def settings() -> str:
    """Return the configuration that drives it."""
    tables: dict[str, list[str]] = {}
    for wire in WIRES:
        if wire.key:
            section, _, name = wire.key.rpartition(".")
            tables.setdefault(section, []).append(f"{name} = {GPIO[wire.pin]}\n")
    return "\n".join(f"[{section}]\n{''.join(lines)}" for section, lines in tables.items())


def picture() -> str:
    """Return the wires as SVG."""
    used = {wire.pin: "button" if wire.part == "button" else "light" for wire in WIRES if wire.key}
    used |= {wire.pin: "other" for wire in WIRES if wire.part == "relay module" and wire.key}
    parts = [
        text(450, 34, "A device of your own", 17, "middle", more=' font-weight="bold"'),
        text(
            450,
            56,
            "the header of a Raspberry Pi, seen from above, pin 1 at the end without the USB sockets",
            12,
            "middle",
            PALE,
        ),
        *(line for wire in WIRES for line in _wire(wire)),
        *header(LEFT, TOP, used),
        *(line for wire in WIRES for line in _name(wire.pin)),
        *_button(),
        *_led(),
        *_relay(),
        *_usb(),
    ]
    return svg(900, 690, "A USB microphone, a button, an RGB LED and a relay on a Raspberry Pi", parts)


def _at(pin: int) -> Place:
    return place(pin, LEFT, TOP)


_ENDS = {"button": 196.0, "RGB LED": 690.0, "relay module": 690.0}


def _wire(wire: Wire) -> list[str]:
    where, end = _at(wire.pin), _ENDS[wire.part]
    if wire.part == "relay module" and wire.pin == 4:
        # Around the LED, to the far side of the module.
        far = _at(32).y - 12
        return [_path(f"M{where.x:g} {where.y:g} H864 V{far:g} H800", wire.colour)]
    lines = [_path(f"M{where.x:g} {where.y:g} H{end:g}", wire.colour)]
    if wire.resistor:
        lines.append(_resistor(575, where.y))
    return lines


def _path(way: str, colour: str) -> str:
    return f'<path d="{way}" fill="none" stroke="{colour}" stroke-width="3" stroke-linejoin="round"/>'


def _resistor(x: float, y: float) -> str:
    return f'<rect x="{x:g}" y="{y - 7:g}" width="46" height="14" rx="4" fill="#e9d8a6" stroke="#6b705c"/>' + text(
        x + 23, y + 3.5, "330 Ω", 9.5, "middle"
    )


def _name(pin: int) -> list[str]:
    """Write a pin's name over its wire."""
    where = _at(pin)
    anchor = "start" if where.side > 0 else "end"
    x = where.x + where.side * 20
    width = 8.6 * len(pin_name(pin)) + 8
    begin = x - 3 if where.side > 0 else x - width + 3
    return [
        f'<rect x="{begin:g}" y="{where.y - 8:g}" width="{width:g}" height="16" fill="#ffffff"/>',
        text(x, where.y + 4, pin_name(pin), 12, anchor, INK, ' font-weight="bold"'),
    ]


def _box(x: float, y: float, width: float, height: float, title: str, note: str = "") -> list[str]:
    return [
        f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="8" fill="#f8f9fa" stroke="#495057" '
        'stroke-width="1.5"/>',
        text(x + width / 2, y - 10, title, 13, "middle", more=' font-weight="bold"'),
        *([text(x + width / 2, y + height + 18, note, 11, "middle", PALE)] if note else []),
    ]


def _button() -> list[str]:
    top, bottom = _at(9).y, _at(11).y
    middle = (top + bottom) / 2
    return [
        *_box(76, top - 24, 120, bottom - top + 48, "push button", "no resistor: the Pi has one"),
        f'<circle cx="136" cy="{middle:g}" r="22" fill="#7bc47f" stroke="#495057" stroke-width="1.5"/>',
        text(136, middle + 4, "talk", 11, "middle"),
    ]


def _led() -> list[str]:
    top, bottom = _at(16).y, _at(22).y
    legs = {16: "red", 18: "green", 20: "common", 22: "blue"}
    return [
        *_box(690, top - 22, 130, bottom - top + 44, "RGB LED", "common cathode"),
        *(text(700, _at(pin).y + 4, name, 11) for pin, name in legs.items()),
        f'<circle cx="786" cy="{(top + bottom) / 2:g}" r="20" fill="#fff3bf" stroke="#495057" stroke-width="1.5"/>',
        *(
            f'<circle cx="{786 + dx:g}" cy="{(top + bottom) / 2 + dy:g}" r="5" fill="{colour}"/>'
            for dx, dy, colour in ((-7, -5, RED), (7, -5, GREEN), (0, 8, BLUE))
        ),
    ]


def _relay() -> list[str]:
    top, bottom = _at(32).y, _at(34).y
    return [
        *_box(690, top - 30, 110, bottom - top + 56, "relay module", "switches low voltage only, see below"),
        text(700, top + 4, "IN", 11),
        text(700, bottom + 4, "GND", 11),
        text(790, top - 8, "VCC", 11, "end"),
    ]


def _usb() -> list[str]:
    """Draw what has no pins: microphone and loudspeaker."""
    y = _at(40).y
    left = LEFT - 17
    return [
        f'<path d="M{left + 30:g} {y + 17:g} V{y + 50:g}" stroke="#adb5bd" stroke-width="3" stroke-dasharray="5 4"/>',
        f'<rect x="{left - 12:g}" y="{y + 48:g}" width="84" height="30" rx="5" fill="#ced4da" stroke="#495057"/>',
        text(left + 30, y + 67, "USB", 12, "middle", more=' font-weight="bold"'),
        *_box(76, y - 12, 170, 54, "USB microphone"),
        text(161, y + 20, "or a speakerphone", 11, "middle"),
        _path(f"M246 {y + 15:g} H{left - 40:g} V{y + 63:g} H{left - 12:g}", PALE),
    ]
