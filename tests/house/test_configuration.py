"""The configuration as a whole: tables of providers and features, files over files, and what no two may claim."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from device.conversation.openai.provider import TABLE as OPENAI
from device.errors import ConfigError
from device.house import configuration
from device.house.configuration import composed
from device.settings import Claim, Mistake, Pin, Section, Table
from device.tools.pins.feature import RELAY_TABLE as RELAYS
from device.wake.decision import rules
from tests.house.conftest import add


class Lamp(Section, frozen=True):
    """A table by name, in a table by name."""

    pin: Pin
    port: int | None = None

    def mistakes(self) -> Iterator[Mistake]:
        """Refuse a port that is the pin."""
        if self.port == self.pin:
            yield Mistake("port", " is the pin")

    def claims(self) -> Iterator[Claim]:
        """Yield pin and port."""
        yield Claim("pin", "GPIO", self.pin)
        if self.port is not None:
            yield Claim("port", "TCP port", self.port)


class Room(Section, frozen=True):
    """A table in a table."""

    lamps: dict[str, Lamp] = msgspec.field(default_factory=dict)
    reading: Lamp = Lamp(pin=3)


class Rooms(Section, frozen=True):
    """A feature's own."""

    kitchen: Room = Room()
    name: str = "home"


class Parrot(Section, frozen=True):
    """A provider's own."""

    name: str = "Polly"


ROOMS = Table(
    "tools.rooms",
    Rooms,
    lambda rooms: iter([Mistake("name", ": it needs one")] if not rooms.name else []),
)
PROVIDER = Table("conversation.parrot", Parrot)


@pytest.fixture
def rooms(monkeypatch: pytest.MonkeyPatch) -> None:
    """A house with one feature more, whose tables are five deep, and one provider more."""
    tables = (OPENAI, RELAYS, ROOMS, PROVIDER)
    monkeypatch.setattr(configuration, "TABLES", tables)
    monkeypatch.setattr(configuration, "SCHEMA", composed(tables))


def refusal(table: dict[str, Any]) -> str:
    """Return the message with which a configuration is refused."""
    with pytest.raises(ConfigError) as caught:
        configuration.parse(table, "here")
    return str(caught.value)


def in_kitchen(**table: Any) -> dict[str, Any]:
    """Return a configuration with this in tools.rooms.kitchen."""
    return {"tools": {"rooms": {"kitchen": table}}}


@pytest.mark.usefixtures("rooms")
@pytest.mark.parametrize(
    ("table", "said"),
    [
        (in_kitchen(lamp={}), 'here: there is no key "lamp" in [tools.rooms.kitchen]; did you mean "lamps"?'),
        (
            in_kitchen(reading={"pni": 4}),
            'here: there is no key "pni" in [tools.rooms.kitchen.reading]; did you mean "pin"?',
        ),
        (in_kitchen(reading={"pin": 40}), "here: tools.rooms.kitchen.reading.pin = 40 is not possible; give a GPIO"),
        (in_kitchen(reading={"port": 1}), "here: [tools.rooms.kitchen.reading] lacks pin; give a GPIO number"),
        (in_kitchen(lamps={"a b": {"pin": "x"}}), 'here: tools.rooms.kitchen.lamps."a b".pin = "x" is not possible'),
        (
            in_kitchen(lamps={"a": {"pin": 4, "pot": 1}}),
            'no key "pot" in [tools.rooms.kitchen.lamps.a]; did you mean "p',
        ),
        (in_kitchen(lamps={"a": {"pin": 4, "port": 4}}), "here: tools.rooms.kitchen.lamps.a.port is the pin"),
        ({"tools": {"rooms": {"name": ""}}}, "here: tools.rooms.name: it needs one"),
        ({"tools": {"rooms": 3}}, "here: tools.rooms = 3 is not possible; give a table: [tools.rooms]"),
        (
            {"conversation": {"provider": "echo"}},
            'conversation.provider = "echo" is not possible; give "openai" or "parrot"',
        ),
    ],
)
def test_what_is_wrong_is_named_however_deep_it_stands(table: dict[str, Any], said: str) -> None:
    """Also in the tables of a feature or a provider, which no file here knows."""
    assert said in refusal(table)


@pytest.mark.usefixtures("rooms")
def test_a_table_of_a_feature_is_decoded_with_the_rest() -> None:
    """And given to whoever knows it, with its type."""
    settings = configuration.parse({"conversation": {"provider": "parrot"}, **in_kitchen(lamps={"a": {"pin": 5}})})
    assert settings.conversation.provider == "parrot"
    assert settings.of(ROOMS) == Rooms(kitchen=Room(lamps={"a": Lamp(pin=5)}))
    assert settings.of(PROVIDER) == Parrot()


