"""The recipes of docs/mqtt.md, and as much of Home Assistant as carries them out."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import yaml

from tests.tools.mqtt.brokers import Onlooker

PAGE = Path(__file__).parents[3] / "docs" / "mqtt.md"


def blocks(language: str) -> list[str]:
    """Return the examples in a language, in the order of the page."""
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.S | re.M)


def recipe(alias: str) -> dict[str, Any]:
    """Return the script, automation or card of this name."""
    found = [yaml.safe_load(block) for block in blocks("yaml")]
    return next(one for one in found if alias in (one.get("alias"), one.get("name")))


class HomeAssistant:
    """Knows the entities that it was told of on the broker, and does what an action does with them."""

    def __init__(self, other: Onlooker, config_topic: str) -> None:
        self._other = other
        told = json.loads(other.last(config_topic) or "{}")
        components = told["components"].values()
        self.entities = {one["default_entity_id"]: one for one in components if "default_entity_id" in one}

    def act(self, action: dict[str, Any]) -> None:
        """Do one action of a recipe with an entity of this device."""
        entity = self.entities[action["target"]["entity_id"]]
        data = action.get("data", {})
        payload = {
            "notify.send_message": lambda: data["message"],
            "text.set_value": lambda: data["value"],
            "number.set_value": lambda: str(data["value"]),
            "switch.turn_on": lambda: "ON",
            "switch.turn_off": lambda: "OFF",
        }[action["action"]]()
        assert action["action"].partition(".")[0] == entity["platform"]
        self._other.publish(entity["command_topic"], payload)
