"""Boards as data: one TOML file each, and the loader that lays them under the person's own configuration."""

from __future__ import annotations

import difflib
import tomllib
from importlib import resources
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from device import config
from device.errors import ConfigError

BUTTON_KEY = "hardware.button.pin"
LED_KEYS = "hardware.led."
# Not offered: the console of every Pi (UART0).
_OTHER_USES = (14, 15)

Lights = Literal["none", "gpio", "apa102", "ws2812", "i2c", "usb", "lcd"]
"""What drives the board's lights; only "gpio" is spoken to so far, through [led]."""


class Profile(config.Section, frozen=True):
    """What is known of a board. Every value is a default: what the configuration says wins."""

    title: str
    """Its name in a shop."""
    tried: bool
    """False: written from documents, never run on the board."""
    input: str = "default"
    """Its microphone's ALSA card: the id, the name or a part of one."""
    output: str = "default"
    input_channel: Annotated[int, Meta(ge=0, le=31)] = 0
    """The channel to listen to, from 0."""
    echo_cancelled: bool = False
    """That channel does not carry what the loudspeaker plays."""
    vad: Literal["auto", "xvf3000", "xvf3800"] = "auto"
    """The board's own voice detector, if it has one. No board has one on a pin."""
    led: config.Led = config.Led()
    button_pin: config.Pin | None = None
    led_pins: tuple[config.Pin, ...] = ()
    """Where the board has LEDs that [led] may drive, those of `led` among them."""
    pins: dict[config.Pin, str] = msgspec.field(default_factory=dict)
    """What the board uses pins for, those of its LEDs and its button among them."""
    lights: Lights = "none"
    notes: tuple[str, ...] = ()
    """What a person must know before it works: drivers, traps, parts that are not used."""


def profile_names() -> list[str]:
    """Return the profiles that ship, sorted."""
    files = resources.files(__package__).iterdir()
    return sorted(entry.name.removesuffix(".toml") for entry in files if entry.name.endswith(".toml"))


def load_profile(name: str) -> Profile:
    """Read a profile. Raise ConfigError for an unknown name, with a suggestion and the list."""
    names = profile_names()
    if name not in names:
        close = difflib.get_close_matches(name, names, n=1)
        meant = f'did you mean "{close[0]}"? ' if close else ""
        raise ConfigError(f'hardware.profile: there is no profile "{name[:60]}"; {meant}There are: {", ".join(names)}')
    text = resources.files(__package__).joinpath(f"{name}.toml").read_text(encoding="utf-8")
    try:
        return msgspec.convert(tomllib.loads(text), Profile, str_keys=True)
    except (msgspec.ValidationError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"the profile {name}.toml of this installation is damaged: {error}; install again") from error


def apply_profile(settings: config.Config, profile: Profile) -> config.Config:
    """Lay the profile's defaults under the configuration and return the result.

    A setting counts as the person's own when it differs from the built-in default; so a profile's pin is given up
    only by choosing another pin, or the profile "generic". Raise ConfigError when a pin of the board is also used for
    something else.
    """
    merged = msgspec.structs.replace(
        settings,
        audio=_apply_audio(settings.audio, profile),
        hardware=_apply_pins(settings.hardware, profile),
    )
    _refuse_pins_of_the_board(merged, profile)
    try:
        # Through the same checks as a file: two uses of one pin are found here.
        return config.parse(msgspec.to_builtins(merged))
    except ConfigError as error:
        raise ConfigError(f'{error} (with the pins of hardware.profile = "{settings.hardware.profile}")') from error


def _apply_audio(audio: config.Audio, profile: Profile) -> config.Audio:
    default = config.Audio()
    changes = {
        key: getattr(profile, key)
        for key in ("input", "output", "input_channel", "vad")
        if getattr(audio, key) == getattr(default, key)
    }
    if "input" not in changes:
        # Another microphone: the profile's channel is not one of its channels, and the board does not hear it.
        changes.pop("input_channel", None)
        changes.pop("vad", None)
    if audio.vad_pin is not None:
        changes.pop("vad", None)
    return msgspec.structs.replace(audio, **changes)


def _apply_pins(hardware: config.Hardware, profile: Profile) -> config.Hardware:
    led = profile.led if hardware.led == config.Led() else hardware.led
    button = hardware.button
    if button.pin is None:
        button = msgspec.structs.replace(button, pin=profile.button_pin)
    return msgspec.structs.replace(hardware, led=led, button=button)


def _refuse_pins_of_the_board(settings: config.Config, profile: Profile) -> None:
    """Raise ConfigError where something else would drive, or read, what the board needs."""
    claims = config.pin_claims(settings)
    for key, pin in claims:
        if pin in profile.pins and not _is_its_own(key, pin, profile):
            taken = {*profile.pins, *_OTHER_USES, *(other for _, other in claims)}
            free = ", ".join(str(other) for other in range(2, 28) if other not in taken)
            raise ConfigError(
                f"{key} = {pin}: this board uses GPIO {pin} for {profile.pins[pin]} (hardware.profile = "
                f'"{settings.hardware.profile}"); choose another pin. Free beside it are {free}'
            )


def _is_its_own(key: str, pin: int, profile: Profile) -> bool:
    return (key == BUTTON_KEY and pin == profile.button_pin) or (key.startswith(LED_KEYS) and pin in profile.led_pins)
