"""The same few tools, whatever source has the things."""

from __future__ import annotations

import json

import pytest

from device.core.events import Way
from device.errors import ToolError
from device.ports.home import Place, Rules, Thing
from device.ports.tools import Confirmation, UnconfirmedError
from device.tools.home.tools import home_tools
from device.tools.registry import Registry
from tests.tools.home.sources import FakeSource

KITCHEN = Place("kitchen", ("Kitchen",))
BED = Place("bed", ("Bedroom",))


def thing(source: str, key: str, name: str, place: Place | None = None, state: str = "off") -> Thing:
    """Return one."""
    return Thing(key, (name,), place, state, source=source)


def a_server(**more: object) -> FakeSource:
    """Return a source with a light and a lock."""
    things = (thing("Server", "light.a", "Ceiling", KITCHEN), thing("Server", "lock.front", "Front Door", None))
    return FakeSource("Server", things, **more)  # type: ignore[arg-type]


def a_broker(**more: object) -> FakeSource:
    """Return another, with some of the same names."""
    things = (
        thing("Broker", "light.1", "ceiling"),
        thing("Broker", "light.2", "Counter", KITCHEN),
        thing("Broker", "light.3", "Ceiling", BED, "on"),
        thing("Broker", "lock.4", "Shed"),
    )
    return FakeSource("Broker", things, **more)  # type: ignore[arg-type]


async def do(tool: str, *sources: FakeSource, confirmed: bool = False, **arguments: object) -> str:
    """Call a tool as the model does."""
    return await Registry(home_tools(sources), 5).call(tool, json.dumps(arguments), confirmed)


async def test_words_reach_the_things_of_every_source() -> None:
    """What both have in one room, or in one that one of them does not know, is there once, from the first."""
    server, broker = a_server(), a_broker()
    told = await do("home_control", server, broker, what="lights", room="kitchen", action="on")
    assert told == "Done: Ceiling (light, Kitchen), Counter (light, Kitchen)"
    assert server.calls == [("turn_on", ("light.a",))]
    assert broker.calls == [("turn_on", ("light.2",))]
    assert await do("home_find", server, broker, what="ceiling", room="bedroom") == "Ceiling (light, Bedroom): on"
    assert (await do("home_find", server, broker)).count("eiling") == 2


async def test_what_a_source_that_is_away_has_is_found_at_the_other() -> None:
    """And what nobody has then is told with who is away."""
    server, broker = a_server(is_connected=False), a_broker()
    with pytest.raises(ToolError, match=r"ceiling \(light\), Ceiling \(light, Bedroom\)"):
        await do("home_control", server, broker, what="ceiling", action="off")
    with pytest.raises(ToolError, match=r"nothing is called.*Server cannot be reached at the moment"):
        await do("home_control", server, broker, what="garage", action="off")
    broker.is_connected = False
    for tool in ("home_find", "home_control"):
        with pytest.raises(ToolError, match="Server and Broker cannot be reached at the moment"):
            await do(tool, server, broker, what="ceiling", **({"action": "on"} if tool == "home_control" else {}))


async def test_what_does_not_answer_is_told_apart() -> None:
    """And so is what was refused, beside what was done."""
    server, broker = a_server(), a_broker(silent=("light.2",))
    told = await do("home_control", server, broker, what="kitchen lights", action="on")
    assert told == (
        "Done: Ceiling (light, Kitchen). Sent, but it has not answered, so it may not be done: Counter (light, Kitchen)"
    )
    server.refuses = "no power"
    with pytest.raises(ToolError, match=r"^no power\. Sent, but it has not answered.*Counter"):
        await do("home_control", server, broker, what="kitchen lights", action="on")


async def test_each_source_has_its_own_rules_for_a_yes() -> None:
    """A press where one of them wants that; nothing at all where nobody could say yes for one of them."""
    press, yes = Rules(confirm=Way.PRESS, confirm_for=("lock",)), Rules(confirm=Way.YES, confirm_for=("lock",))
    server, broker = a_server(rules=press), a_broker(rules=yes)
    with pytest.raises(UnconfirmedError) as asked:
        await do("home_control", server, broker, what="all locks", room="everywhere", action="unlock")
    things = '[["Server","lock.front"],["Broker","lock.4"]]'
    bound = f'{{"action":"unlock","what":"all locks","room":"everywhere","things":{things}}}'
    assert asked.value.confirmation == Confirmation(Way.PRESS, "unlock Front Door and Shed", bound)
    with pytest.raises(UnconfirmedError) as asked:
        await do("home_control", server, broker, what="shed", action="unlock")
    bound = '{"action":"unlock","what":"shed","things":[["Broker","lock.4"]]}'
    assert asked.value.confirmation == Confirmation(Way.YES, "unlock Shed", bound)
    broker.rules = Rules(confirm_for=("lock",), key="tools.broker.confirm")
    for confirmed in (False, True):
        with pytest.raises(ToolError, match=r"Shed: to unlock it by voice.*tools\.broker\.confirm"):
            await do("home_control", server, broker, confirmed=confirmed, what="all locks", action="unlock")
    assert server.calls == broker.calls == []


async def test_the_room_of_the_device_decides() -> None:
    """Whichever source it was said for."""
    server, broker = a_server(), a_broker(rules=Rules(area="Bedroom"))
    await do("home_control", server, broker, what="ceiling", action="off")
    assert broker.calls == [("turn_off", ("light.3",))]
