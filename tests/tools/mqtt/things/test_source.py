"""Simulated things at a real mosquitto: from the model's call to the thing, and back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from device.core.events import Way
from device.errors import ToolError
from device.ports.tools import UnconfirmedError
from device.sim.home.zigbee import SimulatedZigbee2Mqtt, ZigbeeDevice, switched
from device.tools.mqtt.things import source as module
from device.tools.mqtt.things.zigbee2mqtt import LARGEST_LIST
from tests.tools.mqtt.brokers import Broker, onlooker
from tests.tools.mqtt.things.homes import known, tasmota, used, zigbee
from tests.waiting import until


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    """Return a broker that runs."""
    with Broker(tmp_path) as running:
        yield running


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask at once."""
    monkeypatch.setattr(module, "SETTLE_S", 0.01)
    monkeypatch.setattr(module, "ASK_PAUSE_S", 0.0)


async def test_what_zigbee2mqtt_has_is_found_with_its_state(broker: Broker) -> None:
    """Those that hear it are asked; folders of names are rooms."""
    with zigbee(broker) as bridge:
        async with used(broker) as home:
            await known(home)
            assert await home.find(what="sofa lamp") == "sofa lamp (light): on, brightness 50 percent"
            assert await home.find(what="heating") == (
                "heating (climate, bathroom): heat, it is 19.5 degrees there, set to 20 degrees"
            )
            assert await home.find(what="coffee machine power") == "coffee machine power (sensor): 3 W"
            assert await home.find(what="front door") == "front door (lock): locked"
            assert (await home.find(room="kitchen")).count("kitchen") == 2
            # What sleeps hears no question; it tells by itself.
            assert await home.find(what="bedroom temperature") == "climate temperature (sensor, bedroom): unknown °C"
            bridge.change("bedroom/climate", temperature=18.25)
            bridge.change("balcony door", contact=False)
            await until(lambda: home.state("sensor.bedroom_climate_temperature") == "18.25", "the temperature")
            await until(lambda: home.state("binary_sensor.balcony_door_contact") == "on", "the contact")
            assert await home.find(what="balcony door") == (
                "balcony door contact (binary sensor): on (detected or open)"
            )
        assert bridge.refused == []


@pytest.mark.parametrize(
    ("what", "action", "more", "topic", "told", "then"),
    [
        ("coffee machine", "on", {}, "coffee machine", {"state": "ON"}, "coffee machine (switch): on"),
        ("sofa lamp", "toggle", {}, "sofa_lamp", {"state": "OFF"}, "sofa lamp (light): off, brightness 50 percent"),
        (
            "kitchen ceiling",
            "set",
            {"brightness": 30, "colour": "warm white"},
            "kitchen/ceiling",
            {"state": "ON", "brightness": 76, "color_temp": 370},
            "ceiling (light, kitchen): on, brightness 30 percent",
        ),
        (
            "sofa lamp",
            "set",
            {"colour": "red"},
            "sofa_lamp",
            {"state": "ON", "color": {"r": 255, "g": 0, "b": 0}},
            "sofa lamp (light): on, brightness 50 percent",
        ),
        ("blind", "close", {}, "bedroom/blind", {"state": "CLOSE"}, "blind (cover, bedroom): closed, 0 percent open"),
        (
            "blind",
            "set",
            {"position": 40},
            "bedroom/blind",
            {"position": 40},
            "blind (cover, bedroom): open, 40 percent open",
        ),
        (
            "heating",
            "set",
            {"temperature": 22.5},
            "bathroom/heating",
            {"occupied_heating_setpoint": 22.5},
            "heating (climate, bathroom): heat, it is 19.5 degrees there, set to 22.5 degrees",
        ),
        (
            "heating",
            "off",
            {},
            "bathroom/heating",
            {"system_mode": "off"},
            "heating (climate, bathroom): off, it is 19.5 degrees there, set to 20 degrees",
        ),
        (
            "fan",
            "set",
            {"speed": 70},
            "bedroom/fan",
            {"mode": "medium"},
            "fan (fan, bedroom): off, speed 66 percent",
        ),
        ("front door", "lock", {}, "front door", {"state": "LOCK"}, "front door (lock): locked"),
    ],
)
async def test_what_is_wanted_of_a_zigbee_device_is_done(
    broker: Broker, what: str, action: str, more: dict[str, object], topic: str, told: dict[str, object], then: str
) -> None:
    """A message at the broker, the device's new state, and that is what is found."""
    import json

    with zigbee(broker) as bridge:
        async with used(broker) as home:
            await known(home)
            bridge.heard.clear()
            assert (await home.control(what, action, **more)).startswith("Done: ")
            commands = [(topic, json.loads(payload)) for topic, payload in bridge.heard if topic.endswith("/set")]
            assert commands == [(f"zigbee2mqtt/{topic}/set", told)]
            assert await home.find(what=what) == then or what == "coffee machine"
        assert bridge.refused == []


