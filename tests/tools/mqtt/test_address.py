"""What may stand in [tools.mqtt], and what this device is called."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.tools.mqtt.address import id_of, mistakes, port_of, topic_of
from device.tools.mqtt.messages import topic_mistake
from device.tools.mqtt.settings import Mqtt


@pytest.mark.parametrize(
    ("settings", "wrong"),
    [
        ({}, ""),
        ({"host": "homeassistant.local"}, ""),
        ({"host": "broker"}, ""),
        ({"host": "192.168.1.2"}, ""),
        ({"host": "fe80::1"}, ""),
        ({"host": "mqtt.example.org", "tls": True}, ""),
        ({"host": "mqtt.example.org"}, "host: all would leave the house unencrypted"),
        ({"host": "203.0.113.7"}, "host: all would leave the house unencrypted"),
        ({"host": "mqtt://broker"}, "host must be a name or an address alone"),
        ({"host": "broker", "ca_file": "x.pem"}, "ca_file is for tls = true"),
        ({"id": "living room"}, 'id must be of 1 to 64 letters, digits, "_" and "-"'),
        ({"topic": "a/#"}, "topic must be one topic"),
        ({"topic": "/a"}, "topic must neither begin nor end with /"),
        ({"topic": "$SYS/a"}, "topic must neither begin nor end with /, nor begin with $"),
        ({"discovery_prefix": ""}, "discovery_prefix must have 1 to 512 bytes"),
    ],
)
def test_what_cannot_work_is_refused(settings: dict[str, Any], wrong: str) -> None:
    """With what to do."""
    found = [mistake.key + mistake.text for mistake in mistakes(Mqtt(**settings))]
    assert len(found) == bool(wrong)
    assert all(wrong in text for text in found)


def test_where_nothing_is_set_the_machine_gives_the_name() -> None:
    """As a topic may have it."""
    assert topic_of(Mqtt(), "kitchen.lan") == "hearthside/kitchen"
    assert topic_of(Mqtt(id="den"), "kitchen") == "hearthside/den"
    assert topic_of(Mqtt(topic="home/den"), "kitchen") == "home/den"
    assert (port_of(Mqtt()), port_of(Mqtt(tls=True)), port_of(Mqtt(tls=True, port=1))) == (1883, 8883, 1)


@given(st.text())
def test_every_machine_has_an_id(machine: str) -> None:
    """Whatever somebody has called it."""
    assert not list(mistakes(Mqtt(id=id_of(Mqtt(), machine))))
    assert topic_mistake(topic_of(Mqtt(), machine)) == ""
