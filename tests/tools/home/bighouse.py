"""The house of bighouse.toml, the requests of requests.toml, and what came of a request."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import msgspec

from device.errors import ToolError
from device.ports.home import Call, Place, Rules, Thing
from device.ports.tools import Tool
from device.tools.budget import as_sent
from device.tools.clock import clock_tool
from device.tools.home.orders import Wish, call_for
from device.tools.home.tools import home_tools
from device.tools.registry import Registry
from device.tools.timers.tools import timer_tools
from device.tools.volume import volume_tool
from tests.tools.home.brain import Brain

HERE = Path(__file__).parent


def _read_house() -> tuple[Thing, ...]:
    read = tomllib.loads((HERE / "bighouse.toml").read_text())
    floors = {key: (name, *others) for key, name, others in read["floors"]}
    places = {key: Place(key, (name, *others), floors[floor]) for key, name, floor, others in read["areas"]}
    return tuple(
        Thing(key, (name, *others), places.get(area), state, attributes, "the house")
        for key, name, area, state, others, attributes in read["things"]
    )


THINGS = _read_house()
BY_ID = {thing.id: thing for thing in THINGS}
PLACES = {thing.place.id: thing.place for thing in THINGS if thing.place is not None}
REQUESTS: list[dict[str, Any]] = tomllib.loads((HERE / "requests.toml").read_text())["request"]
MOST_TOLD = 5
"""So many things may be told in answer to a question about one of them: a model picks it out."""


@dataclass
class House:
    """Has those things, and notes what it is told to do."""

    rules: Rules
    name: str = "the house"
    is_connected: bool = True
    things: tuple[Thing, ...] = THINGS
    calls: dict[str, Call] = field(default_factory=dict)

    async def call(self, things: tuple[Thing, ...], call: Call) -> tuple[Thing, ...]:
        """See Source."""
        self.calls.update({thing.id: call for thing in things})
        return ()


def tools_at(house: House) -> Registry:
    """Return the tools of a device in that house: those for it, and those that every device has."""
    tools: list[Tool[Any]] = [*home_tools([house]), clock_tool(), *timer_tools(Mock()), volume_tool(Mock())]
    return Registry(tools, 5)


def sent(registry: Registry) -> bytes:
    """Return `session.tools`."""
    return msgspec.json.encode([as_sent(spec) for spec in registry.tell().specs])


@dataclass(frozen=True)
class Came:
    """What came of a request."""

    right: bool
    called: tuple[str, dict[str, Any]]
    done: Mapping[str, Call]
    answer: str


async def outcome(request: dict[str, Any]) -> Came:
    """Ask it where it was asked."""
    house = House(Rules(area=PLACES[request["at"]].name))
    registry = tools_at(house)
    name, arguments = Brain(json.loads(sent(registry))).call(request["says"])
    try:
        answer = await registry.call(name, json.dumps(arguments))
    except ToolError as error:
        answer = str(error)
    return Came(_is_right(request, name, house.calls, answer), (name, arguments), house.calls, answer)


def _is_right(request: dict[str, Any], tool: str, calls: Mapping[str, Call], answer: str) -> bool:
    if "does" in request:
        wish = Wish(action=request["does"], **request.get("with", {}))
        return calls == {thing.id: call_for(thing, wish) for thing in _meant(request["to"])}
    if calls:
        return False
    if request.get("none"):
        return answer.startswith("nothing is called")
    if "asks" in request:
        return answer.startswith("which one?") and _named(answer) == set(request["asks"])
    told = {line.partition(": ")[0] for line in answer.splitlines()}
    return tool == "home_find" and len(told) <= MOST_TOLD and {_shown(BY_ID[key]) for key in request["tells"]} <= told


def _meant(ids: list[str]) -> list[Thing]:
    """Return the things; "*light" stands for all lights."""
    return [thing for thing in THINGS if thing.id in ids or f"*{thing.domain}" in ids]


def _named(answer: str) -> set[str]:
    return {thing.id for thing in THINGS if _shown(thing) in answer}


def _shown(thing: Thing) -> str:
    return f"{thing.name} ({thing.domain.replace('_', ' ')}{', ' + thing.place.name if thing.place else ''})"
