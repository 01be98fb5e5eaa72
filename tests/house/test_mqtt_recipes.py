"""What docs/mqtt.md promises, taken from the page and carried out in a whole house at a real broker."""

from __future__ import annotations

import asyncio
import json
import re
import shlex
import tomllib
from pathlib import Path

import msgspec
import pytest

from device.core.actions import Outcome, TellOutcome
from device.core.events import AnnouncementRequested, WakeWordDetected
from device.secrets import Secret
from device.tools.mqtt.link import Link
from device.tools.mqtt.settings import Mqtt
from device.units import Samples
from tests.house.cardless import CardlessHouse
from tests.house.test_mqtt import BASE, CONFIG, at_a_broker
from tests.tools.mqtt.brokers import Broker, running
from tests.tools.mqtt.recipes import PAGE, HomeAssistant, blocks, recipe
from tests.tools.mqtt.test_link import with_password
from tests.waiting import until


def announcements(house: CardlessHouse) -> list[AnnouncementRequested]:
    """Return a list that grows with what is to be said."""
    found: list[AnnouncementRequested] = []
    house.app.controller.observers.append(
        lambda what, status: found.append(what) if isinstance(what, AnnouncementRequested) else None
    )
    return found


async def test_the_washing_is_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message is what is to be said."""
    async with at_a_broker(tmp_path, monkeypatch) as (house, other, _):
        said = announcements(house)
        for action in recipe("The washing is done")["actions"]:
            HomeAssistant(other, CONFIG).act(action)
        await until(lambda: said, "the sentence")
        assert said[0].text == "The washing is done"
        assert not said[0].asks


async def test_a_button_that_lets_it_ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The question is asked; the answer comes where the automation waits for it, with what it looks at."""
    script, automation = recipe("Ask whether to close the blinds"), recipe("Close the blinds on a yes")
    (trigger,), (condition,) = automation["triggers"], automation["conditions"]
    async with at_a_broker(tmp_path, monkeypatch) as (house, other, _):
        asked = announcements(house)
        for action in script["sequence"]:
            HomeAssistant(other, CONFIG).act(action)
        await until(lambda: asked, "the question")
        assert asked[0].asks
        house.app.oversight.desk().observe(TellOutcome(asked[0].ticket, Outcome.ANSWERED, "Yes, please"), None)
        await until(lambda: other.last(trigger["topic"]), "the answer")
        answer = json.loads(other.last(trigger["topic"]) or "")
        looked_at = set(re.findall(r"payload_json\.(\w+)", condition["value_template"]))
        assert looked_at == {"question", "answer"} <= answer.keys()
        assert f"'{answer['question']}'" in condition["value_template"]
        assert "yes" in answer["answer"].lower()


async def test_mute_from_a_dashboard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And every night."""
    async with at_a_broker(tmp_path, monkeypatch) as (house, other, _):
        home = HomeAssistant(other, CONFIG)
        card = recipe("Microphone closed")
        assert home.entities[card["entity"]]["platform"] == "switch"
        for action in recipe("No microphone at night")["actions"]:
            home.act(action)
        await until(lambda: house.app.microphone.is_closed, "a closed microphone")
        await other.sees(f"{BASE}/mute", "ON")


async def test_the_radio_is_turned_down(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the automation waits for comes with the wake word."""
    (trigger,) = recipe("Radio down for the speaker")["triggers"]
    async with at_a_broker(tmp_path, monkeypatch) as (house, other, _):
        house.app.controller.post(WakeWordDetected("hey_jarvis", 0.9, Samples(0)))
        await until(lambda: other.last(trigger["topic"]), "the wake word")


async def test_the_entities_are_called_what_the_page_calls_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All that it names, in its table and in its recipes."""
    named = set(re.findall(r"\b[a-z_]+\.kitchen_[a-z_]+", PAGE.read_text(encoding="utf-8")))
    async with at_a_broker(tmp_path, monkeypatch) as (_, other, _):
        here = HomeAssistant(other, CONFIG).entities.keys()
        assert here - named <= {f"sensor.kitchen_{key}" for key in ("cpu", "memory", "temperature", "cost")}
        # This house has no button, and nothing to choose from.
        assert named - here == {"event.kitchen_button", "select.kitchen_persona", "select.kitchen_wakes_on"}


async def test_without_home_assistant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The topics and payloads of the commands, as a shell reads them."""
    commands = [shlex.split(line) for block in blocks("sh") for line in block.splitlines() if "mosquitto_" in line]
    published = [(words[words.index("-t") + 1], words[words.index("-m") + 1]) for words in commands if "-m" in words]
    async with at_a_broker(tmp_path, monkeypatch) as (house, other, _):
        said = announcements(house)
        for topic, payload in published:
            other.publish(topic, payload)
        await until(lambda: len(said) == 2, "both sentences")
        assert [(one.text, one.urgent) for one in said] == [("Dinner is ready", False), ("Water in the cellar!", True)]
        await other.sees(f"{BASE}/mute", "ON")


async def test_a_broker_with_passwords_and_an_access_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The speaker gets by with what the list allows it: it can say all that it has to, and hear what it must."""
    (configuration,), (access,) = blocks("conf"), blocks("acl")
    passwords = with_password(tmp_path, ("kitchen", "secret-1"), ("homeassistant", "secret-2"))
    (tmp_path / "access").write_text(access)
    (tmp_path / "access").chmod(0o600)
    lines = configuration.replace("/etc/mosquitto/passwords", str(passwords))
    lines = lines.replace("/etc/mosquitto/access", str(tmp_path / "access"))
    own = [line for line in lines.splitlines() if not line.startswith(("listener", "allow_anonymous"))]
    assert "allow_anonymous false" in configuration
    with Broker(tmp_path, *own, anonymous=False) as broker:
        asked = {"host": "127.0.0.1", "port": broker.port}
        home = Link(msgspec.convert({**asked, "id": "ha", "username": "homeassistant"}, Mqtt), Secret("secret-2"))
        link = Link(msgspec.convert({**asked, "id": "kitchen", "username": "kitchen"}, Mqtt), Secret("secret-1"))
        heard: list[str] = []
        link.subscribe(f"{BASE}/say", lambda message: heard.append(message.topic))
        link.subscribe("homeassistant/status", lambda message: heard.append(message.topic))
        home.subscribe("#", lambda message: heard.append(f"home {message.topic}"))
        async with running(home), running(link):
            link.publish(CONFIG, "{}", retain=True)
            link.publish(f"{BASE}/state", "idle", retain=True)
            home.publish(f"{BASE}/say", "Hello")
            home.publish("homeassistant/status", "online")
            wanted = {f"{BASE}/say", "homeassistant/status", f"home {CONFIG}", f"home {BASE}/state"}
            await until(lambda: wanted <= set(heard), "all that is allowed")
            await asyncio.sleep(0)
            assert link.health()[0].ok
            link.publish("zigbee2mqtt/lock/set", "UNLOCK")
            await until(lambda: not link.health()[0].ok, "the refusal")
            assert "home zigbee2mqtt/lock/set" not in heard


def test_the_examples_of_the_configuration_are_what_they_say() -> None:
    """A name and a password in the house; TLS with an authority of one's own."""
    plain, encrypted = (
        tomllib.loads(block)["tools"]["mqtt"]
        for block in re.findall(r"^ *```toml\n(.*?)^ *```", PAGE.read_text(encoding="utf-8"), re.S | re.M)
    )
    assert msgspec.convert(plain, Mqtt).id == "kitchen"
    assert msgspec.convert(encrypted, Mqtt).tls