@pytest.mark.usefixtures("rooms")
def test_two_claims_on_one_thing_are_refused_whatever_it_is() -> None:
    """A pin, a bus or a port, wherever the two are declared; a pin and a port of one number are two things."""
    double = in_kitchen(lamps={"a": {"pin": 5, "port": 8080}, "b": {"pin": 6, "port": 8080}})
    assert refusal(double) == (
        "here: tools.rooms.kitchen.lamps.b.port and tools.rooms.kitchen.lamps.a.port are both TCP port 8080; "
        "each needs one of its own"
    )
    assert "tools.rooms.kitchen.lamps.a.pin and hardware.led.pin are both GPIO 5" in refusal(
        {"hardware": {"led": {"pin": 5}}, **in_kitchen(lamps={"a": {"pin": 5}})}
    )
    configuration.parse(in_kitchen(lamps={"a": {"pin": 5, "port": 6}, "b": {"pin": 6, "port": 5}}))


# Files over files


def test_two_claims_name_both_keys_and_both_places(file: Path) -> None:
    """Whichever layers they come from."""
    more = add(file, "10-a.toml", "[hardware.button]\npin = 5\n")
    with pytest.raises(ConfigError) as caught:
        configuration.load(file)
    assert str(caught.value) == (
        f"{file}: tools.relays.light.pin and hardware.button.pin ({more}) are both GPIO 5; each needs one of its own"
    )
    with pytest.raises(ConfigError, match=r"^--set: tools\.relays\.fan\.pin and tools\.relays\.light\.pin \(.*toml\)"):
        configuration.load(file, ["hardware.button.pin=6", "tools.relays.fan.pin=5"])


def test_a_pin_of_the_board_is_refused_with_the_place_of_the_claim(file: Path) -> None:
    """And the board may come from another layer."""
    with pytest.raises(ConfigError) as caught:
        configuration.load(file, ["hardware.profile=respeaker_4mic"])
    assert str(caught.value).startswith(f"{file}: tools.relays.light.pin = 5: this board uses GPIO 5 for the power of")


# What is set, and what is not


@pytest.mark.parametrize(("written", "threshold"), [({}, None), ({"threshold": 0.5}, 0.5), ({"threshold": 0.4}, 0.4)])
def test_a_threshold_that_is_set_holds_with_every_engine(written: dict[str, float], threshold: float | None) -> None:
    """None leaves it to the engine: 0.5 can be asked for."""
    for engine in ("openwakeword", "microwakeword"):
        assert rules(configuration.parse({"wake": {"engine": engine, **written}}).wake).threshold == threshold


def test_the_board_is_a_layer_of_its_own() -> None:
    """Between what is built in and what a person says."""
    effective = configuration.read(None, ["hardware.profile=codec_zero", "audio.output=default", "hardware.led.pin=24"])
    assert effective.place("audio.input") == 'the board (hardware.profile = "codec_zero")'
    assert effective.place("audio.output") == effective.place("hardware.led.pin") == "--set"
    assert effective.config.audio.output == "default"
    assert effective.config.hardware.led.pin == 24
    assert effective.config.hardware.button.pin == 27


@pytest.mark.parametrize(
    ("conversation", "said"),
    [
        ({"persona": "butler"}, 'here: conversation.persona: there is no persona "butler"; known: none'),
        (
            {"persona": "buttler", "personas": {"butler": {}}},
            'conversation.persona: there is no persona "buttler"; known: butler',
        ),
        ({"personas": {"default": {}}}, 'conversation.personas: "default" is who answers by conversation.instructions'),
        ({"personas": {"a\nb": {}}}, "conversation.personas: a name has 1 to 40 characters, on one line"),
        ({"personas": {"a" * 41: {}}}, "conversation.personas: a name has 1 to 40 characters, on one line"),
        (
            {"personas": {"a": {"wake_word": "hey_jarvis"}, "b": {"wake_word": "hey_jarvis"}}},
            'conversation.personas: wake_word = "hey_jarvis" of "b" is that of "a" already; remove one of them',
        ),
        (
            {"personas": {"a": {"wake_word": "alexa"}}},
            'conversation.personas.a.wake_word: "alexa" is not in wake.words (hey_jarvis); remove it or add',
        ),
    ],
)
def test_a_persona_that_could_not_be_chosen_is_refused(conversation: dict[str, Any], said: str) -> None:
    """By its name, or by a wake word that nobody listens for."""
    assert said in refusal({"conversation": conversation})
