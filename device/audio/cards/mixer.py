"""The sound card's own volume, through alsa-utils' `amixer`.

The command and not a library: Raspberry Pi OS ships it, while pyalsaaudio has to be compiled, and a call every few
hours does not mind 10 ms. `-M` makes a percentage mean what the ear hears (a volume curve, as alsamixer shows it).
"""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from pathlib import Path

from device.errors import AudioError
from device.foreign import asound
from device.kit import programs

log = logging.getLogger(__name__)

TIMEOUT_S = 3.0
"""A sound server that is gone keeps amixer waiting; the person waits for the answer."""

PREFERRED = ("Master", "Speaker", "PCM", "Headphone", "Digital", "Playback")
"""A codec lists its outputs alphabetically, the headphone socket before the loudspeaker: take the widest first."""

_CONTROL = re.compile(r"^Simple mixer control '(?P<name>.*)',(?P<index>\d+)$")
# "pvolume" is a playback volume, "volume" one for both directions; each may be followed by "-joined".
_CAPABILITIES = re.compile(r"^  Capabilities:.*\bp?volume\b")
# Of what amixer prints of a control: what it can do, and not how it stands.
_NOT_ITS_STATE = ("  Capabilities:", "  Playback channels:", "  Capture channels:", "  Limits:", "  Items:")
_PERCENT = re.compile(r"\[(\d{1,3})%\]")
_HARDWARE = re.compile(r"hw:(?:CARD=)?(?P<card>\w+)")
_CARD_OPTION = re.compile(r":CARD=(?P<card>\w+)")


class AlsaMixer:
    """A `device.ports.sound.Volume`: one playback volume control of a card."""

    def __init__(self, device: str, control: str) -> None:
        """`device` is an ALSA control device such as "hw:1", `control` amixer's "name,index"."""
        self.device = device
        self.control = control

    async def get(self) -> int:
        """Return the volume in percent. Raise AudioError."""
        return _percent_of(await amixer("-M", "-D", self.device, "sget", self.control))

    async def set(self, percent: int) -> int:
        """Set the volume of all its channels; return what the card made of it. Raise AudioError."""
        return _percent_of(await amixer("-M", "-D", self.device, "sset", self.control, f"{percent}%"))


async def find_mixer(output: str, control: str = "") -> AlsaMixer | None:
    """Return the volume control of the card behind `output` (as in audio.output), or None where there is none.

    No amixer, no such card, a card without a volume (HDMI, many I2S amplifiers): all None. `control` names one.
    """
    device = control_device(output)
    try:
        controls = playback_controls(await amixer("-D", device, "scontents"))
    except AudioError as error:
        log.info("no mixer for %s: %s", device, error)
        return None
    chosen = _choose(controls, control)
    if control and chosen is None:
        have = ", ".join(controls) or "none"
        log.warning(
            'audio.mixer: %s has no playback volume "%s"; there are: %s. Using software gain', device, control, have
        )
    return AlsaMixer(device, chosen) if chosen else None


def control_device(output: str, root: Path = asound.PROC) -> str:
    """Return the control device of the card that plays `output`: a PCM's name, "default", a card's id, name or part."""
    if match := _HARDWARE.search(output) or _CARD_OPTION.search(output):
        return f"hw:{match['card']}"
    card = None if output == "default" else asound.find_player(output, root)
    # A PCM of the user's own, or of a sound server, usually has a control device of the same name.
    return output if card is None else f"hw:{card.number}"


def controls_of(scontents: str) -> dict[str, str]:
    """Return how each simple control stands, by its name: the lines that amixer prints of it, without its limits."""
    found: dict[str, str] = {}
    name = ""
    for line in scontents.splitlines():
        if match := _CONTROL.match(line):
            name = match["name"] if match["index"] == "0" else f"{match['name']},{match['index']}"
            found[name] = ""
        elif name and not line.startswith(_NOT_ITS_STATE):
            found[name] = f"{found[name]} {line.strip()}".strip()
    return found


def playback_controls(scontents: str) -> list[str]:
    """Return the controls with a playback volume as "name,index", in amixer's order."""
    controls = []
    name = ""
    for line in scontents.splitlines():
        if match := _CONTROL.match(line):
            name = f"{match['name']},{match['index']}"
        elif name and _CAPABILITIES.match(line):
            controls.append(name)
            name = ""
    return controls


def _choose(controls: Sequence[str], wanted: str) -> str | None:
    if wanted:
        return next((control for control in controls if wanted in (control, control.rpartition(",")[0])), None)
    for name in PREFERRED:
        if f"{name},0" in controls:
            return f"{name},0"
    return controls[0] if controls else None


def _percent_of(text: str) -> int:
    """Return the first channel's percentage; of a control for both directions, the playback side is printed first."""
    if match := _PERCENT.search(text):
        return int(match[1])
    raise AudioError("amixer printed no volume")


async def amixer(*arguments: str) -> str:
    """Run amixer; return what it printed. Raise AudioError."""
    ran = await programs.run("amixer", *arguments, limit_s=TIMEOUT_S)
    if ran is None:
        raise AudioError(f"amixer did not answer within {TIMEOUT_S:g} s, or is not there: install alsa-utils")
    if ran.code:
        complaint = ran.complaint.strip().splitlines()
        raise AudioError(complaint[-1] if complaint else f"amixer failed with {ran.code}")
    return ran.output
