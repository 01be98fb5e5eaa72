"""The first routing of a codec that starts silent: its mixer's controls are set once, and then they are a person's.

Many codecs begin with every path to the loudspeaker and from the microphones cut. Set they stay: Debian's alsa-utils
stores the controls when the machine is shut down, and restores them at the start. A power cut loses what was never
stored. So what the controls were before is remembered: where all of them are like that again, the codec has lost its
settings, and they are set again. Where one is different somebody has changed it, and none is touched.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import msgspec

from device.audio.cards.mixer import amixer, control_device, controls_of
from device.audio.settings import Audio
from device.errors import AudioError
from device.kit.wholefile import Owner, replace_whole

log = logging.getLogger(__name__)

Controls = Mapping[str, str]
"""Their names, and how they stand: what amixer prints of each."""
Post = Callable[[Callable[[], object]], None]
"""Makes a call that may wait for the disk, in another thread."""

_OFF = "[off]"


def is_due(now: Controls, wanted: Controls, before: Controls | None) -> bool:
    """Tell whether the controls are to be set. `before`: how they stood when that was done first; None: never.

    The first time a card whose switches are on as they shall be was set up by somebody else. With all of them off
    nothing can be heard, whatever was before.
    """
    off = [_OFF in now[name] for name, value in wanted.items() if "on" in value.split() and name in now]
    if before is not None:
        return bool(now) and (now == before or (bool(off) and all(off)))
    return bool(now) and (not off or any(off))


class RoutingMemory:
    """How the controls of each card stood before they were set, in a file."""

    def __init__(self, file: Path, post: Post) -> None:
        """`file` need not exist."""
        self._file = file
        self._post = post
        self._kept = _read(file)

    def before(self, card: str) -> Controls | None:
        """Return how they stood; None: they were never set."""
        return self._kept.get(card)

    def keep(self, card: str, before: Controls) -> None:
        """Remember it; never waits. What the disk refuses is logged."""
        self._kept[card] = dict(before)
        self._post(partial(_write, self._file, msgspec.json.encode(self._kept)))


async def set_up(audio: Audio, memory: RoutingMemory | None = None) -> bool:
    """Set the controls of the loudspeaker's card as configured, where that is due; return whether it was.

    Never raises: a card that has no such controls, or none at all, is logged. Without `memory` it is always the first
    time.
    """
    if not audio.controls:
        return False
    device = control_device(audio.output)
    try:
        now = _named(controls_of(await amixer("-D", device, "scontents")), audio.controls)
    except AudioError as error:
        log.warning("audio.controls: %s cannot be set up: %s", device, error)
        return False
    if not is_due(now, audio.controls, memory.before(audio.output) if memory else None):
        return False
    for name in now:
        await _set(device, name, audio.controls[name])
    if memory is not None:
        memory.keep(audio.output, now)
    return True


def _named(there: Controls, wanted: Controls) -> dict[str, str]:
    for name in sorted(set(wanted) - set(there)):
        log.info('audio.controls: the card has no control "%s"', name)
    return {name: there[name] for name in wanted if name in there}


async def _set(device: str, name: str, value: str) -> None:
    try:
        await amixer("-D", device, "sset", name, *value.split())
    except AudioError as error:
        log.warning('audio.controls: "%s" of %s cannot be set to %s: %s', name, device, value, error)
    else:
        log.info('%s starts silent: "%s" is set to %s', device, name, value)


def _read(file: Path) -> dict[str, dict[str, str]]:
    try:
        return msgspec.json.decode(file.read_bytes(), type=dict[str, dict[str, str]])
    except FileNotFoundError:
        return {}
    except (OSError, msgspec.MsgspecError) as error:
        log.warning("how the sound card was set up is not known, since %s cannot be read: %s", file, error)
        return {}


def _write(file: Path, content: bytes) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        replace_whole(file, content, Owner())
    except OSError as error:
        log.info("how the sound card was set up is not remembered: %s: %s", file, os.strerror(error.errno or 0))
