"""The pins that a board needs are nobody else's; and the example that ships is a board's."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from device.boards import load_profile, profile_names
from device.errors import ConfigError
from device.house import configuration
from device.house.configuration import Config, claims
from device.tools.pins.feature import RELAY_TABLE as RELAYS

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "config.example.toml"
# Boards on the header, which carries sound and, but for the AIY HAT, the control of a codec.
HATS = [name for name in profile_names() if load_profile(name).pins]
I2S = {18, 19, 20, 21}
I2C = {2, 3}
# Nothing comes from a microphone.
PLAYS_ONLY = {"pirate_audio"}
# Converters that only know I2S.
UNCONTROLLED = {"aiy_voice_hat_v1", "i2s_mic_amp", "pirate_audio"}
CLAIMS = {
    "hardware.led.pin": lambda pin: {"hardware": {"led": {"pin": pin}}},
    "hardware.button.pin": lambda pin: {"hardware": {"button": {"pin": pin}}},
    "audio.vad_pin": lambda pin: {"audio": {"vad_pin": pin}},
    "tools.relays.light.pin": lambda pin: {"tools": {"relays": {"light": {"pin": pin}}}},
}


def apply(name: str, table: dict[str, Any]) -> Config:
    """Return the configuration with a board."""
    table = {**table, "hardware": {**table.get("hardware", {}), "profile": name}}
    return configuration.parse(table)


def led_of(name: str) -> int | None:
    """Return the pin of the LED that is lit where nobody wires another."""
    return apply(name, {}).hardware.led.pin


def test_the_boards_on_the_header_are_known() -> None:
    """Those on USB and the simulation need no pin."""
    assert set(profile_names()) - set(HATS) == {
        "generic",
        "virtual",
        "respeaker_lite",
        "respeaker_usb_mic_array_v2",
        "respeaker_xvf3800",
        "usb_speakerphone",
    }


@pytest.mark.parametrize("name", HATS)
def test_a_board_needs_its_buses_and_what_is_its_own(name: str) -> None:
    """I2S for the sound, I2C for the codec, where it has one that is controlled; button and LEDs with a word each."""
    profile = load_profile(name)
    assert set(profile.pins) >= (I2S - {20} if name in PLAYS_ONLY else I2S)
    assert set(profile.pins) >= I2C or name in UNCONTROLLED
    own = {pin for pin in (profile.button_pin, led_of(name), *profile.led_pins, *profile.light_pins) if pin is not None}
    assert own <= set(profile.pins)
    assert led_of(name) is None or led_of(name) in profile.led_pins


@pytest.mark.parametrize("name", HATS)
@pytest.mark.parametrize("key", CLAIMS)
def test_a_claim_on_a_pin_of_the_board_is_refused_with_what_it_is_for(name: str, key: str) -> None:
    """Every pin, by every key; but a board's own button and LEDs are for just that."""
    profile = load_profile(name)
    for pin, use in profile.pins.items():
        is_own = (key == "hardware.button.pin" and pin == profile.button_pin) or (
            key == "hardware.led.pin" and pin in profile.led_pins
        )
        if is_own:
            assert claims(apply(name, CLAIMS[key](pin)))[tuple(key.split("."))].which == pin
            continue
        with pytest.raises(ConfigError) as caught:
            apply(name, CLAIMS[key](pin))
        message = str(caught.value)
        if key == "hardware.button.pin" and pin in profile.button_pins:
            # Of its other buttons.
            assert f"are both GPIO {pin}" in message
            continue
        assert f"{key} = {pin}: this board uses GPIO {pin} for {use}" in message
        assert f'hardware.profile = "{name}"' in message


def test_the_readmes_old_example_is_refused_on_a_2_mic_hat() -> None:
    """A LED on the sound's clock and a relay on the button."""
    with pytest.raises(ConfigError, match="I2S bit clock"):
        apply("respeaker_2mic_v1", {"hardware": {"led": {"pin": 18}, "button": {"pin": 23}}})
    with pytest.raises(ConfigError, match="uses GPIO 17 for its button"):
        apply("respeaker_2mic_v1", {"hardware": {"button": {"pin": 23}}, "tools": {"relays": {"light": {"pin": 17}}}})


@pytest.mark.parametrize("name", HATS)
def test_another_button_may_have_another_pin(name: str) -> None:
    """One that the message offers."""
    with pytest.raises(ConfigError) as caught:
        apply(name, CLAIMS["tools.relays.light.pin"](18))
    offered = [int(pin) for pin in str(caught.value).rpartition("Free beside it are ")[2].split(", ")]
    assert len(offered) >= 10
    for pin in offered:
        assert apply(name, CLAIMS["hardware.button.pin"](pin)).hardware.button.pin == pin


def test_the_command_refuses_to_drive_a_pin_of_the_board(tmp_path: Path) -> None:
    """Before any pin is touched, with the exit code of a wrong configuration."""
    file = tmp_path / "config.toml"
    file.write_text('[hardware]\nprofile = "respeaker_2mic_v1"\n[tools.relays.light]\npin = 17\n', encoding="utf-8")
    command = [Path(sys.executable).with_name("hearthside"), "run", "--config", file]
    env = {**os.environ, "OPENAI_API_KEY": "sk-of-nobody", "GPIOZERO_PIN_FACTORY": "mock"}
    run = subprocess.run(command, capture_output=True, text=True, check=False, env=env)
    assert run.returncode == 78
    assert "tools.relays.light.pin = 17: this board uses GPIO 17 for its button" in run.stderr


def test_a_board_without_pins_leaves_them_all() -> None:
    """A USB array beside anything."""
    for pin in range(28):
        apply("respeaker_xvf3800", CLAIMS["tools.relays.light.pin"](pin))


def test_the_example_that_ships_is_accepted() -> None:
    """As a person copies it, through the file; its board is a real one."""
    merged = configuration.load(EXAMPLE)
    assert merged.hardware.profile in HATS
    assert merged.hardware.button.pin is not None
    assert merged.hardware.led.pin is not None
    assert merged.of(RELAYS)


def test_what_the_example_leaves_to_choose_is_accepted_as_well() -> None:
    """Every line behind a # that is a setting."""
    text = EXAMPLE.read_text(encoding="utf-8")
    chosen = re.sub(r"^# (?=\[[a-z.]+\]|[a-z_]+ = )", "", text, flags=re.MULTILINE)
    assert chosen.count("\n#") < text.count("\n#") - 5
    configuration.parse(tomllib.loads(chosen))


def test_what_the_example_says_of_defaults_holds() -> None:
    """Left out or not, they are the same; only what is wired to the board differs."""
    settings = configuration.load(EXAMPLE)
    bare = configuration.parse({"hardware": {"profile": settings.hardware.profile}})
    assert (settings.audio, settings.wake, settings.conversation) == (bare.audio, bare.wake, bare.conversation)


def test_the_readme_shows_the_example() -> None:
    """Word for word."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"```toml\n{EXAMPLE.read_text(encoding='utf-8')}```\n" in readme
