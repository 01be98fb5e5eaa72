"""What the wizard finds on this machine before it asks: what there is to choose from, and what holds already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from device.audio.cards.alsa.config import STOCK
from device.audio.cards.devices import DEFAULT, Direction, SoundDevice
from device.boards import AUTO
from device.boards.finding import Board as Found
from device.house.configuration import Config
from device.house.layers import Layer
from device.settings import Key


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several answers: what goes into the configuration, and what a person reads."""

    value: str
    label: str


@dataclass(frozen=True, slots=True)
class Board:
    """A board that ships: its name, its name in a shop, and by what its card is found."""

    name: str
    title: str
    input: str = ""
    output: str = ""
    notes: tuple[str, ...] = ()
    """What a person must know before it works."""


@dataclass(frozen=True, slots=True)
class Answerer:
    """A provider: its name, and the address of its server, where that can be chosen."""

    name: str
    address_key: Key = ()
    address: str = ""
    """What holds now."""
    usual_address: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """All of it."""

    microphones: tuple[Choice, ...]
    loudspeakers: tuple[Choice, ...]
    boards: tuple[Board, ...]
    words: tuple[str, ...]
    providers: tuple[Answerer, ...]
    likely_board: str
    """The one that holds; else "auto", or where it cannot be told which it is, the first of those that fit."""
    holds: Config
    """What holds now: what is built in, where nothing is configured or what is, is wrong."""
    own: Mapping[str, Any] = field(default_factory=dict)
    """What stands in the file that is to be written."""
    above: tuple[Layer, ...] = ()
    """What lies over that file, in the folder config.d."""

    def board(self, name: str) -> Board:
        """Return a board by its name; one without a card of its own, when there is none of that name."""
        return next((board for board in self.boards if board.name == name), Board(name, name))


def choices(devices: Sequence[SoundDevice], direction: Direction) -> tuple[Choice, ...]:
    """Return what a person may choose from: cards by their ids, which outlive a restart, and PCMs of somebody's own."""
    found: dict[str, str] = {}
    for device in devices:
        if not device.channels(direction):
            continue
        if device.card is not None:
            found.setdefault(device.card.id, device.name)
        elif device.name not in STOCK:
            found.setdefault(device.name, device.name)
    whatever = Choice(DEFAULT, "whatever ALSA takes by itself")
    return (*(Choice(value, label) for value, label in found.items()), whatever)


def likely_board(found: Found) -> str:
    """Return what to propose where nobody has named a board: to find out, unless only a person can tell."""
    return AUTO if found.is_sure else found.names[0]
