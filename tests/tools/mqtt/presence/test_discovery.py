"""What Home Assistant is told, byte by byte, and as its integrations want it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.tools.mqtt.presence.discovery import About, config_topic, message

GOLDEN = Path(__file__).parent / "discovery.json"
ABOUT = About(
    id="kitchen",
    topic="hearthside/kitchen",
    availability="hearthside/kitchen/availability",
    name="Kitchen speaker",
    version="1.2.3",
    words=("hey_jarvis", "alexa"),
    personas=("default", "butler"),
    choices_of_words=("all", "hey_jarvis", "alexa"),
    has_buttons=True,
    has_temperature=True,
)

REQUIRED = {
    "sensor": {"state_topic"},
    "binary_sensor": {"state_topic"},
    "switch": {"command_topic"},
    "number": {"command_topic"},
    "button": {"command_topic"},
    "text": {"command_topic"},
    "notify": {"command_topic"},
    "select": {"command_topic", "options"},
    "event": {"state_topic", "event_types"},
    "update": {"state_topic"},
    "device_automation": {"automation_type", "topic", "type", "subtype"},
}
"""What each integration must be told (Home Assistant's documentation of each, 2026.11)."""
ALLOWED = {
    "sensor": {"device_class", "state_class", "unit_of_measurement", "value_template", "options"},
    "binary_sensor": {"device_class", "value_template"},
    "switch": {"state_topic"},
    "number": {"state_topic", "min", "max", "step", "unit_of_measurement", "mode"},
    "text": {"max"},
    "select": {"state_topic"},
    "event": {"device_class"},
    "device_automation": {"payload", "value_template"},
}
COMMON = {
    "platform",
    "unique_id",
    "default_entity_id",
    "name",
    "icon",
    "entity_category",
    "json_attributes_topic",
}


def components(about: About = ABOUT) -> dict[str, dict[str, Any]]:
    """Return them by their keys."""
    found: dict[str, dict[str, Any]] = message(about)["components"]
    return found


def test_it_is_what_it_was() -> None:
    """Byte by byte. Where it is meant to be otherwise: write what this prints into discovery.json."""
    told = json.dumps(message(ABOUT), indent=2, ensure_ascii=False) + "\n"
    assert told == GOLDEN.read_text(encoding="utf-8"), told


@pytest.mark.parametrize("key", sorted(components()))
def test_each_component_has_what_its_integration_wants(key: str) -> None:
    """And nothing that it does not know, which Home Assistant would refuse."""
    component = components()[key]
    platform = component["platform"]
    common = {"platform"} if platform == "device_automation" else COMMON
    assert REQUIRED[platform] <= component.keys()
    assert component.keys() <= REQUIRED[platform] | ALLOWED.get(platform, set()) | common
    if platform != "device_automation":
        assert {"unique_id", "name"} <= component.keys()


@pytest.mark.parametrize("platform", sorted(REQUIRED))
def test_every_kind_is_there(platform: str) -> None:
    """So that the table above is one of what is used."""
    assert platform in {component["platform"] for component in components().values()}


def test_the_device_says_who_it_is() -> None:
    """What the device form must have."""
    told = message(ABOUT)
    assert told["device"]["identifiers"] == ["hearthside_kitchen"]
    assert told["origin"]["name"]
    assert told["availability_topic"] == "hearthside/kitchen/availability"
    assert config_topic("homeassistant", "kitchen") == "homeassistant/device/kitchen/config"


def test_what_is_not_there_is_not_told() -> None:
    """No button, no thermometer."""
    one = ("hey_jarvis",)
    bare = components(
        replace(ABOUT, words=one, personas=("default",), choices_of_words=("all", *one), has_buttons=False)
    )
    assert not {"button", "button_click", "button_long_press", "persona", "wakes_on", "heard_2"} & bare.keys()
    assert "temperature" not in components(replace(ABOUT, has_temperature=False))
    assert "heard_1" in bare


@given(st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True), st.lists(st.text(min_size=1), max_size=5))
def test_ids_are_each_the_only_one(identifier: str, words: list[str]) -> None:
    """And entity ids are such that Home Assistant takes them."""
    about = replace(ABOUT, id=identifier, words=tuple(words))
    with_ids = [component for component in components(about).values() if "unique_id" in component]
    assert len({component["unique_id"] for component in with_ids}) == len(with_ids)
    for component in with_ids:
        domain, _, name = component["default_entity_id"].partition(".")
        assert domain == component["platform"]
        assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789_")
