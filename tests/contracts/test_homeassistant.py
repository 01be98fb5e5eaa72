"""What every Home Assistant does, as far as the device uses it: the simulated one, and (marked `system`) the real one.

Somebody who lives there changes things over the same WebSocket API; the device's link and its tools must know.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from msgspec import convert

from device.errors import ToolError
from device.kit import backoff
from device.ports.home import Call, Place
from device.secrets import Secret
from device.tools.home.tools import home_tools
from device.tools.homeassistant import connection
from device.tools.homeassistant import link as module
from device.tools.homeassistant.link import Link
from device.tools.homeassistant.settings import HomeAssistant
from device.tools.registry import Registry
from tests.tools.homeassistant.owner import Owner, OwnerError, owner_of
from tests.tools.homeassistant.process import HomeProcess, SimulatedProcess
from tests.tools.homeassistant.trouble import Model, Trouble, suffer
from tests.waiting import until

EXPOSED = {
    "light.bed_light",
    "light.ceiling_lights",
    "light.kitchen_lights",
    "switch.ac",
    "cover.hall_window",
    "cover.garage_door",
    "climate.heatpump",
    "lock.front_door",
    "fan.living_room_fan",
    "media_player.walkman",
    "sensor.outside_temperature",
    "scene.movie_night",
    "script.good_night",
}
ROOMS = {"light.bed_light": "bedroom", "light.kitchen_lights": "kitchen", "cover.hall_window": "living_room"}
LIMIT_S = 60.0
_numbers = itertools.count(1)


@pytest.fixture(scope="module", params=["simulated", pytest.param("real", marks=pytest.mark.system)])
def home(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[HomeProcess]:
    """A Home Assistant that runs, with the house of its integration `demo`."""
    folder = tmp_path_factory.mktemp("home")
    with _process(request.param, folder) as process:
        yield process


@pytest.fixture(autouse=True)
def _runs(home: HomeProcess) -> None:
    """A test that failed may have left it ended or frozen, and the next one does not have to pay for that."""
    home.see_that_it_runs()


def _process(kind: str, folder: Path) -> HomeProcess:
    if kind == "simulated":
        return SimulatedProcess(folder / "log")
    from tests.system.homeassistant import RealHome

    return RealHome(folder / "config")


@pytest.fixture
async def owner(home: HomeProcess) -> AsyncIterator[Owner]:
    """Somebody who lives there, and has just put the house in order."""
    async with owner_of(home.url, home.token) as owner:
        await _put_in_order(owner)
        yield owner


async def _put_in_order(owner: Owner) -> None:
    with contextlib.suppress(OwnerError):
        await owner.command("config/floor_registry/create", name="Upstairs", aliases=["First floor"])
    await owner.command("config/area_registry/update", area_id="bedroom", floor_id="upstairs", aliases=["Chamber"])
    await until_async(lambda: _has(owner, EXPOSED), "all of the house")
    for entity, room in ROOMS.items():
        await owner.device(entity, area_id=room)
    await owner.device("light.ceiling_lights", name_by_user=None)
    about = {"entity_id": "light.bed_light", "aliases": [None, "Reading lamp"]}
    await owner.command("config/entity_registry/update", **about)
    await owner.expose(*(await owner.exposed() - EXPOSED), exposed=False)
    await owner.expose(*EXPOSED)
    for light in ("bed_light", "ceiling_lights", "kitchen_lights"):
        await owner.call("light.turn_off", f"light.{light}")
    await owner.call("cover.set_cover_position", "cover.hall_window", position=30)
    await owner.call("climate.set_temperature", "climate.heatpump", temperature=20)
    # The real one's moves, and obeys only the first of two orders.
    await until_async(lambda: _is_open(owner, 30), "a window that has stopped")


async def _has(owner: Owner, entities: set[str]) -> bool:
    return entities <= (await owner.states()).keys()


async def _is_open(owner: Owner, percent: int) -> bool:
    told = await owner.state("cover.hall_window")
    return told["attributes"]["current_position"] == percent and told["state"] == "open"


async def until_async(condition: Any, what: str) -> None:
    """Wait until it holds; each look asks Home Assistant."""
    async with asyncio.timeout(LIMIT_S):
        while not await condition():
            await asyncio.sleep(0.02)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for minutes in a test."""
    monkeypatch.setattr(backoff, "LONGEST_PAUSE_S", 0.05)
    monkeypatch.setattr(module, "SETTLE_S", 0.05)
    monkeypatch.setattr(module, "LOOK_S", 0.05)


