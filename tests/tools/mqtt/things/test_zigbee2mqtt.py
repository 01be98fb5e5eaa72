"""What Zigbee2MQTT says, whatever it is."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.ports.home import Call
from device.sim.home import zigbee
from device.tools.home import orders
from device.tools.home.listing import is_guarded
from device.tools.home.orders import Wish
from device.tools.mqtt.messages import Message
from device.tools.mqtt.things.parts import MOST_THINGS, Label
from device.tools.mqtt.things.zigbee2mqtt import MOST_FOLDERS, Zigbee2Mqtt
from tests.tools.mqtt.things import hostile
from tests.tools.mqtt.things.homes import devices

LIST = "zigbee2mqtt/bridge/devices"
LAMP = [zigbee.switched("light", zigbee.ranged("brightness", 0, 254))]


def bridge(listed: Any, **labels: Label) -> Zigbee2Mqtt:
    """Return what has heard a list of devices."""
    dialect = Zigbee2Mqtt("zigbee2mqtt", labels)
    dialect.take(Message(LIST, listed if isinstance(listed, bytes) else hostile.encoded(listed)))
    return dialect


def device(name: Any, exposes: Any = LAMP, **more: Any) -> dict[str, Any]:
    """Return one as it stands in the list."""
    return {"friendly_name": name, "ieee_address": f"0x{name}", "definition": {"exposes": exposes}, **more}


def ids(dialect: Zigbee2Mqtt) -> list[str]:
    """Return what there is."""
    return [thing.id for thing in dialect.things]


extremes = st.sampled_from([None, 0, -1, 1e-300, 1e308, -1e308, 100, 254.5])
words = st.sampled_from(["ON", "OFF", True, "UNLOCK", "LOCK", "OPEN", "x" * 500, "a\nb", None, 3])
features = st.fixed_dictionaries(
    {
        "type": st.sampled_from(["binary", "numeric", "enum", "composite"]),
        "name": st.sampled_from(["state", "brightness", "color_xy", "color_temp", "position", "mode", "system_mode"])
        | st.sampled_from(["occupied_heating_setpoint", "local_temperature", "lock_state"]),
        "property": st.sampled_from(["state", "brightness", "p", "p" * 100, "", "a\nb"]),
        "access": st.sampled_from([7, 7, 7, 1, 2, -1]),
        "value_on": words,
        "value_off": words,
        "value_min": extremes,
        "value_max": extremes,
        "values": st.lists(st.sampled_from(["off", "low", "high", "heat", "x" * 500]), max_size=3),
    },
)
numbers = st.sampled_from([0, 5, -1, 1e308, -1e308, 10**300, 1e-300, 253.9])
kinds = st.sampled_from(["light", "switch", "cover", "lock", "fan", "climate"])
right = st.fixed_dictionaries(
    {"type": kinds, "features": st.lists(features, max_size=4)}, optional={"endpoint": hostile.names}
)
measured = st.fixed_dictionaries(
    {
        "type": st.sampled_from(["numeric", "binary"]),
        "name": st.sampled_from(["temperature", "contact"]),
        "property": st.sampled_from(["temperature", "state", "p"]),
        "access": st.just(1),
        "unit": hostile.names,
    }
)
wrong = st.dictionaries(st.sampled_from(["type", "name", "property", "features", "value_max"]), hostile.values)
exposes = st.lists(right | measured, max_size=3) | st.lists(right | wrong, max_size=3) | hostile.values
listed = st.lists(
    st.builds(device, hostile.names, st.just(LAMP) | exposes) | st.builds(device, hostile.values, exposes), max_size=5
)


@given(listed, st.lists(hostile.names.map(lambda name: f"zigbee2mqtt/{name}"), max_size=3), hostile.values, numbers)
def test_whatever_is_said_nothing_is_published_elsewhere(
    found: Any, topics: list[str], value: Any, number: Any
) -> None:
    """Only on BASE/NAME/set and /get, never to the bridge, never with a wildcard; and texts stay short."""
    dialect = bridge(found)
    states = [f"zigbee2mqtt/{one['friendly_name']}" for one in found]
    for topic in (*topics, *states):
        told = {"state": value, "brightness": value, "p": number, "temperature": number}
        for payload in (hostile.encoded(value), hostile.encoded(told)):
            dialect.take(Message(topic, payload))
            dialect.take(Message(f"{topic}/availability", payload))
    check(dialect)


def check(dialect: Zigbee2Mqtt) -> None:
    """See that what could be published is small, and goes to a device; and that what is told is short."""
    for publication in (*(one for _, one in hostile.published(dialect)), *dialect.questions()):
        base, *levels, verb = publication.topic.split("/")
        assert base == "zigbee2mqtt"
        assert verb in ("set", "get")
        assert levels[0] != "bridge"
        assert all(levels)
        assert not {"set", "get", "availability"} & set(levels)
        assert not set("+#\x00\n") & set(publication.topic)
        assert len(publication.topic) < 200
        assert len(publication.payload) < 400
        assert all(abs(value) < 1e10 for value in json.loads(publication.payload).values() if type(value) is int)
    assert all(hostile.is_told_shortly(thing) for thing in dialect.things)


@pytest.mark.parametrize("kind", ["light", "switch", "cover", "lock", "fan", "climate"])
@pytest.mark.parametrize("bound", [0, -1, 1e-300, 1e308, -1e308, 0.1])
def test_numbers_without_sense_do_no_harm(kind: str, bound: float) -> None:
    """Bounds of a feature, and values of a state."""
    names = ("brightness", "color_temp", "position", "occupied_heating_setpoint", "local_temperature")
    numeric = [{**zigbee.ranged(name, bound, bound)} for name in names]
    modes = [zigbee.chosen(name, "off", "low", "heat", "x" * 60) for name in ("mode", "system_mode", "running_state")]
    about = {**zigbee.switched(kind), "endpoint": "x" * 500}
    about["features"] += [*numeric, *modes, zigbee.coloured()]
    dialect = bridge([device("it", [about])])
    for value in (bound, 1e308, -1e308, 10**300, 5, "y" * 500, True, [], None):
        dialect.take(Message("zigbee2mqtt/it", hostile.encoded(dict.fromkeys((*names, "state", "mode"), value))))
        assert len(ids(dialect)) == 1
        check(dialect)


@pytest.mark.parametrize("key", ["property", "value_on", "value_off"])
def test_words_that_are_long_are_not_kept(key: str) -> None:
    """The feature is left out, and the device with it where nothing is left of it."""
    about = zigbee.switched()
    about["features"][0][key] = "x" * 65
    assert ids(bridge([device("it", [about])])) == []
    many = {"type": "fan", "features": [zigbee.chosen("mode", *(str(number) for number in range(65)))]}
    assert ids(bridge([device("it", [many])])) == []


@given(st.binary(max_size=200), st.sampled_from([LIST, "zigbee2mqtt/bridge/state", "zigbee2mqtt/sofa_lamp"]))
def test_what_is_no_text_changes_nothing(payload: bytes, topic: str) -> None:
    """Unless it happens to be what a bridge says."""
    dialect = bridge([device("sofa_lamp")])
    dialect.take(Message(topic, payload or b"x"))
    assert ids(dialect) == ["light.sofa_lamp"] or payload.strip().startswith(b"[")


@pytest.mark.parametrize(
    "payload", [b"{}", b"null", b"[" * 100_000, b"\xff", b'"x"', b"[1, 2", b'{"a": 1e999}', b'["\\ud800"]']
)
def test_no_list_leaves_what_was_there(payload: bytes) -> None:
    """And an empty one takes it away."""
    dialect = bridge([device("sofa_lamp")])
    dialect.take(Message(LIST, payload))
    assert ids(dialect) == ["light.sofa_lamp"]
    dialect.take(Message(LIST, b""))
    assert ids(dialect) == []


@pytest.mark.parametrize("name", [name for name in hostile.NAMES if name not in ("lamp", "kitchen/lamp", "\ud800")])
def test_a_name_that_is_no_topic_is_left_out(name: str) -> None:
    """And what is beside it is not. Of the odd ones, only those that name one topic below the base are names."""
    dialect = bridge([device(name), device("lamp")])
    odd = [known for known in ids(dialect) if known != "light.lamp"]
    assert "light.lamp" in ids(dialect)
    assert odd == {"../../other/topic": ["light.other_topic"], "$SYS/broker": ["light.sys_broker"]}.get(name, [])


def test_a_broken_device_is_left_out_and_its_neighbours_are_not() -> None:
    """Wrong types, nothing at all, nested without an end."""
    deep: Any = {"type": "light"}
    for _ in range(2_000):
        deep = {"type": "light", "features": [deep]}
    found = [device("a"), {"friendly_name": 5}, None, [], "x", device("b", "light"), device("c", [{"type": 3}])]
    text = json.dumps(found)[:-1] + ', {"friendly_name": "d", "definition": {"exposes": ' + "[" * 5_000 + "]" * 5_000
    dialect = bridge((text + "}}, " + json.dumps(device("e")) + "]").encode())
    assert ids(dialect) in (["light.a", "light.e"], [])
    assert ids(bridge([device("a"), *found[1:], device("e")])) == ["light.a", "light.e"]


def test_ten_thousand_devices_are_not_held() -> None:
    """Those that a person has named are; the count of the others is told."""
    many = [device(f"folder{number}/lamp {number}") for number in range(10_000)]
    dialect = bridge([*many, device("mine")], mine=Label("my lamp"))
    assert len(ids(dialect)) <= MOST_THINGS
    assert ids(dialect)[0] == "light.my_lamp"
    assert len(dialect.patterns) <= MOST_FOLDERS + 4
    flat = bridge([device(f"lamp {number}") for number in range(10_000)])
    assert (len(ids(flat)), flat.left_out) == (MOST_THINGS, 10_000 - MOST_THINGS)


def test_what_is_large_is_not_kept() -> None:
    """Of a state only words and numbers are, of a device only what is known here."""
    dialect = bridge([device("lamp", [*LAMP, *[{"type": "text", "name": "x" * 1_000}] * 500])])
    dialect.take(Message("zigbee2mqtt/lamp", hostile.encoded({"state": "x" * 10_000, "brightness": [1] * 5_000})))
    held = dialect._devices["lamp"]
    assert len(held.things) == 1
    assert held.values == {"state": "x" * 79 + "…", "brightness": None}


def test_two_of_one_name_are_never_mistaken() -> None:
    """The second of a list is left out; so is one whose name differs in signs only."""
    found = [device("Front Door", [zigbee.lock()]), device("front_door", [zigbee.lock()]), device("Front Door", LAMP)]
    dialect = bridge(found)
    assert ids(dialect) == ["lock.front_door"]
    (publication,) = dialect.publications(next(iter(dialect.things)), Call("lock", "lock"))
    assert publication.topic == "zigbee2mqtt/Front Door/set"
    assert dialect.left_out == 2


def test_what_opens_a_lock_is_written_to_locks_only() -> None:
    """A lock that is said to be a lamp with odd words for on and off cannot be opened as one."""
    state = {"type": "binary", "name": "state", "property": "state", "access": 7}
    odd = [{"type": "light", "features": [{**state, "value_on": "UNLOCK", "value_off": "LOCK"}]}]
    swapped = [{"type": "lock", "features": [{**state, "value_on": "UNLOCK", "value_off": "LOCK"}]}]
    assert not list(hostile.published(bridge([device("hall lamp", odd)])))
    door = bridge([device("door", swapped)])
    for service in ("lock", "unlock"):
        (publication,) = door.publications(next(iter(door.things)), Call("lock", service))
        assert publication.payload == f'{{"state":"{service.upper()}"}}'


def test_a_device_that_joins_keeps_what_is_known_of_the_others() -> None:
    """And is asked; those that were asked are not asked again until the connection is lost."""
    dialect = bridge([device("a"), device("b", power_source="Battery")])
    assert [question.topic for question in dialect.questions()] == ["zigbee2mqtt/a/get"]
    dialect.take(Message("zigbee2mqtt/a", b'{"state": "ON"}'))
    dialect.take(Message(LIST, hostile.encoded([device("a"), device("c")])))
    assert {thing.id: thing.state for thing in dialect.things} == {"light.a": "on", "light.c": "unknown"}
    assert [question.topic for question in dialect.questions()] == ["zigbee2mqtt/c/get"]
    assert dialect.questions() == ()
    dialect.forget()
    assert [question.topic for question in dialect.questions()] == ["zigbee2mqtt/c/get"]


def test_two_sockets_of_a_device_are_two_things() -> None:
    """By their endpoints, each with its own key."""
    sockets = []
    for end in ("left", "right"):
        socket = zigbee.switched()
        socket["features"][0]["property"] = f"state_{end}"
        sockets.append({**socket, "endpoint": end})
    dialect = bridge([device("desk", sockets)])
    assert dialect.take(Message("zigbee2mqtt/desk", b'{"state_left": "ON"}')) == ("switch.desk_left",)
    assert [(thing.name, thing.state) for thing in dialect.things] == [("desk left", "on"), ("desk right", "unknown")]


def test_what_else_a_device_switches_is_told_apart() -> None:
    """A thermostat's switch for its child lock is not called as the thermostat; what guards the one guards both."""
    lock = zigbee.switched()
    lock["features"][0]["property"] = "child_lock"
    valve = {**zigbee.switched()["features"][0], "type": "binary"}
    dialect = bridge([device("bath_heating", [zigbee.climate(), lock]), device("garden valve", [valve])])
    assert ids(dialect) == ["climate.bath_heating", "switch.bath_heating_child_lock", "switch.garden_valve"]
    assert [is_guarded(thing, ("Bath Heating",)) for thing in dialect.things] == [True, True, False]


