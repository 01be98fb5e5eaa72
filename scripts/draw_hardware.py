#!/usr/bin/env python3
"""Draw what hardware.md says of boards from their profiles, and the pictures of pins and of a device of one's own.

scripts/draw_hardware.py          rewrites the drawn parts of hardware.md, and docs/boards/
scripts/draw_hardware.py --check  exits with 1 when one of them is stale
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import buildpicture
import drawing
from headerpicture import HEADER_PIN, board_picture

from device.boards import Profile, load_profile, profile_names
from device.boards.signs import Sign

PAGE = drawing.ROOT / "hardware.md"
PICTURES = drawing.ROOT / "docs" / "boards"
BUILD = PICTURES / "build.svg"
HEAD, END = "<!-- drawn by scripts/draw_hardware.py: {name} -->\n", "<!-- drawn until here -->"

PROFILES = {name: load_profile(name) for name in profile_names()}


def main() -> int:
    """Draw it all, or compare."""
    return drawing.main_of_files(__doc__ or "", lambda: {PAGE: page(PAGE.read_text("utf-8")), **pictures()})


def page(text: str) -> str:
    """Return the page with its drawn parts as they are now."""
    drawn = {
        "boards": boards(),
        "boot": boot(),
        "mixers": mixers(),
        "pins": "\n\n".join(pins()),
        "build": buildpicture.table(),
        "build settings": f"```toml\n{buildpicture.settings()}```",
    }
    for name, part in drawn.items():
        text = _put(text, name, part)
    return text


def _put(text: str, name: str, part: str) -> str:
    """Put a part between its marks. Raise ValueError where the page has no such marks."""
    begin = HEAD.format(name=name)
    whole = re.compile(f"{re.escape(begin)}.*?{re.escape(END)}", re.DOTALL)
    if not whole.search(text):
        raise ValueError(f"hardware.md has no place for the part {name!r}")
    return whole.sub(lambda found: f"{begin}{part}\n{END}", text)


def pictures() -> dict[Path, str]:
    """Return the pictures by their files."""
    drawn = {PICTURES / f"{name}.svg": board_picture(profile.title, profile.pins) for name, profile in on_the_header()}
    return {**drawn, BUILD: buildpicture.picture()}


def on_the_header() -> Iterator[tuple[str, Profile]]:
    """Yield the boards that use pins."""
    yield from ((name, profile) for name, profile in PROFILES.items() if profile.pins)


def boards() -> str:
    """Return the table of all boards."""
    head = ("profile", "board", "found by", "tried", "buttons", "light", "cancels its echo", "captures")
    return _table(head, [_board(name, profile) for name, profile in PROFILES.items()])


def _board(name: str, profile: Profile) -> Sequence[str]:
    return (
        f"`{name}`",
        profile.title,
        ", or ".join(map(_sign, profile.found_by)) or "its name only",
        "yes" if profile.tried else "no",
        ", ".join(f"GPIO {pin}" for pin in profile.button_pins) or "-",
        _light(profile),
        "yes" if profile.audio.get("echo_cancelled") else "no: WebRTC does",
        _capture(profile),
    )


def _sign(sign: Sign) -> str:
    card = f"card `{sign.card}`" + (f" with `{sign.pcm}`" if sign.pcm else "") if sign.card else ""
    parts = [card, f"USB `{sign.usb}`" if sign.usb else "", f"HAT `{sign.hat}`" if sign.hat else ""]
    return " and ".join(filter(None, parts))


def _light(profile: Profile) -> str:
    led = profile.overlay.get("hardware", {}).get("led", {})
    if "pin" in led:
        return f"GPIO {led['pin']}"
    if "driver" in led:
        return f"{led['pixels']} x `{led['driver']}`" if "pixels" in led else f"`{led['driver']}`"
    return "-" if profile.lights == "none" else f"not used ({profile.lights})"


def _capture(profile: Profile) -> str:
    channel = profile.audio.get("input_channel")
    heard = f" (heard: {channel})" if channel is not None else ""
    rate = f"{profile.rate / 1000:g} kHz" if profile.rate else ""
    return ", ".join(filter(None, [f"{profile.channels} channels{heard}" if profile.channels else "", rate])) or "-"


def boot() -> str:
    """Return the table of lines without which the system does not see a board."""
    rows = [
        (f"`{name}`", ", ".join(f"`{line}`" for line in profile.boot) or "none", profile.boot_note or "-")
        for name, profile in PROFILES.items()
        if profile.boot or profile.boot_note
    ]
    return _table(("profile", "lines in `/boot/firmware/config.txt`", "besides"), rows)


def mixers() -> str:
    """Return the table of mixers that are set up."""
    rows = [
        (f"`{name}`", ", ".join(f'"{control}" {value}' for control, value in controls.items()))
        for name, profile in PROFILES.items()
        if (controls := profile.audio.get("controls"))
    ]
    return _table(("profile", "what is set where the card starts silent"), rows)


def pins() -> Iterator[str]:
    """Yield what is to be known of each board on the header: a picture, a table, and its notes; folded."""
    for name, profile in on_the_header():
        rows = [(f"GPIO {gpio}", str(HEADER_PIN[gpio]), use) for gpio, use in sorted(profile.pins.items())]
        notes = "\n".join(f"- {note}" for note in profile.notes)
        tried = "" if profile.tried else " (untried)"
        yield "\n\n".join(
            filter(
                None,
                [
                    f"<details><summary><code>{name}</code>: {profile.title}{tried}</summary>",
                    f"![the pins of {name}](docs/boards/{name}.svg)",
                    _table(("GPIO", "header pin", "used for"), rows),
                    notes,
                    "</details>",
                ],
            )
        )


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)


if __name__ == "__main__":
    sys.exit(main())
