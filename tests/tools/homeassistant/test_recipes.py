"""The recipes of docs/home-assistant.md, taken from the page: house, configuration, words, and what must happen."""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from device.errors import ToolError
from device.ports.tools import UnconfirmedError
from device.sim.home.homeassistant import Entity, ServiceCall, SimulatedHome
from device.tools.home.tools import home_tools
from device.tools.registry import Registry
from tests.tools.home.bighouse import sent
from tests.tools.home.brain import Brain
from tests.tools.homeassistant.homes import linked

PAGE = (Path(__file__).parents[3] / "docs" / "home-assistant.md").read_text(encoding="utf-8")
SECTION = PAGE.partition("\n## What you can say\n")[2].partition("\n## ")[0]

HAS: dict[str, dict[str, Any]] = {
    "brightness": {"supported_color_modes": ["brightness"]},
    "brightness, colour": {"supported_color_modes": ["color_temp", "rgb"]},
    "speed": {"percentage": 20},
    "position": {"current_position": 100},
    "temperature": {"temperature": 20, "current_temperature": 19},
    "volume": {"volume_level": 0.5},
    "degrees": {"unit_of_measurement": "°C", "device_class": "temperature"},
    "": {},
}
STATES = {"cover": "open", "climate": "heat", "lock": "locked", "sensor": "7.5", "scene": "unknown"}


@dataclass(frozen=True)
class Recipe:
    """A sentence, under which configuration, and what must come of it."""

    says: str
    settings: dict[str, Any]
    call: ServiceCall | None
    is_confirmed: bool
    told: str


def rows(text: str) -> list[list[str]]:
    """Return the rows of tables, without their heads."""
    lines = [line.strip("|").split("|") for line in text.splitlines() if line.startswith("|")]
    heads = {at for at, cells in enumerate(lines) if set(cells[0].strip()) == {"-"}}
    return [
        [cell.strip() for cell in cells] for at, cells in enumerate(lines) if at not in heads and at + 1 not in heads
    ]


def settings_in(text: str) -> dict[str, Any] | None:
    """Return the configuration that stands there, if one does."""
    found = re.search(r"```toml\n(.*?)```", text, re.DOTALL)
    return tomllib.loads(found[1])["tools"]["home_assistant"] if found else None


def recipe(says: str, happens: str, settings: dict[str, Any]) -> Recipe:
    """Understand a row: `service` for `entity`, `entity` with `data`; or what the model is told."""
    spans = re.findall(r"`([^`]+)`", happens)
    told = re.search(r'the model is told: "(.*)"$', happens)
    assert bool(spans) != bool(told), happens
    data = json.loads(spans.pop()) if spans and spans[-1].startswith("{") else {}
    call = ServiceCall(spans[0], tuple(spans[1:]), data) if spans else None
    return Recipe(says.strip('"'), settings, call, "after a press" in happens, told[1] if told else "")


HOUSE, *PARTS = re.split(r"^### .+$", SECTION, flags=re.MULTILINE)
USUAL = settings_in(HOUSE) or {}
RECIPES = [recipe(says, happens, settings_in(part) or USUAL) for part in PARTS for says, happens in rows(part)]


def the_house() -> SimulatedHome:
    """Return the one of the page."""
    entities, areas = {}, {}
    for entity, name, other, room, has in rows(HOUSE):
        area = room.casefold().replace(" ", "_") or None
        if area:
            areas[area] = room
        key = entity.strip("`")
        state = STATES.get(key.partition(".")[0], "off")
        entities[key] = Entity(name, state, area, (other,) if other else (), attributes=dict(HAS[has]))
    return SimulatedHome(entities, areas)


def test_the_page_has_recipes() -> None:
    """And every row of it is one."""
    assert len(rows(HOUSE)) == 14
    assert len(RECIPES) == len(re.findall(r'^\| "', SECTION, re.MULTILINE)) > 20


@pytest.mark.parametrize("recipe", RECIPES, ids=[f"{one.says} {at}" for at, one in enumerate(RECIPES)])
async def test_a_recipe_does_what_the_page_says(recipe: Recipe) -> None:
    """By the words alone, through a model that knows nothing but what it is told."""
    settings = {key: value for key, value in recipe.settings.items() if key != "url"}
    async with the_house() as home, linked(home, **settings) as link:
        registry = Registry(home_tools([link]), 5)
        name, arguments = Brain(json.loads(sent(registry))).call(recipe.says)
        try:
            told = await registry.call(name, json.dumps(arguments))
        except UnconfirmedError as asked:
            assert recipe.is_confirmed
            assert home.calls == []
            told = await registry.call(name, asked.confirmation.arguments, confirmed=True)
        except ToolError as error:
            told = str(error)
        assert recipe.told in told
        assert sorted_by_entity(home.calls) == ([recipe.call] if recipe.call else [])


def sorted_by_entity(calls: list[ServiceCall]) -> list[ServiceCall]:
    """Return calls with their entities in the order of the page."""
    return [ServiceCall(call.service, tuple(sorted(call.entities)), call.data) for call in calls]