async def test_several_things_are_switched_together(broker: Broker) -> None:
    """All of the room answer before it is said to be done."""
    with zigbee(broker) as bridge:
        async with used(broker) as home:
            await known(home)
            told = await home.control("kitchen lights", "on")
            assert told == "Done: ceiling (light, kitchen), counter (light, kitchen)"
            assert [bridge.devices[f"kitchen/{name}"].state["state"] for name in ("ceiling", "counter")] == ["ON", "ON"]


async def test_what_does_not_answer_is_told_plainly(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sent, but not answered: beside what has."""
    # Of two lamps one does answer.
    monkeypatch.setattr(module, "ANSWER_LIMIT_S", 3.0)
    with zigbee(broker) as bridge:
        async with used(broker) as home:
            await known(home)
            bridge.devices["kitchen/counter"].silent = True
            assert await home.control("kitchen lights", "on") == (
                "Done: ceiling (light, kitchen). "
                "Sent, but it has not answered, so it may not be done: counter (light, kitchen)"
            )
            bridge.deaf = True
            monkeypatch.setattr(module, "ANSWER_LIMIT_S", 0.3)
            told = await home.control("coffee machine", "on")
            assert told.startswith("Sent, but it has not answered")
            # What tells that it is still as it was does not answer.
            bridge.change("coffee machine", state="OFF")
            assert bridge.devices["coffee machine"].state["state"] == "OFF"


def test_many_things_have_more_time_to_answer() -> None:
    """A radio tells one after the other; a tool that waits for ever would be given up."""
    limits = [module.answer_limit_s(number) for number in (1, 2, 11, 60, 1_000)]
    assert limits == [2.0, pytest.approx(2.1), pytest.approx(3.0), pytest.approx(7.9), 8.0]


async def test_what_cannot_be_reached_is_said_at_once(broker: Broker) -> None:
    """By the availability of a device, of Zigbee2MQTT, and of the broker."""
    with zigbee(broker) as bridge:
        async with used(broker) as home:
            await known(home)
            bridge.tell_availability("coffee machine", there=False)
            await until(lambda: home.state("switch.coffee_machine") == "unavailable", "the device's absence")
            with pytest.raises(ToolError, match="coffee machine cannot be reached by MQTT at the moment"):
                await home.control("coffee machine", "on")
            bridge.tell_availability("coffee machine", there=True)
            await until(lambda: home.state("switch.coffee_machine") == "off", "the device's return")
            bridge.publish("zigbee2mqtt/bridge/state", "offline", retain=True)
            await until(lambda: home.state("light.sofa_lamp") == "unavailable", "the bridge's absence")
            with pytest.raises(ToolError, match="cannot be reached by MQTT"):
                await home.control("sofa lamp", "on")
            broker.stop()
            await until(lambda: not home.source.is_connected, "the loss")
            for call in (home.control("sofa lamp", "on"), home.find(what="sofa lamp")):
                with pytest.raises(ToolError, match="MQTT cannot be reached at the moment"):
                    await call


async def test_it_is_told_when_zigbee2mqtt_is_not_there(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong base topic, or a bridge that is gone; not before it had a while to say something."""
    monkeypatch.setattr(module, "PATIENCE_S", 0.2)
    with zigbee(broker) as bridge:
        async with used(broker, zigbee2mqtt="zigbee", tasmota="") as home:
            await until(lambda: not home.source.health()[0].ok, "the complaint")
            (told,) = home.source.health()
            assert (told.part, told.why) == ("zigbee2mqtt", "there is no list of devices on zigbee/bridge/devices")
            assert "tools.mqtt.home.zigbee2mqtt" in told.what_to_do
        monkeypatch.setattr(module, "PATIENCE_S", 60.0)
        async with used(broker) as home:
            await known(home)
            assert home.source.health()[0].ok
            monkeypatch.setattr(module, "PATIENCE_S", 0.0)
            assert home.source.health()[0].ok
            bridge.publish("zigbee2mqtt/bridge/state", "offline")
            await until(lambda: not home.source.health()[0].ok, "the complaint")
            bridge.publish("zigbee2mqtt/bridge/state", "online")
            await until(lambda: home.source.health()[0].ok, "the end of it")


async def test_a_broker_that_goes_while_a_thing_is_told_ends_the_waiting(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the model is told that nobody knows."""
    import asyncio

    monkeypatch.setattr(module, "ANSWER_LIMIT_S", 30.0)
    with zigbee(broker) as bridge:
        async with used(broker) as home:
            await known(home)
            bridge.deaf = True
            call = asyncio.create_task(home.control("coffee machine", "on"))
            await until(lambda: any(topic.endswith("/set") for topic, _ in bridge.heard), "the command")
            broker.kill()
            with pytest.raises(ToolError, match="connection to MQTT was lost"):
                await call


async def test_a_broker_that_hangs_is_told_of_within_the_limit(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is sent then may never arrive."""
    monkeypatch.setattr(module, "ANSWER_LIMIT_S", 0.2)
    with zigbee(broker):
        async with used(broker) as home:
            await known(home)
            broker.hang()
            try:
                assert (await home.control("coffee machine", "on")).startswith("Sent, but it has not answered")
            finally:
                broker.go_on()


async def test_what_comes_and_goes_is_known(broker: Broker) -> None:
    """A device joins under a new folder, another leaves; after a restart of the broker all is known anew."""
    with zigbee(broker) as bridge:
        async with used(broker) as home:
            await known(home)
            bridge.devices["attic/lamp"] = bridge.devices.pop("sofa_lamp")
            bridge.tell_devices()
            await until(lambda: home.state("light.attic_lamp") == "on", "the one that came")
            assert home.state("light.sofa_lamp") == ""
            broker.stop()
            await until(lambda: not home.source.is_connected, "the loss")
            broker.start()

            def is_told() -> bool:
                # What is said before both are back is lost.
                bridge.change("attic/lamp", state="OFF")
                return home.state("light.attic_lamp") == "off"

            await until(is_told, "the change")


async def test_a_list_as_long_as_large_houses_have_arrives(broker: Broker) -> None:
    """Of 1.5 MB; one beyond the limit is left out by the broker, and what was there stays."""
    much = [switched(), *[{"type": "text", "name": "x" * 100, "property": "y", "access": 1} for _ in range(60)]]
    with SimulatedZigbee2Mqtt(
        broker.port, {f"plug {n}": ZigbeeDevice(much, {"state": "ON"}) for n in range(150)}
    ) as many:
        async with used(broker, things={}) as home:
            await until(lambda: len(list(home.source.things)) == 150, "the devices")
            many.publish("zigbee2mqtt/bridge/devices", "[" + " " * LARGEST_LIST + "]", retain=True)
            many.change("plug 7", state="OFF")
            await until(lambda: home.state("switch.plug_7") == "off", "what was told after it")
            assert len(list(home.source.things)) == 150
            assert home.source.is_connected


async def test_tasmota_is_found_and_does_what_is_wanted(broker: Broker) -> None:
    """A plug that measures, a lamp and a shutter."""
    energy = {"ENERGY": {"Power": 12, "Today": 0.3, "Voltage": 231}}
    with (
        tasmota(broker, sensors=energy) as plug,
        tasmota(broker, topic="hall", names=("Hall Lamp",), relays=(2,), light=5, mac="A0") as lamp,
        tasmota(broker, topic="door", names=("Patio Blind",), relays=(3, 3), mac="A1") as blind,
    ):
        async with used(broker, things={}) as home:
            await until(lambda: home.state("cover.patio_blind") == "open", "the blind")
            await until(lambda: home.state("light.hall_lamp") == "off", "the lamp")
            await until(lambda: home.state("sensor.desk_plug_power") == "12", "the plug")
            assert await home.control("desk plug", "on") == "Done: Desk Plug (switch)"
            assert plug.state["POWER"] == "ON"
            assert await home.find(what="desk plug power") == "Desk Plug power (sensor): 12 W"
            await home.control("hall lamp", "set", brightness=40, colour="warm white")
            assert (lamp.state["POWER"], lamp.state["Dimmer"], lamp.state["CT"]) == ("ON", 40, 370)
            assert await home.find(what="hall lamp") == "Hall Lamp (light): on, brightness 40 percent"
            await home.control("patio blind", "set", position=30)
            assert blind.state["Shutter1"]["Position"] == 30
            assert await home.find(what="patio blind") == "Patio Blind (cover): open, 30 percent open"
            plug.measure(ENERGY={"Power": 40})
            await until(lambda: home.state("sensor.desk_plug_power") == "40", "what was measured")
            plug.publish("tele/tasmota_desk/LWT", "Offline", retain=True)
            await until(lambda: home.state("switch.desk_plug") == "unavailable", "its absence")
            plug.publish("tasmota/discovery/A1B2C3D4E5F6/config", "", retain=True)
            await until(lambda: home.state("switch.desk_plug") == "", "its removal")


async def test_plain_topics_are_things(broker: Broker) -> None:
    """With a state, and without one: then nobody can say whether it was done."""
    async with onlooker(broker) as other, used(broker) as home:
        other.publish("garden/gate/is", "OFF", retain=True)
        await until(lambda: home.state("cover.gate") == "closed", "the state")
        assert await home.control("fountain", "on") == (
            "Sent, but it has not answered, so it may not be done: pond pump (switch)"
        )
        await other.sees("garden/pump", "ON")
        assert await home.find(what="gate", room="garden") == "gate (cover, Garden): closed"
        with pytest.raises(ToolError, match="gate cannot be stopped"):
            await home.control("gate", "stop")


async def test_a_name_and_a_room_can_be_given_to_what_announces_itself(broker: Broker) -> None:
    """By friendly name, by address, by Tasmota's topic."""
    things = {
        "reading light": {"device": "sofa_lamp", "room": "Living Room", "aliases": ["corner"]},
        "printer": {"device": "tasmota_desk", "room": "Office"},
        "espresso": {"device": "0x0000000000000004"},
    }
    with zigbee(broker), tasmota(broker):
        async with used(broker, things=things, area="Office") as home:
            await known(home)
            await until(lambda: home.state("switch.printer") == "off", "the printer")
            assert (await home.find(what="corner")).startswith("reading light (light, Living Room): on")
            assert await home.find(what="printer", room="office") == "printer (switch, Office): off"
            assert await home.control("espresso", "on") == "Done: espresso (switch)"


async def test_unlocking_waits_for_a_person(broker: Broker) -> None:
    """As with Home Assistant; and so does what `confirm_for` names, by whatever name."""
    with zigbee(broker) as bridge:
        async with used(broker, confirm="press", confirm_for=["lock", "coffee machine"]) as home:
            await known(home)
            for what, action, said in (
                ("front door", "unlock", "unlock front door"),
                ("coffee machine", "on", "switch on coffee machine"),
            ):
                with pytest.raises(UnconfirmedError) as asked:
                    await home.control(what, action)
                assert (asked.value.confirmation.way, asked.value.confirmation.what) == (Way.PRESS, said)
            assert not [topic for topic, _ in bridge.heard if topic.endswith("/set")]
            assert await home.control("front door", "unlock", confirmed=True) == "Done: front door (lock)"
            assert bridge.devices["front door"].state["lock_state"] == "unlocked"
        async with used(broker) as home:
            await known(home)
            with pytest.raises(ToolError, match=r"tools\.mqtt\.home\.confirm"):
                await home.control("front door", "unlock", confirmed=True)


async def test_a_yes_holds_for_the_very_device(broker: Broker) -> None:
    """Another that comes to have its name, but for a sign, is not opened in its place."""
    with zigbee(broker) as bridge:
        async with used(broker, confirm="press") as home:
            await known(home)
            with pytest.raises(UnconfirmedError) as asked:
                await home.control("front door", "unlock")
            bridge.devices["Front_Door"] = bridge.devices.pop("front door")
            bridge.tell_devices()
            await until(lambda: home.names("lock.front_door") == ("Front Door",), "the other")
            with pytest.raises(ToolError, match="not there any more"):
                await home.repeat(asked.value.confirmation.arguments)
            assert bridge.devices["Front_Door"].state["state"] == "LOCK"


async def test_lists_say_what_may_be_used(broker: Broker) -> None:
    """What is denied is so whatever allows it, by whatever name."""
    with zigbee(broker):
        async with used(broker, allow=["kitchen", "lock"], deny=["COUNTER"], things={}) as home:
            await until(lambda: len(list(home.source.things)) == 2, "what is allowed")
            assert {thing.id for thing in home.source.things} == {"light.kitchen_ceiling", "lock.front_door"}
            with pytest.raises(ToolError, match="nothing is called"):
                await home.control("coffee machine", "on")
