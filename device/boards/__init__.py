"""Boards as data: one TOML file each, most of it a table that is laid under the person's own configuration."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from importlib import resources
from typing import Any, Literal

import msgspec

from device.errors import ConfigError
from device.kit.words import hint
from device.settings import Key, Pin, Section

# Not offered: the console of every Pi (UART0).
_OTHER_USES = (14, 15)
_BUTTON = ("hardware", "button", "pin")
_LED = ("hardware", "led")
_LEDS = tuple((*_LED, name) for name in ("pin", "red", "green", "blue"))
# What of a board gives way to which of the person's own settings. Another microphone has other channels, and the board
# does not hear it; another LED is another one as a whole.
_GIVES_WAY: Mapping[Key, tuple[Key, ...]] = {
    ("audio", "input_channel"): (("audio", "input"),),
    ("audio", "vad"): (("audio", "input"), ("audio", "vad_pin")),
    _LED: _LEDS,
}

Lights = Literal["none", "gpio", "apa102", "ws2812", "i2c", "usb", "lcd"]
"""What drives the board's lights; only "gpio" is spoken to so far, through [hardware.led]."""


class Profile(Section, frozen=True):
    """What is known of a board."""

    title: str
    """Its name in a shop."""
    tried: bool
    """False: written from documents, never run on the board."""
    overlay: dict[str, Any] = msgspec.field(default_factory=dict)
    """What holds with it where the configuration says nothing: tables as they stand there."""
    echo_cancelled: bool = False
    """The channel that is listened to does not carry what the loudspeaker plays."""
    led_pins: tuple[Pin, ...] = ()
    """Where the board has LEDs that [hardware.led] may drive, that of the overlay among them."""
    pins: dict[Pin, str] = msgspec.field(default_factory=dict)
    """What the board uses pins for, those of its LEDs and its button among them."""
    lights: Lights = "none"
    boot: tuple[str, ...] = ()
    """The lines of /boot/firmware/config.txt without which the system does not see it (scripts/lib/boot-config)."""
    boot_note: str = ""
    """What else it takes to be seen, by hand."""
    notes: tuple[str, ...] = ()
    """What a person must know before it works: drivers, traps, parts that are not used."""

    @property
    def button_pin(self) -> int | None:
        """Return the pin of the board's own button."""
        pin = _found(self.overlay, _BUTTON)
        return pin if isinstance(pin, int) else None

    def beside(self, is_set: Callable[[Key], bool]) -> dict[str, Any]:
        """Return the overlay without what gives way to the settings that the person has made."""
        away = {key for key, others in _GIVES_WAY.items() if any(map(is_set, others))}
        return _without(self.overlay, away, ())

    def misused(self, claimed: Mapping[Key, int]) -> dict[Key, int]:
        """Return the keys that claim a pin which the board needs for something else, with the pin."""
        return {key: pin for key, pin in claimed.items() if pin in self.pins and not self._is_its_own(key, pin)}

    def free_pins(self, claimed: Mapping[Key, int]) -> list[int]:
        """Return the pins that neither the board nor a setting claims."""
        return [pin for pin in range(2, 28) if pin not in {*self.pins, *_OTHER_USES, *claimed.values()}]

    def _is_its_own(self, key: Key, pin: int) -> bool:
        return (key == _BUTTON and pin == self.button_pin) or (key in _LEDS and pin in self.led_pins)


def _found(table: Any, key: Key) -> Any:
    for name in key:
        table = table.get(name, {})
    return table


def _without(table: Mapping[str, Any], away: set[Key], path: Key) -> dict[str, Any]:
    return {
        name: _without(value, away, (*path, name)) if isinstance(value, dict) else value
        for name, value in table.items()
        if (*path, name) not in away
    }


def profile_names() -> list[str]:
    """Return the profiles that ship, sorted."""
    files = resources.files(__package__).iterdir()
    return sorted(entry.name.removesuffix(".toml") for entry in files if entry.name.endswith(".toml"))


def load_profile(name: str) -> Profile:
    """Read a profile. Raise ConfigError for an unknown name, with a suggestion and the list."""
    names = profile_names()
    if name not in names:
        known = f"{hint(name, names)}There are: {', '.join(names)}"
        raise ConfigError(f'hardware.profile: there is no profile "{name[:60]}"; {known}')
    text = resources.files(__package__).joinpath(f"{name}.toml").read_text(encoding="utf-8")
    try:
        return msgspec.convert(tomllib.loads(text), Profile, str_keys=True)
    except (msgspec.ValidationError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"the profile {name}.toml of this installation is damaged: {error}; install again") from error
