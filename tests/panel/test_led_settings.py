"""What may be set about the lights, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from device.boards import Profile
from device.boards.finding import Board
from device.errors import ConfigError
from device.house import configuration
from device.house.configuration import claims
from device.panel.settings import Led


def led(**keys: Any) -> Led:
    """Return what a person set."""
    return configuration.parse({"hardware": {"led": keys}}).hardware.led


def pins(**keys: Any) -> dict[str, object]:
    """Return what it claims, by key."""
    table = {"hardware": {"led": keys}}
    return {key[-1]: claim.what for key, claim in claims(configuration.parse(table)).items()}


@pytest.mark.parametrize(
    ("keys", "chosen"),
    [
        ({}, "none"),
        ({"pin": 18}, "gpio"),
        ({"red": 5, "green": 6, "blue": 13}, "gpio"),
        ({"driver": "gpio", "pin": 18}, "gpio"),
        ({"driver": "apa102", "pixels": 3}, "apa102"),
        ({"driver": "xvf3800"}, "xvf3800"),
        ({"driver": "none"}, "none"),
    ],
)
def test_pins_alone_mean_what_they_always_did(keys: dict[str, Any], chosen: str) -> None:
    """A driver need only be named where there are no pins."""
    assert led(**keys).chosen == chosen


def test_a_strip_claims_its_bus_and_the_pins_of_it() -> None:
    """So that nothing else is put there."""
    strip = {"driver": "apa102", "pixels": 12, "device": 1, "power_pin": 5}
    assert pins(**strip) == {"device": "SPI bus 0", "bus": "GPIO 10", "bus_clock": "GPIO 11", "power_pin": "GPIO 5"}
    assert pins(driver="ws2812", pixels=12, bus=1) == {"device": "SPI bus 1", "bus": "GPIO 20", "bus_clock": "GPIO 21"}
    assert pins(driver="ws2812", pixels=12, bus=3) == {"device": "SPI bus 3"}
    assert pins(driver="xvf3800") == {}


@pytest.mark.parametrize(("pin", "key"), [(10, "bus"), (11, "bus_clock"), (5, "power_pin")])
def test_a_relay_on_a_pin_of_the_strip_is_refused(pin: int, key: str) -> None:
    """Both keys are named."""
    table = {
        "hardware": {"led": {"driver": "apa102", "pixels": 12, "power_pin": 5}},
        "tools": {"relays": {"light": {"pin": pin}}},
    }
    with pytest.raises(ConfigError, match=rf"tools\.relays\.light\.pin and hardware\.led\.{key} are both GPIO {pin}"):
        configuration.parse(table)


@pytest.fixture
def board(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every board has a strip of its own."""
    strip = {"driver": "apa102", "pixels": 12, "device": 1, "power_pin": 5}
    profile = Profile(
        title="test",
        tried=False,
        overlay={"hardware": {"led": strip}},
        pins={5: "the power of its lights", 10: "its lights (data)", 11: "its lights (clock)"},
    )
    monkeypatch.setattr(configuration, "find_board", lambda name: Board((name,), profile))


@pytest.mark.usefixtures("board")
def test_the_lights_of_a_board_are_used_on_the_pins_that_it_has_for_them() -> None:
    """A person may say how bright; nothing else may have these pins."""
    assert led(brightness=0.5) == Led(driver="apa102", pixels=12, device=1, power_pin=5, brightness=0.5)
    for pin in (5, 10, 11):
        with pytest.raises(ConfigError, match=f"this board uses GPIO {pin} for"):
            configuration.parse({"tools": {"relays": {"light": {"pin": pin}}}})
        with pytest.raises(ConfigError, match=f"this board uses GPIO {pin} for"):
            led(pin=pin)


@pytest.mark.usefixtures("board")
def test_other_lights_take_the_place_of_a_boards_as_a_whole() -> None:
    """A LED of one's own; or none."""
    assert led(pin=12) == Led(pin=12)
    assert led(driver="none") == Led(driver="none")
    assert led(driver="xvf3800") == Led(driver="xvf3800")


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"driver": "apa102"}, r"hardware\.led\.pixels must say how many pixels there are"),
        ({"driver": "apa102", "pixels": 3, "pin": 18}, r'hardware\.led\.driver = "apa102" uses none of pin'),
        ({"driver": "none", "red": 5, "green": 6, "blue": 13}, r'hardware\.led\.driver = "none" uses none of pin'),
        ({"driver": "gpio"}, r'hardware\.led\.driver = "gpio" needs pin'),
        ({"pin": 18, "pixels": 3}, r"hardware\.led\.pixels is for strips and rings on SPI"),
        ({"driver": "xvf3000", "power_pin": 5}, r"hardware\.led\.power_pin is for strips and rings on SPI"),
        ({"driver": "xvf3000", "pixels": 12}, r"hardware\.led\.pixels is for strips"),
        ({"required": True}, r"hardware\.led\.required = true, and there is no light"),
        ({"driver": "dotstar"}, r"hardware\.led\.driver"),
        ({"driver": "apa102", "pixels": 301}, r"hardware\.led\.pixels.*from 1 to 300"),
        ({"pin": 18, "brightness": 0.01}, r"hardware\.led\.brightness.*0\.05 to 1"),
        ({"pin": 18, "brightness": 50}, r"hardware\.led\.brightness.*0\.05 to 1"),
        ({"pin": 18, "night_from": "25:00"}, r'hardware\.led\.night_from = "25:00" is no time of day.*"22:00"'),
        ({"pin": 18, "night_from": 22}, r"hardware\.led\.night_from.*time of day"),
        (
            {"pin": 18, "night_brightness": 0.1, "night_from": "07:00", "night_to": "07:00"},
            r"hardware\.led\.night_to is the same as night_from",
        ),
    ],
)
def test_what_cannot_be_is_refused_with_the_key(keys: dict[str, Any], message: str) -> None:
    """And what to do."""
    with pytest.raises(ConfigError, match=message):
        led(**keys)


@pytest.mark.usefixtures("board")
def test_the_light_of_a_board_can_be_required() -> None:
    """It stays the board's."""
    assert led(required=True).chosen == led().chosen != "none"
