"""What every dialect of things on a broker has in common. No I/O.

Whatever comes from the broker was written by somebody else: names and values are bounded before they are kept, and what
is published is made of topics that the configuration allows, never of whole topics that a message has brought.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from device.kit.outsiders import one_line
from device.ports.home import Call, Place, Thing
from device.tools.home.listing import slug
from device.tools.mqtt.messages import Message

NAME = "MQTT"
"""What the source is called."""

MOST_THINGS = 500
"""So many things of a dialect are held: a large house has 200."""

LONGEST_LEVELS = 120
"""In bytes: of the part of a topic that a message may choose."""

LARGEST_STATE = 16 * 1024
"""In bytes: of what a thing tells of itself, which is a few hundred."""

GONE = "unavailable"
"""The state of what cannot be reached."""

_ALIKE = 5.0
"""In percent: a lamp may round the brightness that it was given."""

_BECOMES: Mapping[str, str] = {"turn_on": "on", "turn_off": "off", "lock": "locked", "unlock": "unlocked"}


@dataclass(frozen=True, slots=True)
class Publication:
    """What is to be published."""

    topic: str
    payload: str


@dataclass(frozen=True, slots=True)
class Label:
    """What a person calls a thing that is discovered, and where it is."""

    name: str
    aliases: tuple[str, ...] = ()
    room: str = ""


Labels = Mapping[str, Label]
"""By the name that it has on the broker: a friendly name, an address, a topic."""


class Dialect(Protocol):
    """Knows how things of one kind speak."""

    @property
    def patterns(self) -> tuple[str, ...]:
        """What must be subscribed to at present: a few patterns, however many things there are."""

    def largest(self, pattern: str) -> int:
        """Return how large a payload of a pattern may be, in bytes."""

    @property
    def things(self) -> Iterable[Thing]:
        """What there is, at most MOST_THINGS."""

    def take(self, message: Message) -> tuple[str, ...]:
        """Take a message in; return the ids of the things that have told their state with it."""

    @property
    def part(self) -> str:
        """What it is called among the parts of the house; "" for what can always be used."""

    @property
    def missing(self) -> str:
        """Why nothing of it can be used, a while after the broker was connected; "" when nothing is missing."""

    @property
    def left_out(self) -> int:
        """How many things could not be taken in: they have no name of their own, or are too many."""

    @property
    def is_curious(self) -> bool:
        """Whether there may be something to ask that was not asked yet."""

    def tells(self, thing: Thing) -> bool:
        """Say whether a thing ever tells its state."""

    def publications(self, thing: Thing, call: Call) -> tuple[Publication, ...]:
        """Return what makes a thing do it. Raise ToolError where it cannot."""

    def questions(self) -> tuple[Publication, ...]:
        """Return what makes things tell the states that are not known, each asked once until `forget`."""

    def forget(self) -> None:
        """Ask again: the connection was lost, and what is known may be old."""


def is_answer(thing: Thing, call: Call) -> bool:
    """Say whether what a thing tells of itself after a call means that it was done.

    What moves tells on the way, and what is warm tells its mode: there any word is an answer.
    """
    wanted = _BECOMES.get(call.service) if call.domain in ("light", "switch", "fan", "lock") else None
    if wanted is not None and thing.state != wanted:
        return False
    bright, told = call.data.get("brightness_pct"), thing.attributes.get("brightness")
    return bright is None or told is None or abs(told / 2.55 - bright) <= _ALIKE


def place_of(room: str) -> Place | None:
    """Return the room of that name; None for ""."""
    return Place(slug(room), (room,)) if slug(room) else None


def called(domain: str, own: str, suffix: str, label: Label | None) -> Thing | None:
    """Return a thing of which nothing but the name is known; None where it has none that could be said.

    `own` is what it is called on the broker, where a "/" parts the room from the name; `suffix` tells it from other
    things of the same device.
    """
    room, _, whole = own.rpartition("/") if label is None else (label.room, "", label.name)
    room = room.partition("/")[0] if label is None else room
    shown = one_line(f"{whole} {suffix}".replace("_", " "))
    key = slug(f"{own if label is None else label.name} {suffix}")
    if not shown or not key:
        return None
    others = tuple(one_line(f"{alias} {suffix}") for alias in (label.aliases if label else ()))
    place = place_of(one_line(room.replace("_", " ")))
    return Thing(f"{domain}.{key}", (shown, *others), place, source=NAME, device=one_line(whole.replace("_", " ")))


def is_level(text: object) -> bool:
    """Say whether a text can stand for one level of a topic, and no more."""
    return isinstance(text, str) and is_levels(text) and "/" not in text


def is_levels(text: str) -> bool:
    """Say whether a text can stand for some levels of a topic: none of them empty, no wildcard, short, printable."""
    if not text or not text.isprintable() or "+" in text or "#" in text:
        return False
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        return False
    return size <= LONGEST_LEVELS and all(level and level == level.strip() for level in text.split("/"))


def number(value: object) -> float | None:
    """Return a number from outside, if it is one that a thing could mean."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not -1e9 < value < 1e9:
        return None
    return float(value)


def plain_number(value: float) -> float:
    """Return a number as it is said: 21 instead of 21.0, and two places at most."""
    rounded = round(value, 2)
    return int(rounded) if rounded == int(rounded) else rounded


def word(value: object) -> str:
    """Return a value of JSON as a state; "" for what is none."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if (numeric := number(value)) is not None:
        return str(plain_number(numeric))
    return one_line(value) if isinstance(value, str) else ""


def simple(value: object) -> bool | float | str | None:
    """Return a value of JSON that is worth keeping; None for what is no single one, or is large."""
    if isinstance(value, bool):
        return value
    return one_line(value) if isinstance(value, str) else number(value)


def values_of(found: Any) -> Mapping[str, Any]:
    """Return what a JSON text holds by name; nothing for what is no object."""
    return found if isinstance(found, dict) else {}