@asynccontextmanager
async def running(home: HomeProcess, token: str = "", **settings: object) -> AsyncIterator[Link]:
    """Connect a device, and do not wait."""
    link = Link(convert({"url": home.url, **settings}, HomeAssistant), Secret(token or home.token))
    task = asyncio.create_task(link.run())
    try:
        yield link
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


@pytest.fixture
async def link(home: HomeProcess, owner: Owner) -> AsyncIterator[Link]:
    """A device that is connected, and knows what is exposed."""
    async with running(home) as link:
        await until(lambda: link.is_connected and ids(link) == EXPOSED, "what is exposed", LIMIT_S)
        yield link


def ids(link: Link) -> set[str]:
    """Return what the device knows."""
    return {thing.id for thing in link.things}


async def do(link: Link, tool: str, **arguments: object) -> str:
    """Call a tool as the model does."""
    return await Registry(home_tools([link]), 60).call(tool, json.dumps(arguments))


async def test_what_is_exposed_is_known_with_its_places_and_names(link: Link) -> None:
    """Floors, aliases of all kinds, and where the device of a thing is."""
    bed = link.things.get("light.bed_light")
    assert bed is not None
    assert bed.names == ("Bed Light", "Reading lamp")
    assert bed.place == Place("bedroom", ("Bedroom", "Chamber"), ("Upstairs", "First floor"))
    assert [part.ok for part in link.health()] == [True]
    assert await do(link, "home_find", what="reading lamp", room="first floor") == "Bed Light (light, Bedroom): off"
    assert await do(link, "home_find", what="outside temperature") == "Outside Temperature (sensor): 15.6 °C"


async def test_a_token_that_is_refused_is_told(home: HomeProcess) -> None:
    """With what to do."""
    async with running(home, "of-somebody-else") as link:
        await until(lambda: not link.health()[0].ok, "the refusal")
        assert "refuses this device's token" in link.health()[0].why
        assert "new token" in link.health()[0].what_to_do


async def test_who_is_no_administrator_is_told_so(home: HomeProcess) -> None:
    """Only those may see what is exposed."""
    async with running(home, home.guest_token) as link:
        await until(lambda: not link.health()[0].ok, "the refusal")
        assert "administrator" in link.health()[0].what_to_do


async def test_who_is_no_administrator_uses_what_is_allowed(home: HomeProcess, owner: Owner) -> None:
    """Exposed or not, and hears what changes in the registries."""
    await owner.expose("light.bed_light", exposed=False)
    async with running(home, home.guest_token, exposed_only=False, allow=["light", "kitchen"]) as link:
        await until(lambda: link.is_connected and "light.bed_light" in ids(link), "what is allowed", LIMIT_S)
        assert all(entity.startswith("light.") for entity in ids(link))
        await do(link, "home_control", what="bed light", action="on")
        assert (await owner.state("light.bed_light"))["state"] == "on"
        await owner.device("light.ceiling_lights", name_by_user="Chandelier")
        await until(lambda: _name(link, "light.ceiling_lights") == "Chandelier", "the new name")


WANTED: list[tuple[dict[str, Any], str, dict[str, Any]]] = [
    ({"what": "bed light", "action": "on"}, "light.bed_light", {"state": "on"}),
    ({"what": "lights", "room": "bedroom", "action": "toggle"}, "light.bed_light", {"state": "on"}),
    ({"what": "bed light", "action": "set", "brightness": 30}, "light.bed_light", {"brightness": 76}),
    ({"what": "bed light", "action": "set", "colour": "red"}, "light.bed_light", {"rgb_color": [255, 0, 0]}),
    ({"what": "bed light", "action": "on", "colour": "warm white"}, "light.bed_light", {"color_temp_kelvin": 2700}),
    ({"what": "heatpump", "action": "set", "temperature": 22.5}, "climate.heatpump", {"temperature": 22.5}),
    ({"what": "hall window", "action": "set", "position": 40}, "cover.hall_window", {"current_position": 40}),
    ({"what": "hall window", "action": "close"}, "cover.hall_window", {"state": "closed"}),
    ({"what": "front door", "action": "lock"}, "lock.front_door", {"state": "locked"}),
    ({"what": "living room fan", "action": "set", "speed": 40}, "fan.living_room_fan", {"percentage": 40}),
    ({"what": "walkman", "action": "set", "volume": 40}, "media_player.walkman", {"volume_level": 0.4}),
    ({"what": "movie night", "action": "run"}, "light.bed_light", {"state": "on", "brightness": 50}),
]


