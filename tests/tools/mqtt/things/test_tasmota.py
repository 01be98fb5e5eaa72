"""What devices with Tasmota say, whatever it is."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.sim.home.tasmota import SimulatedTasmota
from device.tools.mqtt.messages import Message
from device.tools.mqtt.things.parts import MOST_THINGS, Label
from device.tools.mqtt.things.tasmota import MOST_DEVICES, Tasmota
from tests.tools.mqtt.things import hostile


def config(topic: str = "plug", mac: str = "A1", **more: Any) -> dict[str, Any]:
    """Return what a device says of itself."""
    return {**SimulatedTasmota(1, topic, ("Plug",), mac=mac).config(), **more}


def announced(*configs: dict[str, Any], **labels: Label) -> Tasmota:
    """Return what has heard them."""
    dialect = Tasmota("tasmota/discovery", labels)
    for one in configs:
        announce(dialect, one)
    return dialect


def announce(dialect: Tasmota, one: dict[str, Any], what: str = "config", mac: str = "") -> None:
    """Have a device say what it is."""
    topic = f"tasmota/discovery/{mac or one.get('mac', 'A1')}/{what}"
    dialect.take(Message(topic, hostile.encoded(one)))


def ids(dialect: Tasmota) -> list[str]:
    """Return what there is."""
    return [thing.id for thing in dialect.things]


odd_configs = st.fixed_dictionaries(
    {},
    optional={
        "t": hostile.names | hostile.values,
        "ft": st.sampled_from(["%prefix%/%topic%/", "zigbee2mqtt/door/set", "%topic%/%prefix%/"]) | hostile.values,
        "tp": st.lists(hostile.names, max_size=4) | hostile.values,
        "mac": st.sampled_from(["A1", "A2"]) | hostile.values,
        "rl": st.lists(st.integers(-1, 4), max_size=40) | hostile.values,
        "fn": st.lists(hostile.names | st.none(), max_size=4) | hostile.values,
        "dn": hostile.names | hostile.values,
        "state": st.lists(hostile.names, max_size=4) | hostile.values,
        "ofln": hostile.names | hostile.values,
        "so": hostile.values,
        "if": st.integers(0, 1) | hostile.values,
        "lk": st.integers(0, 1),
        "lt_st": st.integers(-1, 7) | hostile.values,
        "sho": st.lists(st.integers(), max_size=3) | hostile.values,
    },
)
odd_sensors = st.dictionaries(
    st.sampled_from(["TempUnit", "ENERGY", "SI7021", "x" * 200]) | hostile.names,
    st.dictionaries(st.sampled_from(["Temperature", "Power", "x"]), hostile.values, max_size=3) | hostile.values,
    max_size=4,
)


@given(st.lists(odd_configs, max_size=3), odd_sensors, hostile.values)
def test_whatever_is_said_nothing_is_published_elsewhere(found: list[Any], sensors: Any, value: Any) -> None:
    """Only commands that are known here, on cmnd/TOPIC; and texts stay short."""
    dialect = Tasmota("tasmota/discovery", {})
    for one in found:
        announce(dialect, config(**one), mac="A1")
        announce(dialect, {"sn": sensors}, "sensors", mac="A1")
    told = {"POWER": value, "POWER1": "ON", "Dimmer": value, "Shutter1": value, "ENERGY": value, "StatusSNS": value}
    for topic in ("plug", *(str(one.get("t")) for one in found)):
        for end in ("stat/{}/RESULT", "stat/{}/POWER1", "tele/{}/SENSOR", "tele/{}/LWT"):
            dialect.take(Message(end.format(topic), hostile.encoded(told)))
            dialect.take(Message(end.format(topic), hostile.encoded(value)))
    for publication in (*(one for _, one in hostile.published(dialect)), *dialect.questions()):
        prefix, topic, command = publication.topic.split("/")
        assert (prefix, bool(topic)) == ("cmnd", True)
        assert command.rstrip("0123456789") in (
            *("POWER", "Dimmer", "Channel", "Color", "CT", "FanSpeed", "STATE", "STATUS"),
            *("ShutterOpen", "ShutterClose", "ShutterStop", "ShutterPosition"),
        )
        assert not set("+#\x00\n") & set(topic)
        assert len(publication.payload) < 20
    assert all(hostile.is_told_shortly(thing) for thing in dialect.things)


@given(st.binary(max_size=100))
def test_what_is_no_text_changes_nothing(payload: bytes) -> None:
    """Neither as a discovery nor as a state."""
    dialect = announced(config())
    for topic in ("tasmota/discovery/A1/config", "tasmota/discovery/A1/sensors", "stat/plug/RESULT", "tele/plug/LWT"):
        dialect.take(Message(topic, payload or b"x"))
    assert ids(dialect) == ["switch.plug"]


@pytest.mark.parametrize(
    "odd",
    [
        {"ft": "zigbee2mqtt/door/set/%prefix%/%topic%/"},
        {"tp": ["zigbee2mqtt/door/set", "stat", "tele"]},
        {"t": "plug/+"},
        {"t": "a/b"},
        {"t": ""},
        {"mac": "B7"},
    ],
)
def test_other_topics_than_usual_are_left_out(odd: dict[str, Any]) -> None:
    """A message must not choose where to publish."""
    dialect = Tasmota("tasmota/discovery", {})
    announce(dialect, config(**odd), mac="A1")
    assert (ids(dialect), dialect.left_out) == ([], 1)


def test_a_topic_belongs_to_who_had_it_first() -> None:
    """Another device with the same one is left out; a device may change its own."""
    dialect = announced(config(), config(mac="B2", dn="Thief", fn=["Thief"]))
    assert (ids(dialect), dialect.left_out) == (["switch.plug"], 1)
    announce(dialect, config(t="other", fn=["Renamed"]))
    assert ids(dialect) == ["switch.renamed"]


def test_many_devices_are_not_held() -> None:
    """A bounded number of devices, and of things."""
    dialect = announced(*(config(f"plug{n}", f"A{n}", fn=[f"Plug {n}"], rl=[1] * 8) for n in range(MOST_DEVICES + 50)))
    assert len(dialect._devices) == MOST_DEVICES
    assert len(ids(dialect)) <= MOST_THINGS
    for number in range(MOST_DEVICES + 50):
        announce(dialect, {"sn": {"A": {"Temperature": 1}}}, "sensors", mac=f"X{number}")
    assert len(dialect._early) == MOST_DEVICES


def test_what_has_no_name_is_called_by_its_topic() -> None:
    """Whatever was not named is called Tasmota; several relays are numbered."""
    dialect = announced(config("tasmota_8F", dn="Tasmota", fn=["Tasmota", "Tasmota2"], rl=[1, 1]))
    assert ids(dialect) == ["switch.tasmota_8f"]
    named = announced(config("tasmota_8F", rl=[1, 1]), tasmota_8F=Label("strip", room="Office"))
    assert [(thing.id, thing.place and thing.place.name) for thing in named.things] == [
        ("switch.strip", "Office"),
        ("switch.strip_2", "Office"),
    ]


def test_every_kind_of_light_takes_what_it_can() -> None:
    """By its subtype, and by the options that part its channels."""
    kinds = {0: ["onoff"], 1: ["brightness"], 2: ["brightness", "color_temp"], 5: ["brightness", "color_temp", "rgb"]}
    for kind, modes in kinds.items():
        (lamp,) = announced(config(rl=[2], lt_st=kind)).things
        assert lamp.attributes["supported_color_modes"] == modes
    split = announced(config(rl=[2, 2], lt_st=5, lk=0, fn=["Colours", "White"]))
    assert {publication.topic for _, publication in hostile.published(split)} == {
        f"cmnd/plug/{command}" for command in ("POWER1", "POWER2", "Dimmer1", "Dimmer2", "Color2", "CT")
    }
    channels = announced(config(rl=[2, 2], lt_st=2, so={"68": 1}, fn=["One", "Two"]))
    assert {publication.topic for _, publication in hostile.published(channels)} == {
        f"cmnd/plug/{command}" for command in ("POWER1", "POWER2", "Channel1", "Channel2")
    }


def test_relays_may_be_lights_and_fans() -> None:
    """SetOption30, and a Sonoff iFan."""
    assert ids(announced(config(so={"30": 1}))) == ["light.plug"]
    fan = announced(config(rl=[2, 0, 0, 0], **{"if": 1}))
    assert ids(fan) == ["fan.plug", "light.plug"]
    fan.take(Message("stat/plug/RESULT", b'{"FanSpeed": 2}'))
    assert next((thing.state, thing.attributes) for thing in fan.things) == ("on", {"percentage": 67})
    sent = {publication.payload for thing, publication in hostile.published(fan) if thing.domain == "fan"}
    assert sent == {"0", "2"}


def test_a_blind_that_is_turned_around() -> None:
    """`sho` bit 0: there 100 is closed."""
    dialect = announced(config(rl=[3, 3], sho=[1]))
    assert dialect.take(Message("stat/plug/RESULT", b'{"Shutter1": {"Position": 70}}')) == ("cover.plug",)
    assert [thing.attributes for thing in dialect.things] == [{"current_position": 30}]
    sent = [publication for _, publication in hostile.published(dialect)]
    assert ("cmnd/plug/ShutterPosition1", "60") in [(one.topic, one.payload) for one in sent]


def test_a_state_is_heard_wherever_it_is_told() -> None:
    """In RESULT, in STATE, as a word on its own topic, in what the device calls on and off."""
    dialect = announced(config(state=["Aus", "An", "Um", "Halt"]))
    for topic, payload, state in (
        ("stat/plug/RESULT", b'{"POWER": "An"}', "on"),
        ("tele/plug/STATE", b'{"POWER1": "Aus"}', "off"),
        ("stat/plug/POWER", b"An", "on"),
        ("stat/plug/POWER1", b"Aus", "off"),
    ):
        assert dialect.take(Message(topic, payload)) == ("switch.plug",)
        assert [thing.state for thing in dialect.things] == [state]
    assert dialect.take(Message("stat/plug/RESULT", b'{"POWER": "Um"}')) == ()
    assert dialect.take(Message("stat/unknown/RESULT", b'{"POWER": "An"}')) == ()


def test_sensors_may_be_told_before_the_device() -> None:
    """Both are retained, in whatever order they come."""
    dialect = Tasmota("tasmota/discovery", {})
    announce(dialect, {"sn": {"SI7021": {"Temperature": 20, "Id": "x"}, "TempUnit": "C"}}, "sensors")
    announce(dialect, config())
    assert ids(dialect) == ["switch.plug", "sensor.plug_temperature"]
    announce(dialect, {"sn": {"SI7021": {"Humidity": 3}, "DS18B20": {"Temperature": 1}}}, "sensors")
    assert ids(dialect) == ["switch.plug", "sensor.plug_si7021_humidity", "sensor.plug_ds18b20_temperature"]
    dialect.take(Message("tele/plug/SENSOR", b'{"DS18B20": {"Temperature": 21.456}}'))
    assert [thing.state for thing in dialect.things][-1] == "21.46"
