"""Keeps PortAudio from trying filters that nobody asked for: opening them loads an encoder and a media library.

Debian's package libasound2-plugins defines PCMs that put a converter or an encoder in front of the first card. They
hold no device that has not a name of its own, but PortAudio opens every PCM that it finds, for playing and for
recording: "a52" and "lavrate" alone bring in FFmpeg's libavcodec with the libraries of a dozen codecs, 12 MB and 15 ms.
Plugs that convert the rate are not touched: they find their converter by its type, not by such a PCM.
"""

from __future__ import annotations

import ctypes
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

LIBRARY = "libasound.so.2"
# The PCM and the package's file that defines it.
FILTERS = {
    "a52": "60-a52-encoder.conf",
    "lavrate": "10-rate-lav.conf",
    "samplerate": "10-samplerate.conf",
    "speex": "60-speex.conf",
    "speexrate": "10-speexrate.conf",
    "upmix": "60-upmix.conf",
    "vdownmix": "60-vdownmix.conf",
}
SYSTEM = Path("/usr/share/alsa")
# Where a person, or a program on their behalf, configures ALSA.
PLACES = (
    "/etc/asound.conf",
    "/etc/alsa/conf.d",
    "/var/lib/alsa/conf.d",
    "/usr/etc/alsa/conf.d",
    "/usr/etc/asound.conf",
)
_INCLUDED = re.compile(r"<([^<>\s]+)>")


def leave_out_filters(wanted: Iterable[str]) -> None:
    """Take the filters that nobody mentions out of the configuration that this process has read, not out of any file.

    `wanted`: the configured names. When libasound reads its files anew, the filters are back.
    """
    spoken_of = "\n".join([*wanted, *_own_words()])
    try:
        library = ctypes.CDLL(LIBRARY)
        root = ctypes.c_void_p.in_dll(library, "snd_config")
    except (OSError, ValueError):
        return
    if not root:
        # A file has an error; libasound would abort the process if it were asked for anything in it.
        return
    for name in FILTERS:
        node = ctypes.c_void_p()
        if re.search(rf"\b{name}\b", spoken_of):
            # It may be somebody's own, or stand behind something of theirs.
            continue
        if library.snd_config_search(root, f"pcm.{name}".encode(), ctypes.byref(node)) == 0:
            library.snd_config_delete(node)


def _own_words() -> Iterator[str]:
    """Return the text of every file of ALSA's configuration that is neither ALSA's own nor the package's."""
    config = Path(os.environ.get("XDG_CONFIG_HOME") or "~/.config").expanduser() / "alsa" / "asoundrc"
    pending = [Path("~/.asoundrc").expanduser(), config, *map(Path, PLACES)]
    pending += map(Path, filter(None, os.environ.get("ALSA_CONFIG_PATH", "").split(":")))
    seen = set()
    while pending:
        path = pending.pop()
        if path in seen or path.is_relative_to(SYSTEM) or path.name in FILTERS.values():
            continue
        seen.add(path)
        if path.is_dir():
            pending += path.glob("*.conf")
            continue
        try:
            text = path.read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        pending += (Path(name).expanduser() for name in _INCLUDED.findall(text))
        yield text
