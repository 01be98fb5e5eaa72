"""What can still be used of a configuration that is wrong: enough to show that, and to say it."""

from __future__ import annotations

from pathlib import Path

from device.errors import ConfigError
from device.house.configuration import Config, parse
from device.house.layers import lay
from device.house.sources import readable_layers

# Which are tried together, best first. The board, in [hardware], has settings for sound as well.
_TRIES = (("hardware", "audio"), ("hardware",), ("audio",))


def salvaged(path: Path | None) -> Config:
    """Return the light, and the sound, as far as the files at `path` can be read; the rest is as built in."""
    table = lay(readable_layers(path)).table
    for names in _TRIES:
        try:
            return parse({name: table[name] for name in names if name in table})
        except ConfigError:
            continue
    return parse({})