@pytest.mark.parametrize(("arguments", "entity", "expected"), WANTED, ids=[str(one[0]) for one in WANTED])
async def test_what_is_wanted_comes_about(
    link: Link, owner: Owner, arguments: dict[str, Any], entity: str, expected: dict[str, Any]
) -> None:
    """There, and the device is told of it."""

    async def has_come_about() -> bool:
        told = await owner.state(entity)
        return {**told["attributes"], "state": told["state"]}.items() >= expected.items()

    if entity == "lock.front_door":
        await owner.call("lock.unlock", entity)
    assert (await do(link, "home_control", **arguments)).startswith("Done: ")
    await until_async(has_come_about, "what is wanted")
    thing = link.things.get(entity)
    assert thing is not None
    await until(lambda: _known(link, entity).items() >= expected.items(), "what the device knows of it")


def _known(link: Link, entity: str) -> dict[str, Any]:
    thing = link.things.get(entity)
    return {**thing.attributes, "state": thing.state} if thing else {}


def _name(link: Link, entity: str) -> str:
    thing = link.things.get(entity)
    return thing.name if thing else ""


async def test_a_script_is_run(link: Link, owner: Owner) -> None:
    """It turns the light off."""
    await owner.call("light.turn_on", "light.bed_light")
    await do(link, "home_control", what="good night", action="run")
    await until(lambda: _known(link, "light.bed_light")["state"] == "off", "the dark")


async def test_what_somebody_else_does_is_known(link: Link, owner: Owner) -> None:
    """And an attribute that is not there any more is not told."""
    await owner.call("light.turn_on", "light.bed_light", brightness_pct=60)
    await until(lambda: _known(link, "light.bed_light").get("brightness") == 153, "the light")
    assert "on, brightness 60 percent" in await do(link, "home_find", what="bed light")
    await owner.call("light.turn_off", "light.bed_light")
    await until(lambda: _known(link, "light.bed_light")["state"] == "off", "the dark")
    assert await do(link, "home_find", what="bed light") == "Bed Light (light, Bedroom): off"


async def test_what_is_added_is_known_once_it_is_exposed(link: Link, owner: Owner) -> None:
    """And can be used; what is no longer exposed cannot."""
    name = f"Night mode {next(_numbers)}"
    entity = "input_boolean." + (await owner.command("input_boolean/create", name=name))["id"]
    await until_async(lambda: _has(owner, {entity}), "what was added")
    assert entity not in ids(link)
    await owner.expose(entity)
    await until(lambda: entity in ids(link), "what is exposed")
    await do(link, "home_control", what=name, action="on")
    assert (await owner.state(entity))["state"] == "on"
    await owner.expose(entity, exposed=False)
    await until(lambda: entity not in ids(link), "its end")
    assert "nothing is called" in await do(link, "home_find", what=name)


async def test_new_names_and_rooms_are_known(link: Link, owner: Owner) -> None:
    """Of a device, of an entity, and of a room."""
    await owner.device("light.ceiling_lights", name_by_user="Chandelier", area_id="living_room")
    await until(lambda: "Ceiling" not in _name(link, "light.ceiling_lights"), "the new name")
    about = {"entity_id": "light.ceiling_lights", "aliases": [None, "Lustre"]}
    await owner.command("config/entity_registry/update", **about)
    await owner.command("config/area_registry/update", area_id="living_room", name="Parlour")
    try:
        expected = "Chandelier (light, Parlour): off"
        await until_async(lambda: _is_told(link, "lustre", expected), "the new names")
    finally:
        await owner.command("config/area_registry/update", area_id="living_room", name="Living Room")
        await owner.command("config/entity_registry/update", entity_id="light.ceiling_lights", aliases=[None])


