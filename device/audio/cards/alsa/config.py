"""ALSA's configuration as libasound has read it: whether it can be read, and which PCMs somebody has defined."""

from __future__ import annotations

import ctypes
import re

from device.audio.cards.alsa.chatter import hear_alsa
from device.errors import AlsaConfigError

LIBRARY = "libasound.so.2"
# What ALSA's own alsa.conf defines on every machine, whether there is such a card or not (1.2.8 to 1.2.14). Beside
# "default" nobody means these when they write a name, unless one can be opened.
STOCK = frozenset(
    {
        "cards",
        "center_lfe",
        "default",
        "dmix",
        "dsnoop",
        "file",
        "front",
        "hdmi",
        "hw",
        "iec958",
        "modem",
        "null",
        "phoneline",
        "plug",
        "plughw",
        "rear",
        "shm",
        "side",
        "spdif",
        "surround21",
        "surround40",
        "surround41",
        "surround50",
        "surround51",
        "surround71",
        "sysdefault",
        "tee",
        "usbstream",
    }
)
# "FILE:LINE:COLUMN:WHAT", where FILE is empty or "_toplevel_" in a file that no other one includes; its name is in
# "FILE may be old or corrupted: consider to remove or fix it" (src/conf.c of alsa-lib).
_PLACE = re.compile(r"^(?P<file>.*):(?P<line>\d+):\d+:(?P<what>.+)$")
_DAMAGED = re.compile(r"^(?P<file>.+) may be old or corrupted")


def read_config() -> None:
    """Have libasound read its files where they have changed, or ALSA_CONFIG_PATH has.

    Raise AlsaConfigError, with file and line, where one cannot be read: libasound has no configuration at all then,
    and would abort the process if it were asked for something in it.
    """
    try:
        library = ctypes.CDLL(LIBRARY)
    except OSError:
        return
    with hear_alsa() as said:
        result: int = library.snd_config_update()
    if result < 0:
        raise AlsaConfigError(f"ALSA's configuration has an error: {_place(said)}; correct it there")


def defines(name: str) -> bool:
    """Tell whether somebody has defined a PCM of exactly this name, whether it can be opened or not."""
    if not name or name in STOCK or set(name) & set(":."):
        return False
    try:
        library = ctypes.CDLL(LIBRARY)
        root = ctypes.c_void_p.in_dll(library, "snd_config")
    except (OSError, ValueError):
        return False
    node = ctypes.c_void_p()
    return bool(root) and library.snd_config_search(root, f"pcm.{name}".encode(), ctypes.byref(node)) == 0


def _place(said: list[str]) -> str:
    """Put file, line and what is wrong there together from what libasound says."""
    places = [found for text in said if (found := _PLACE.match(text))]
    files = [found["file"] for text in said if (found := _DAMAGED.match(text))]
    if not places:
        return "; ".join(said) or "libasound does not say which"
    file = places[0]["file"].removesuffix("_toplevel_") or (files[0] if files else "one of its files")
    return f"{file}, line {places[0]['line']}: {places[0]['what']}"
