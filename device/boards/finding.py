"""Finds the board: the one that a person names, or, where that is "auto", the one that is plugged in."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from device.boards import AUTO, GENERIC, Profile, load_profile, profile_names
from device.boards.signs import Candidate, Machine, Sign, candidates
from device.foreign import asound, plugged

_CARDS = ("input", "output")


@dataclass(frozen=True, slots=True)
class Board:
    """The board that holds, and how that is known."""

    names: tuple[str, ...]
    """Its profile's; several, where it cannot be told which of them it is."""
    profile: Profile
    """Of several: what they have in common."""
    why: str = ""
    """What was found; "" where a person has named the board."""

    @property
    def is_sure(self) -> bool:
        """Whether nobody need be asked."""
        return len(self.names) == 1

    @property
    def known(self) -> str:
        """Return which it is, and how that is known."""
        if not self.why:
            return f'hardware.profile = "{self.names[0]}"'
        return f"{self.names[0]}, found by {self.why}" if self.is_sure else " or ".join(self.names)

    @property
    def place(self) -> str:
        """Return where its settings are from."""
        return f"the board ({self.known})"

    @property
    def said(self) -> str:
        """Return which board it is and why, for people."""
        if not self.why:
            return f"{self.names[0]} ({self.profile.title}), as hardware.profile says"
        if self.names == (GENERIC,):
            return self.why
        if self.is_sure:
            return f"{self.names[0]} ({self.profile.title}), found by {self.why}"
        which = " or ".join(self.names)
        return f"{which}? What is plugged in fits all of them: {self.why}. What they have in common holds"

    @property
    def to_do(self) -> str:
        """Return what a person has to do; "" when all is well."""
        if self.is_sure:
            return ""
        named = " or ".join(f'profile = "{name}"' for name in self.names)
        return f"write {named} under [hardware], or run `sudo hearthside setup`"


_NONE = "no board that is known is plugged in; what is set holds"


def find_board(name: str) -> Board:
    """Return the board of this name; of "auto" the one that is plugged in. Raise ConfigError for an unknown name.

    Nothing that is known: "generic". Several that fit: what they have in common, for a device that listens and says so
    is better than one that does not start, and what they differ in (the light) might drive the wrong pins.
    """
    if name != AUTO:
        return Board((name,), load_profile(name))
    found = candidates(_signs(), look())
    if not found:
        return Board((GENERIC,), load_profile(GENERIC), _NONE)
    profiles = [_with_card(load_profile(one.name), one.card) for one in found]
    return Board(tuple(one.name for one in found), _common(profiles), _why(found))


def look(root: Path = Path("/")) -> Machine:
    """Return what is plugged into this machine. `root`: another one is for tests."""
    return Machine(
        asound.read_pcms(root / "proc/asound"),
        plugged.read_usb(root / "sys/bus/usb/devices"),
        plugged.read_hat(root / "proc/device-tree/hat"),
    )


@cache
def _signs() -> Mapping[str, Sequence[Sign]]:
    return {name: load_profile(name).found_by for name in profile_names()}


def _why(found: Sequence[Candidate]) -> str:
    if len({one.evidence for one in found}) == 1:
        return found[0].why
    return " and ".join(f"{one.name} (by {one.why})" for one in found)


def _with_card(profile: Profile, card: str) -> Profile:
    """Return the profile with the card that was found in the place of the name by which others look for it."""
    overlay = copy.deepcopy(profile.overlay)
    audio = overlay.get("audio", {})
    if card:
        audio.update({key: card for key in _CARDS if key in audio})
    return replace(profile, overlay=overlay)


def _common(profiles: Sequence[Profile]) -> Profile:
    """Return what all of them say; of one that is all of it."""
    first, *others = profiles
    if not others:
        return first
    return Profile(
        title=" or ".join(profile.title for profile in profiles),
        tried=all(profile.tried for profile in profiles),
        overlay=_agreed([profile.overlay for profile in profiles]),
        pins={pin: use for pin, use in first.pins.items() if all(pin in other.pins for other in others)},
        led_pins=tuple(pin for pin in first.led_pins if all(pin in other.led_pins for other in others)),
    )


def _agreed(overlays: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the settings that are the same in all; a table in a table, such as that of the light, as a whole."""
    first, *others = overlays
    same = {
        section: {
            key: value
            for key, value in table.items()
            if all(other.get(section, {}).get(key) == value for other in others)
        }
        for section, table in first.items()
    }
    return {section: table for section, table in same.items() if table}
