"""Boards as data: one TOML file each, most of it a table that is laid under the person's own configuration."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from importlib import resources
from typing import Any, Literal

import msgspec

from device.boards.signs import Sign
from device.errors import ConfigError
from device.kit.words import hint
from device.settings import Key, Pin, Section

AUTO = "auto"
"""In the place of a profile's name: whichever board is plugged in (see finding.py)."""
GENERIC = "generic"
"""The profile that says nothing."""

# Not offered: the console of every Pi (UART0).
_OTHER_USES = (14, 15)
_BUTTON = ("hardware", "button", "pin")
_LED = ("hardware", "led")
_LEDS = tuple((*_LED, name) for name in ("driver", "pin", "red", "green", "blue"))
# What strips and rings claim.
_LIGHTS = tuple((*_LED, name) for name in ("bus", "bus_clock", "power_pin"))
_INPUT, _OUTPUT = ("audio", "input"), ("audio", "output")
# What of a board gives way to which of the person's own settings. Another microphone has other channels, and the board
# does not hear it; another loudspeaker has other controls, and the board does not cancel its echo; another LED is
# another one as a whole.
_GIVES_WAY: Mapping[Key, tuple[Key, ...]] = {
    ("audio", "input_channel"): (_INPUT,),
    ("audio", "vad"): (_INPUT, ("audio", "vad_pin")),
    ("audio", "echo_cancelled"): (_INPUT, _OUTPUT),
    ("audio", "mixer"): (_OUTPUT,),
    ("audio", "controls"): (_OUTPUT,),
    ("hardware", "array_mute"): (_INPUT,),
    _LED: _LEDS,
}

Lights = Literal["none", "gpio", "apa102", "ws2812", "i2c", "usb", "lcd"]
"""What the board has for lights; they are used where its overlay says so, in [hardware.led]."""
Said = Callable[[Key], Any]
"""What a person says of a key; None: nothing."""


class Profile(Section, frozen=True):
    """What is known of a board."""

    title: str
    """Its name in a shop."""
    tried: bool
    """False: written from documents, never run on the board."""
    found_by: tuple[Sign, ...] = ()
    """Any of these tells that it is there; none: it must be named."""
    overlay: dict[str, Any] = msgspec.field(default_factory=dict)
    """What holds with it where the configuration says nothing: tables as they stand there."""
    channels: int = 0
    """How many channels its card captures; 0: it depends, or nobody knows."""
    rate: int = 0
    """The rate at which it captures without converting (Hz); 0: several, or nobody knows. The house finds it itself."""
    led_pins: tuple[Pin, ...] = ()
    """Where the board has LEDs that [hardware.led] may drive, that of the overlay among them."""
    light_pins: tuple[Pin, ...] = ()
    """Bus and power of its strip or ring of lights."""
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

    @property
    def audio(self) -> dict[str, Any]:
        """Return what it says in [audio]."""
        table: dict[str, Any] = self.overlay.get("audio", {})
        return table

    def beside(self, said: Said) -> dict[str, Any]:
        """Return the overlay without what gives way to the settings that the person has made."""
        away = {key for key, others in _GIVES_WAY.items() if any(self._yields(other, said(other)) for other in others)}
        return _without(self.overlay, away, ())

    @property
    def button_pins(self) -> tuple[int, ...]:
        """Return the pins of all buttons that the board has."""
        more: Any = _found(self.overlay, ("hardware", "buttons"))
        pins = (self.button_pin, *(button.get("pin") for button in more.values()))
        return tuple(pin for pin in pins if pin is not None)

    def misused(self, claimed: Mapping[Key, int]) -> dict[Key, int]:
        """Return the keys that claim a pin which the board needs for something else, with the pin."""
        return {key: pin for key, pin in claimed.items() if pin in self.pins and not self._is_its_own(key, pin)}

    def free_pins(self, claimed: Mapping[Key, int]) -> list[int]:
        """Return the pins that neither the board nor a setting claims."""
        return [pin for pin in range(2, 28) if pin not in {*self.pins, *_OTHER_USES, *claimed.values()}]

    def _is_its_own(self, key: Key, pin: int) -> bool:
        is_light = (key in _LEDS and pin in self.led_pins) or (key in _LIGHTS and pin in self.light_pins)
        return is_light or (_is_button(key) and pin in self.button_pins)

    def _yields(self, key: Key, value: Any) -> bool:
        """Tell whether a person's setting is another one than the board's: "plughw:CARD=Array" is still its "Array"."""
        if key not in (_INPUT, _OUTPUT) or not isinstance(value, str):
            return value is not None
        own = _found(self.overlay, key)
        return isinstance(own, str) and own.casefold() not in value.casefold()


def _is_button(key: Key) -> bool:
    return key == _BUTTON or (key[:2] == ("hardware", "buttons") and key[-1] == "pin")


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
        known = f"{hint(name, (AUTO, *names))}There are: {', '.join((AUTO, *names))}"
        raise ConfigError(f'hardware.profile: there is no profile "{name[:60]}"; {known}')
    text = resources.files(__package__).joinpath(f"{name}.toml").read_text(encoding="utf-8")
    try:
        return msgspec.convert(tomllib.loads(text), Profile, str_keys=True)
    except (msgspec.ValidationError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"the profile {name}.toml of this installation is damaged: {error}; install again") from error
