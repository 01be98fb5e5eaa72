"""The tools by which the model uses what Home Assistant has: few of them, whatever the house has."""

from __future__ import annotations

from typing import Annotated, Any, Protocol

import msgspec
from msgspec import Meta, Struct

from device.core.events import Way
from device.errors import ToolError
from device.kit.outsiders import are_data
from device.ports.tools import Confirmation, Tool
from device.tools.home import naming, orders
from device.tools.home.naming import Nothing, One, Several
from device.tools.home.orders import Action, Call, Wish
from device.tools.home.things import Thing, Things, is_listed
from device.tools.homeassistant.settings import HomeAssistant

MOST_TOLD = 12
"""So many things are told at once: the model reads all of it in every turn that follows."""

_DATA = are_data("Names and states", "the home")

Said = Annotated[
    str, Meta(max_length=120, description='what the person called it, e.g. "ceiling light", "all kitchen lights"')
]
Room = Annotated[
    str, Meta(max_length=60, description='the room or floor, if the person named one; "everywhere" for all')
]


class Home(Protocol):
    """Whoever is connected to Home Assistant."""

    @property
    def things(self) -> Things:
        """What can be used."""

    @property
    def is_connected(self) -> bool:
        """Whether that is current."""

    async def call(self, things: tuple[Thing, ...], call: Call) -> None:
        """Call a service for them. Raise ToolError."""

    async def converse(self, text: str) -> str:
        """Pass a sentence on. Raise ToolError."""


class Find(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Arguments of home_find."""

    what: Said = ""
    room: Room = ""


class Control(Wish, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Arguments of home_control: which thing, and what is wanted of it."""

    what: Said
    room: Room = ""


class Sentence(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Arguments of home_agent."""

    text: Annotated[str, Meta(max_length=300, description="the person's request, as a sentence")]


def home_tools(home: Home, settings: HomeAssistant) -> list[Tool[Any]]:
    """Return them."""
    using = Using(home, settings)
    tools: list[Tool[Any]] = [
        Tool(
            name="home_find",
            description=f"Find things in the home and tell their state: lights, heating, sensors, scenes. {_DATA}",
            arguments=Find,
            run=using.find,
        ),
        Tool(
            name="home_control",
            description=(
                "Switch, dim, colour, open, close, lock or start things in the home, and run scenes and scripts. Give "
                f"the person's own words for it; no ids. If several could be meant, ask the person which. {_DATA}"
            ),
            arguments=Control,
            run=using.control,
            confirm=using.confirmation,
        ),
    ]
    if settings.agent:
        tools.append(
            Tool(
                name="home_agent",
                description=f"Let Home Assistant's own assistant do what home_control cannot. {_DATA}",
                arguments=Sentence,
                run=using.converse,
            )
        )
    return tools


class Using:
    """What the tools do."""

    def __init__(self, home: Home, settings: HomeAssistant) -> None:
        self._home = home
        self._settings = settings

    async def find(self, arguments: Find) -> str:
        """Tell what is called that, or what is in the room."""
        things = self._current()
        if not arguments.what:
            found = tuple(thing for thing in things if not arguments.room or _is_in(thing, arguments.room))
            return _listed(found) if found else self._unknown(arguments.room, ())
        match naming.resolve(arguments.what, things, arguments.room, self._settings.area):
            case One(found) | Several(found):
                return _listed(found)
            case Nothing(near):
                return self._unknown(arguments.what, near)

    async def control(self, arguments: Control) -> str:
        """Do it."""
        found = self._meant(arguments)
        calls = [(thing, self._call(thing, arguments)) for thing in found]
        for call in dict.fromkeys(map(_key, (call for _, call in calls))):
            together = [(thing, one) for thing, one in calls if _key(one) == call]
            await self._home.call(tuple(thing for thing, _ in together), together[0][1])
        done = ", ".join(_place(thing) for thing in found)
        return f"Done: {done}"

    async def converse(self, arguments: Sentence) -> str:
        """Pass it on."""
        return await self._home.converse(arguments.text)

    def confirmation(self, arguments: Control) -> Confirmation | None:
        """Return what a person must say yes to: to unlock, open or switch what was named for it."""
        try:
            meant = [(thing, orders.call_for(thing, arguments)) for thing in self._meant(arguments)]
        except ToolError:
            # Then it is not done either, and the model is told why.
            return None
        guarded = [thing for thing, call in meant if self._needs_yes(thing, call)]
        if not guarded or not self._settings.confirm:
            return None
        return Confirmation(
            Way(self._settings.confirm), f"{_verb(arguments.action)} {' and '.join(thing.name for thing in guarded)}"
        )

    def _call(self, thing: Thing, arguments: Control) -> Call:
        call = orders.call_for(thing, arguments)
        if self._needs_yes(thing, call) and not self._settings.confirm:
            raise ToolError(
                f"{thing.name}: to {_verb(arguments.action)} it by voice, a person must first set "
                "tools.home_assistant.confirm on the device"
            )
        return call

    def _needs_yes(self, thing: Thing, call: Call) -> bool:
        """Judge what would be done: beside "close", a position could be given that opens it."""
        room = thing.place.id if thing.place else ""
        return call.service not in orders.HARMLESS and is_listed(thing.id, room, self._settings.confirm_for)

    def _meant(self, arguments: Control) -> tuple[Thing, ...]:
        """Return the things. Raise ToolError with what to ask the person."""
        match naming.resolve(arguments.what, self._usable(), arguments.room, self._settings.area):
            case One(found):
                return found
            case Several(found):
                raise ToolError(f"which one? Ask the person: {', '.join(_place(thing) for thing in found[:MOST_TOLD])}")
            case Nothing(near):
                raise ToolError(self._unknown(arguments.what, near))

    def _usable(self) -> list[Thing]:
        """Return what something can be done with."""
        return [thing for thing in self._current() if thing.domain not in ("sensor", "binary_sensor")]

    def _current(self) -> Things:
        if not self._home.is_connected:
            raise ToolError("Home Assistant cannot be reached at the moment")
        return self._home.things

    def _unknown(self, what: str, near: tuple[Thing, ...]) -> str:
        if near:
            return f'nothing is called "{what}"; nearest: {", ".join(_place(thing) for thing in near)}'
        rooms = ", ".join(place.name for place in self._home.things.places[:MOST_TOLD])
        return f'nothing is called "{what}"' + (f"; rooms: {rooms}" if rooms else "; Home Assistant exposes nothing")


def _key(call: Call) -> bytes:
    return msgspec.json.encode(call, order="deterministic")


def _listed(things: tuple[Thing, ...]) -> str:
    told = [f"{_place(thing)}: {orders.told(thing)}" for thing in things[:MOST_TOLD]]
    more = len(things) - MOST_TOLD
    return "\n".join([*told, f"and {more} more; ask for fewer"] if more > 0 else told)


def _place(thing: Thing) -> str:
    return f"{thing.name} ({thing.domain.replace('_', ' ')}{', ' + thing.place.name if thing.place else ''})"


def _is_in(thing: Thing, room: str) -> bool:
    return thing.place is not None and bool(naming.find_place(room, [thing.place]))


def _verb(action: Action) -> str:
    return {"on": "switch on", "off": "switch off", "set": "change", "run": "run"}.get(action, action)
