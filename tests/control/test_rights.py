"""What agents may ask for, and what only people may: decided by the socket, whoever is at it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_args

import pytest

from device.control import messages
from device.control.agents.offers import OFFERS
from device.control.messages import AnyRequest
from device.control.rights import Right, refusal
from device.core.events import MuteRequested
from tests.control.house import FakeHouse, connected, serving

ARGUMENTS: dict[str, dict[str, Any]] = {
    "say": {"text": "Dinner."},
    "ask": {"text": "Now?"},
    "cancel_timer": {"name": "pasta"},
    "call_tool": {"name": "set_timer"},
}
ALL = [
    {"do": kind.__struct_config__.tag, **ARGUMENTS.get(kind.__struct_config__.tag, {})} for kind in get_args(AnyRequest)
]
FOR_AGENTS = {"status", "mute", "stop", "volume", "say", "ask", "timers", "cancel_timer", "call_tool"}
FOR_PEOPLE: list[dict[str, Any]] = [
    *(order for order in ALL if order["do"] not in FOR_AGENTS),
    {"do": "persona", "name": "butler"},
    {"do": "wake_word", "word": "alexa"},
    {"do": "say", "text": "Dinner.", "urgent": True},
    {"do": "say", "text": "Dinner.", "voice": "provider"},
    {"do": "ask", "text": "Now?", "urgent": True},
    {"do": "call_tool", "name": "control_home", "arguments": "{}"},
    {"do": "call_tool", "name": "get_time"},
]


def decoded(order: dict[str, Any]) -> AnyRequest:
    """Return the request, as it comes over a socket."""
    return messages.decode(json.dumps({"id": 1, **order}).encode())


@pytest.mark.parametrize("order", ALL, ids=lambda order: order["do"])
def test_people_may_ask_for_everything_and_agents_for_what_is_named(order: dict[str, Any]) -> None:
    """Whatever is thought of later is for people."""
    assert refusal(Right.PERSON, decoded(order)) == ""
    assert (refusal(Right.AGENT, decoded(order)) == "") == (order["do"] in FOR_AGENTS)


@pytest.mark.parametrize("order", FOR_PEOPLE, ids=json.dumps)
def test_what_agents_never_do_is_refused_with_the_reason(order: dict[str, Any]) -> None:
    """Unmuting above all."""
    assert refusal(Right.PERSON, decoded(order)) == ""
    assert refusal(Right.AGENT, decoded(order)).startswith("not done: ")


@pytest.mark.parametrize("offer", OFFERS, ids=lambda offer: offer.name)
def test_all_that_agents_are_offered_may_be_asked_for(offer: Any) -> None:
    """Neither list goes without the other."""
    given = {"text": "Dinner.", "percent": 40, "name": "pasta", "seconds": 60}
    fields = offer.arguments.__struct_fields__
    order = offer.order_of({name: value for name, value in given.items() if name in fields})
    assert refusal(Right.AGENT, decoded(order)) == ""


async def test_over_the_socket_of_agents_nobody_unmutes(folder: Path) -> None:
    """It is the daemon that refuses: whoever took over the process of the agents speaks to it as he likes."""
    house = FakeHouse()
    async with serving(folder, house), connected(folder / "agents") as agent, connected(folder) as person:
        assert (await agent.ask("mute"))["result"] == {"muted": True}
        for order in FOR_PEOPLE:
            answer = await agent.ask(**order)
            assert (answer["ok"], answer["error"][:10]) == (False, "not done: "), order
        assert (await agent.ask("status"))["result"]["state"] == "muted"
        assert house.facts == [MuteRequested()]
        assert (house.persona, house.wake_word) == ("default", "all")
        assert (await person.ask("unmute"))["result"] == {"muted": False}


async def test_agents_take_no_place_of_people(folder: Path) -> None:
    """Whoever is let go for another is one of them: nobody is kept from muting."""
    async with serving(folder, FakeHouse()), connected(folder) as person:
        for _ in range(40):
            async with connected(folder / "agents") as agent:
                assert (await agent.ask("status"))["ok"]
        assert (await person.ask("status"))["ok"]
