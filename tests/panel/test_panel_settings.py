"""What is said of buttons and switches that are set wrongly."""

from __future__ import annotations

from typing import Any

import pytest

from device.errors import ConfigError
from device.house import configuration
from device.house.configuration import claims


def refusal(hardware: dict[str, Any]) -> str:
    """Return what is said of a table."""
    with pytest.raises(ConfigError) as refused:
        configuration.parse({"hardware": {"profile": "generic", **hardware}})
    return str(refused.value)


UP = {"pin": 5, "click": "volume_up"}


@pytest.mark.parametrize(
    ("hardware", "parts"),
    [
        (
            {"button": {"pin": 4, "click": "volume"}},
            ['hardware.button.click = "volume"', '"talk", "stop", "mute", "volume_up", "volume_down" or "none"'],
        ),
        ({"button": {"pin": 4, "click": "push_to_talk"}}, ["hardware.button.click", '"talk", "stop"']),
        ({"button": {"pin": 4, "hold": "talking"}}, ["hardware.button.hold", '"push_to_talk", "talk"']),
        ({"buttons": {"up": {"click": "volume_up"}}}, ["[hardware.buttons.up] lacks pin", "pin = 17"]),
        ({"buttons": {"up": {"pin": 5}}}, ["hardware.buttons.up: this button does nothing", 'click = "volume_up"']),
        ({"buttons": {"up": {**UP, "klick": "stop"}}}, ['"klick"', "hardware.buttons.up", "click"]),
        ({"buttons": 3}, ["hardware.buttons = 3", "[hardware.buttons.louder]"]),
        (
            {"button": {"pin": 4}, "buttons": {name: {"pin": 5 + i, "click": "stop"} for i, name in enumerate("abcd")}},
            ["hardware.buttons: 5 buttons", "4 in all"],
        ),
        (
            {"button": {"pin": 4}, "buttons": {"b": {"pin": 5, "hold": "push_to_talk"}}},
            ["hardware.button and hardware.buttons.b both have hold", "only one"],
        ),
        (
            {"button": {"pin": 4, "long_hold": "stop"}},
            ['hardware.button.long_hold = "stop"', 'only be "mute" or "none"', "another button"],
        ),
        ({"button": {"pin": 5}, "buttons": {"up": UP}}, ["GPIO 5", "hardware.buttons.up.pin", "hardware.button.pin"]),
        ({"mute_switch": {"pin": 5}, "buttons": {"up": UP}}, ["GPIO 5", "hardware.mute_switch.pin"]),
        ({"mute_switch": {"pin": 5, "mutes_when": "low"}}, ['mutes_when = "low"', '"closed" or "open"']),
        ({"array_mute": "jabra"}, ['array_mute = "jabra"', '"none", "xvf3800" or "respeaker_lite"']),
    ],
)
def test_what_is_wrong_is_named(hardware: dict[str, Any], parts: list[str]) -> None:
    """The key, what is wrong, and what would be right; in one line."""
    said = refusal(hardware)
    assert all(part in said for part in parts), said
    assert "\n" not in said


def test_the_keys_that_there_were_mean_the_first_button() -> None:
    """A file of before does what it did."""
    table = {"button": {"pin": 4, "hold_s": 0.3, "long_press_s": 2.0}}
    button = configuration.parse({"hardware": {"profile": "generic", **table}}).hardware.button
    assert (button.pin, button.hold_s, button.long_press_s) == (4, 0.3, 2.0)
    assert (button.clicks, button.hold, button.long_hold) == ({1: "talk"}, "push_to_talk", "mute")


def test_every_pin_is_claimed_by_its_key() -> None:
    """So that a relay on one of them is refused."""
    table = {"button": {"pin": 4}, "buttons": {"up": UP}, "mute_switch": {"pin": 6}}
    config = configuration.parse({"hardware": {"profile": "generic", **table}})
    claimed = {".".join(key): claim.which for key, claim in claims(config).items() if claim.kind == "GPIO"}
    assert claimed == {"hardware.button.pin": 4, "hardware.buttons.up.pin": 5, "hardware.mute_switch.pin": 6}


def test_a_boards_own_button_may_be_given_another_name() -> None:
    """It is the board's pin, and a button's."""
    named = {"profile": "respeaker_2mic_v2", "button": {"pin": 12}, "buttons": {"user": {"pin": 17, "click": "stop"}}}
    config = configuration.parse({"hardware": named})
    assert config.hardware.wired.keys() == {"hardware.button", "hardware.buttons.user"}
