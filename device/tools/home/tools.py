"""The tools by which the model uses things in the home: few of them, whatever has these things."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from device.core.events import Way
from device.errors import ToolError
from device.ports.home import Call, Source, Thing
from device.ports.tools import Confirmation, Tool
from device.tools.home import naming, orders
from device.tools.home.listing import AS_DATA, is_guarded, united
from device.tools.home.naming import Nothing, One, Several
from device.tools.home.orders import Action, Wish
from device.tools.home.overview import overview

MOST_TOLD = 12
"""So many things are told at once: the model reads all of it in every turn that follows."""

Said = Annotated[str, Meta(max_length=120, description='the person\'s own words, e.g. "all kitchen lights"')]
Room = Annotated[str, Meta(max_length=60, description='the room or floor, if one was named; "everywhere" for all')]


class Find(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Arguments of home_find."""

    what: Said = ""
    room: Room = ""


class Control(Wish, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Arguments of home_control: which thing, and what is wanted of it."""

    what: Said
    room: Room = ""


class Bound(Control, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The same, once a person has said yes to it for these very things. No model can give this."""

    things: tuple[tuple[str, str], ...] = ()
    """Who has it, and its id; with its address, where another could come to have that id."""


def home_tools(sources: Sequence[Source]) -> list[Tool[Any]]:
    """Return them, for what all these sources have."""
    using = Using(sources)
    return [
        Tool(
            name="home_find",
            description=f"Find things in the home and tell their state: lights, heating, sensors, scenes. {AS_DATA}",
            arguments=Find,
            run=using.find,
        ),
        Tool(
            name="home_control",
            description=(
                "Switch, dim, colour, open, close, lock or start things in the home, and run scenes and scripts. If "
                f"several could be meant, ask the person which. {AS_DATA}"
            ),
            arguments=Control,
            run=using.control,
            confirm=using.confirmation,
            confirmed=Bound,
            overview=using.overview,
        ),
    ]


@dataclass(frozen=True, slots=True)
class Order:
    """What one thing is to do."""

    source: Source
    thing: Thing
    call: Call

    @property
    def needs_yes(self) -> bool:
        """Whether a person must say yes: judged by what would be done. Beside "close", a position could open it."""
        return self.call.service not in orders.HARMLESS and is_guarded(self.thing, self.source.rules.confirm_for)


class Using:
    """What the tools do."""

    def __init__(self, sources: Sequence[Source]) -> None:
        self._sources = {source.name: source for source in sources}
        self._judged: tuple[Control, list[Order]] | None = None
        """What was meant when it was asked whether a person must say yes: then it is not looked for again."""
        self._here = next((source.rules.area for source in sources if source.rules.area), "")

    async def find(self, arguments: Find) -> str:
        """Tell what is called that, or what is in the room."""
        things = self._current()
        if not arguments.what:
            found = tuple(thing for thing in things if not arguments.room or _is_in(thing, arguments.room))
            return _listed(found) if found else self._unknown(arguments.room, ())
        match naming.resolve(arguments.what, things, arguments.room, self._here):
            case One(found) | Several(found):
                return _listed(found)
            case Nothing(near):
                return self._unknown(arguments.what, near)

    async def control(self, arguments: Control) -> str:
        """Do it."""
        judged, self._judged = self._judged, None
        ordered = judged[1] if judged and judged[0] is arguments else self._orders(arguments)
        if refused := next((order for order in ordered if order.needs_yes and not order.source.rules.confirm), None):
            raise ToolError(
                f"{refused.thing.name}: to {_verb(arguments.action)} it by voice, a person must first set "
                f"{refused.source.rules.key} on the device"
            )
        together: dict[tuple[str, bytes], list[Order]] = {}
        for order in ordered:
            together.setdefault((order.source.name, _key(order.call)), []).append(order)
        return _told(await asyncio.gather(*(_carried_out(same) for same in together.values())))

    def overview(self, longest: int) -> str:
        """Return what there is, as far as it is known, in at most so many bytes of JSON."""
        return overview(united(source.things for source in self._sources.values()), longest)

    def confirmation(self, arguments: Control) -> Confirmation | None:
        """Return what a person must say yes to: to unlock, open or switch what was named for it."""
        try:
            ordered = self._orders(arguments)
        except ToolError:
            # Then it is not done either, and the model is told why.
            return None
        self._judged = arguments, ordered
        guarded = [order for order in ordered if order.needs_yes]
        ways = {order.source.rules.confirm for order in guarded}
        if not guarded or None in ways:
            return None
        # Where two sources want it differently: a press, which nothing in the room can say.
        way = Way.PRESS if Way.PRESS in ways else Way.YES
        names = " and ".join(order.thing.name for order in guarded)
        # What is called that when the yes comes may be something else.
        things = tuple(_identity(order.thing) for order in ordered)
        bound = Bound(**msgspec.structs.asdict(arguments), things=things)
        return Confirmation(way, f"{_verb(arguments.action)} {names}", msgspec.json.encode(bound).decode())

    def _orders(self, arguments: Control) -> list[Order]:
        """Raise ToolError where nothing or several are meant, or one cannot do it: before anything is done."""
        return [
            Order(self._sources[thing.source], thing, orders.call_for(thing, arguments))
            for thing in self._meant(arguments)
        ]

    def _meant(self, arguments: Control) -> tuple[Thing, ...]:
        """Return the things. Raise ToolError with what to ask the person."""
        if isinstance(arguments, Bound) and arguments.things:
            return self._bound(arguments.things)
        match naming.resolve(arguments.what, self._usable(), arguments.room, self._here):
            case One(found):
                return found
            case Several(found):
                raise ToolError(f"which one? Ask the person: {', '.join(_place(thing) for thing in found[:MOST_TOLD])}")
            case Nothing(near):
                raise ToolError(self._unknown(arguments.what, near))

    def _bound(self, things: tuple[tuple[str, str], ...]) -> tuple[Thing, ...]:
        """Return those that a person has said yes to. Raise ToolError when one of them is not there any more."""
        reached = [source for source in self._sources.values() if source.is_connected]
        there = {_identity(thing): thing for source in reached for thing in source.things}
        if not set(things) <= there.keys():
            raise ToolError("not done: what the person said yes to is not there any more")
        return tuple(there[key] for key in things)

    def _usable(self) -> list[Thing]:
        """Return what something can be done with."""
        return [thing for thing in self._current() if thing.domain not in ("sensor", "binary_sensor")]

    def _current(self) -> list[Thing]:
        connected = [source for source in self._sources.values() if source.is_connected]
        if not connected:
            raise ToolError(f"{' and '.join(self._sources)} cannot be reached at the moment")
        return united(source.things for source in connected)

    def _unknown(self, what: str, near: tuple[Thing, ...]) -> str:
        away = [name for name, source in self._sources.items() if not source.is_connected]
        missing = "".join(f"; {name} cannot be reached at the moment" for name in away)
        if near:
            return f'nothing is called "{what}"; nearest: {", ".join(_place(thing) for thing in near)}{missing}'
        rooms = ", ".join(self._rooms()[:MOST_TOLD])
        return f'nothing is called "{what}"' + (f"; rooms: {rooms}" if rooms else "; there is nothing") + missing

    def _rooms(self) -> list[str]:
        places = (thing.place for thing in self._current())
        return sorted({place.name for place in places if place is not None}, key=str.casefold)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of orders that were given together."""

    done: tuple[Thing, ...] = ()
    silent: tuple[Thing, ...] = ()
    """They were told, but have not answered."""
    error: str = ""


async def _carried_out(same: list[Order]) -> Outcome:
    """Give a source one order for several things."""
    things = tuple(order.thing for order in same)
    try:
        silent = await same[0].source.call(things, same[0].call)
    except ToolError as error:
        return Outcome(error=str(error))
    return Outcome(tuple(thing for thing in things if thing not in silent), silent)


def _told(outcomes: list[Outcome]) -> str:
    """Return it in words. Raise ToolError where something was not done."""
    done = [_place(thing) for outcome in outcomes for thing in outcome.done]
    silent = [_place(thing) for outcome in outcomes for thing in outcome.silent]
    told = [f"Done: {', '.join(done)}"] if done else []
    if silent:
        told.append(f"Sent, but it has not answered, so it may not be done: {', '.join(silent)}")
    if errors := [outcome.error for outcome in outcomes if outcome.error]:
        raise ToolError(". ".join([*errors, *told]))
    return ". ".join(told)


def _identity(thing: Thing) -> tuple[str, str]:
    return thing.source, f"{thing.id} at {thing.address}" if thing.address else thing.id


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