async def _is_told(link: Link, what: str, expected: str) -> bool:
    return await do(link, "home_find", what=what) == expected


async def test_what_files_hold_is_not_announced_and_found_out_all_the_same(
    link: Link, owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A scene without an id of its own: the registries do not know it."""
    monkeypatch.setattr(module, "AGAIN_S", 0.1)
    await owner.expose("light.ceiling_lights", exposed=False)
    await until(lambda: "light.ceiling_lights" not in ids(link), "the first look")
    await owner.expose("scene.movie_night", exposed=False)
    await until(lambda: "scene.movie_night" not in ids(link), "its end")


@pytest.mark.parametrize(
    ("call", "entity", "said"),
    [
        (Call("light", "sing"), "light.bed_light", "Service light.sing not found"),
        (Call("light", "turn_on", {"brightness_pct": 300}), "light.bed_light", "expected a percentage"),
        (
            Call("climate", "set_temperature", {"temperature": 99}),
            "climate.heatpump",
            "is not valid. Accepted range is",
        ),
        (Call("cover", "set_cover_position", {"position": 40}), "cover.garage_door", "does not support action"),
    ],
)
async def test_what_is_refused_is_told_with_the_reason(link: Link, call: Call, entity: str, said: str) -> None:
    """In its own words."""
    thing = link.things.get(entity)
    assert thing is not None
    with pytest.raises(ToolError, match=f"refused it: .*{said}"):
        await link.call((thing,), call)


async def test_its_own_assistant_is_asked(link: Link, owner: Owner) -> None:
    """It does what it understands, and says what it does not."""
    assert await link.converse("turn on the kitchen lights") == "Turned on the light"
    assert (await owner.state("light.kitchen_lights"))["state"] == "on"
    assert await link.converse("sing me a song") == "Sorry, I couldn't understand that"


async def test_one_that_hangs_is_told_of_and_used_again(
    home: HomeProcess, link: Link, owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Within the limit; and without a new connection when it goes on."""
    home.freeze()
    try:
        monkeypatch.setattr(connection, "ANSWER_LIMIT_S", 0.2)
        with pytest.raises(ToolError, match="does not answer"):
            await do(link, "home_control", what="bed light", action="on")
        monkeypatch.undo()
    finally:
        home.thaw()
    assert (await do(link, "home_control", what="kitchen lights", action="on")).startswith("Done")
    assert (await owner.state("light.kitchen_lights"))["state"] == "on"


async def test_a_restart_is_survived(home: HomeProcess, link: Link) -> None:
    """Meanwhile the model is told; afterwards all of it is known again."""
    await asyncio.to_thread(home.terminate)
    await until(lambda: not link.is_connected, "the loss")
    with pytest.raises(ToolError, match="cannot be reached"):
        await do(link, "home_control", what="bed light", action="on")
    home.start()
    await asyncio.to_thread(home.wait_until_it_listens)
    await until(lambda: link.is_connected, "the connection", LIMIT_S)
    async with owner_of(home.url, home.token) as owner:
        await until_async(lambda: _has(owner, EXPOSED), "all of the house")
        await owner.expose(*EXPOSED)
        await until(lambda: ids(link) >= EXPOSED, "what is exposed", LIMIT_S)
        await do(link, "home_control", what="bed light", action="on")
        assert (await owner.state("light.bed_light"))["state"] == "on"


@pytest.mark.parametrize("trouble", list(Trouble))
async def test_trouble_at_a_random_moment_is_told_and_survived(
    home: HomeProcess, monkeypatch: pytest.MonkeyPatch, trouble: Trouble
) -> None:
    """Killed, hung, restarted, while the model goes on: bench_home_assistant.py does each twenty times."""
    monkeypatch.setattr(connection, "ANSWER_LIMIT_S", 0.5 if isinstance(home, SimulatedProcess) else 8.0)
    async with running(home) as link:
        model = Model(Registry(home_tools([link]), 20), "home_control", '{"what": "ceiling lights", "action": "on"}')
        living = asyncio.create_task(model.live())
        try:
            await model.first(is_done=True, since=0)
            for _ in range(2 if isinstance(home, SimulatedProcess) else 1):
                await suffer(home, model, trouble, random.Random())
                assert not living.done()
        finally:
            living.cancel()
    assert all("Home Assistant" in said for said in model.said)
