"""Things on topics of their own."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import convert

from device.tools.mqtt.messages import Message
from device.tools.mqtt.settings import MqttHome, MqttThing
from device.tools.mqtt.things.plain import Plain
from tests.tools.mqtt.things import hostile


def plain(**things: dict[str, Any]) -> Plain:
    """Return what was configured."""
    return Plain(convert(things, dict[str, MqttThing]))


def states(dialect: Plain) -> list[str]:
    """Return what is known."""
    return [thing.state for thing in dialect.things]


@pytest.mark.parametrize(
    ("thing", "payload", "state"),
    [
        ({}, b"ON", "on"),
        ({"state_off": "0", "state_on": "1"}, b"0", "off"),
        ({"value": "relay.0"}, b'{"relay": {"0": "ON"}}', "on"),
        ({"value": "on", "state_on": "on", "state_off": "off"}, b'{"on": true}', "on"),
        ({"kind": "cover", "payload_on": "OPEN", "payload_off": "CLOSE"}, b"CLOSE", "closed"),
        ({"kind": "lock", "payload_on": "1", "payload_off": "0"}, b"1", "locked"),
        ({"kind": "sensor"}, b" 21.456 ", "21.456"),
        ({"kind": "sensor", "value": "t"}, b'{"t": 21.456}', "21.46"),
        ({"kind": "binary_sensor"}, b"OFF", "off"),
        ({}, b"perhaps", "unknown"),
        ({}, b"", "unknown"),
        ({"value": "a"}, b"ON", "unknown"),
        ({"value": "a"}, b'{"a": {"b": 1}}', "unknown"),
        ({"kind": "sensor", "value": "t"}, b'{"t": [1]}', "unknown"),
    ],
)
def test_a_state_is_understood(thing: dict[str, Any], payload: bytes, state: str) -> None:
    """As a word, or from a place in a JSON text; what is neither changes nothing."""
    dialect = plain(it={"command_topic": "a/do", "state_topic": "a/is", **thing})
    dialect.take(Message("a/is", payload))
    assert states(dialect) == [state]


def test_two_things_may_share_a_topic() -> None:
    """A sensor that measures two things."""
    about = {"kind": "sensor", "state_topic": "s"}
    dialect = plain(warmth={**about, "value": "t", "unit": "°C"}, damp={**about, "value": "h"})
    assert dialect.patterns == ("s",)
    assert dialect.take(Message("s", b'{"t": 20, "h": 50}')) == ("sensor.warmth", "sensor.damp")
    assert states(dialect) == ["20", "50"]


def test_what_is_not_there_is_told() -> None:
    """By its own topic."""
    dialect = plain(it={"command_topic": "a/do", "availability_topic": "a/there"})
    dialect.take(Message("a/there", b"offline"))
    assert states(dialect) == ["unavailable"]
    dialect.take(Message("a/there", b"online"))
    assert states(dialect) == ["unknown"]


def test_each_kind_is_told_what_it_understands() -> None:
    """And nothing else."""
    dialect = plain(
        lamp={"kind": "light", "command_topic": "lamp", "brightness_topic": "lamp/level", "brightness_max": 255},
        bell={"kind": "button", "command_topic": "bell", "payload_on": "ring"},
        gate={"kind": "cover", "command_topic": "gate", "payload_stop": "HALT"},
        door={"kind": "lock", "command_topic": "door", "payload_on": "1", "payload_off": "0"},
        sun={"kind": "sensor", "state_topic": "sun"},
    )
    sent: dict[str, set[tuple[str, str]]] = {}
    for thing, publication in hostile.published(dialect):
        sent.setdefault(thing.id, set()).add((publication.topic, publication.payload))
    assert sent == {
        "light.lamp": {("lamp", "ON"), ("lamp", "OFF"), ("lamp/level", "3"), ("lamp/level", "255")},
        "button.bell": {("bell", "ring")},
        "cover.gate": {("gate", "ON"), ("gate", "OFF"), ("gate", "HALT")},
        "lock.door": {("door", "1"), ("door", "0")},
    }


@given(st.binary(max_size=100) | hostile.values.map(hostile.encoded))
def test_whatever_is_said_only_the_state_changes(payload: bytes) -> None:
    """And stays a short line."""
    about = {"kind": "sensor", "state_topic": "s", "availability_topic": "there"}
    dialect = plain(one=about, two={**about, "value": "state"}, three={"command_topic": "do", "state_topic": "s"})
    for topic in ("s", "there"):
        dialect.take(Message(topic, payload))
    assert all(hostile.is_told_shortly(thing) for thing in dialect.things)
    assert {publication.topic for _, publication in hostile.published(dialect)} <= {"do"}


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ({}, "command_topic"),
        ({"kind": "sensor"}, "state_topic"),
        ({"kind": "sensor", "command_topic": "a"}, "state_topic"),
        ({"command_topic": "a/#"}, "command_topic"),
        ({"command_topic": "a", "state_topic": "a/+"}, "state_topic"),
        ({"device": "lamp", "command_topic": "a"}, "device"),
    ],
)
def test_wrong_settings_of_a_thing_are_named(settings: dict[str, Any], key: str) -> None:
    """With the key."""
    assert [mistake.key for mistake in convert(settings, MqttThing).mistakes()] == [key]


@pytest.mark.parametrize("topic", ["zigbee2mqtt/#", "zigbee2mqtt/", "/zigbee2mqtt", "+", "$SYS", " "])
def test_a_base_topic_that_is_none_is_named(topic: str) -> None:
    """For Zigbee2MQTT and for Tasmota."""
    for key in ("zigbee2mqtt", "tasmota"):
        assert [mistake.key for mistake in convert({key: topic}, MqttHome).mistakes()] == [key]
    assert not list(MqttHome(zigbee2mqtt="zigbee2mqtt", tasmota="tasmota/discovery").mistakes())