@pytest.mark.parametrize(
    ("wish", "payload"),
    [
        (Wish(action="set", speed=100), {"speed": 254}),
        (Wish(action="set", speed=1), {"speed": 3}),
        (Wish(action="set", speed=0), {"state": "OFF"}),
    ],
)
def test_a_fan_may_have_a_speed_in_numbers(wish: Wish, payload: dict[str, Any]) -> None:
    """From 1 to 254."""
    dialect = bridge([device("fan", [zigbee.switched("fan", zigbee.ranged("speed", 1, 254))])])
    dialect.take(Message("zigbee2mqtt/fan", b'{"state": "ON", "speed": 127}'))
    (fan,) = dialect.things
    assert fan.attributes == {"percentage": 50}
    (publication,) = dialect.publications(fan, orders.call_for(fan, wish))
    assert json.loads(publication.payload) == payload


@pytest.mark.parametrize("told", [b"offline", b'{"state": "offline"}', b'{"state":"offline","x":[]}'])
def test_absence_is_told_by_a_word_or_in_json(told: bytes) -> None:
    """Zigbee2MQTT 1 says a word, 2 an object."""
    for topic in ("zigbee2mqtt/lamp/availability", "zigbee2mqtt/bridge/state"):
        dialect = bridge([device("lamp")])
        dialect.take(Message(topic, told))
        assert [thing.state for thing in dialect.things] == ["unavailable"]
        dialect.take(Message(topic, told.replace(b"offline", b"online")))
        assert [thing.state for thing in dialect.things] == ["unknown"]


def test_every_kind_of_device_has_a_state_and_wishes() -> None:
    """Those of the simulated house."""
    dialect = bridge([device(name, one.exposes) for name, one in devices().items()])
    for name, one in devices().items():
        assert dialect.take(Message(f"zigbee2mqtt/{name}", hostile.encoded(one.state)))
    assert all(thing.state not in ("unknown", "unavailable") for thing in dialect.things)
    can = {thing.id for thing, _ in hostile.published(dialect)}
    assert can == {thing.id for thing in dialect.things if "sensor" not in thing.id}
