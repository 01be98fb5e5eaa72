"""A feature: something that the house can do beside talking, and all that the house must know of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

from device.core.events import LONGEST_TEXT, AnnouncementRequested, Way
from device.core.health import Health
from device.ports.choices import Choices
from device.ports.desk import Desk, LateDesk
from device.ports.facts import Observer, Post
from device.ports.home import Source
from device.ports.sound import VolumeOfHouse
from device.ports.tools import Tool
from device.secrets import Secret
from device.settings import Table

Settings = TypeVar("Settings")


@dataclass(frozen=True, slots=True)
class Outside:
    """What a feature may use of the house."""

    post: Post
    volume: VolumeOfHouse
    """How loud the house speaks; ready when the house is."""
    state_dir: Path
    """Where it may keep what must outlive the process; it need not exist yet."""
    secrets: Mapping[str, Secret]
    """Those that the feature declares, by name."""
    choices: Choices
    """Who answers, and which wake words wake."""
    desk: Callable[[], Desk] = field(default_factory=LateDesk)
    """Return who does what is asked from outside of a conversation. Raise NotDoneError until the house is whole."""

    def announce(self, text: str, urgent: bool = False) -> None:
        """Say a sentence as soon as nobody talks; `urgent`: in quiet hours, too. Nobody hears what became of it."""
        self.post(AnnouncementRequested(text[:LONGEST_TEXT], urgent=urgent))


@dataclass(frozen=True, slots=True)
class Fitted:
    """A feature at work."""

    tools: tuple[Tool[Any], ...] = ()
    """What the model may call."""
    coming: Callable[[], tuple[Tool[Any], ...]] = tuple
    """Return what it may call beside them at this moment: tools that come and go. Must be quick, and return the same
    tuple until something has changed."""
    confirms: Mapping[str, Way] = field(default_factory=dict)
    """What asks for a person's yes, and how, as far as only files tell that were read to open it."""
    home: Source | None = None
    """Things of a home that it is connected to: the house makes the same few tools for those of all features."""
    observers: tuple[Observer, ...] = ()
    health: Callable[[], tuple[Health, ...]] = tuple
    """Return the health of its parts. Must be quick."""
    make_safe: Callable[[], None] | None = None
    """Put right what must not stay as it is, before all else at the end, whatever hangs. Never waits."""
    close: Callable[[], Awaitable[None] | None] | None = None
    """Let everything go; may be given up."""
    part: object = None
    """What a spectator may look at: the simulation and the tests."""


@dataclass(frozen=True, slots=True)
class Feature(Generic[Settings]):
    """Declared once, in the feature's own file or folder, and named in house/catalogue.py. Light to import."""

    name: str
    """For the log."""
    open: Callable[[Settings, Outside], Fitted]
    """Put it to work; never waits. Raise ConfigError."""
    table: Table[Settings] | None = None
    """Its table, with what is wrong in it and the pins, buses and ports that it claims; None: it has no settings, and
    `open` is given None."""
    secrets: Callable[[Settings], tuple[str, ...]] = lambda settings: ()
    """Names of what must be kept secret with these settings: see `secrets.find_secret`."""
    confirms: Callable[[Settings], Mapping[str, Way]] = lambda settings: {}
    """Keys, written with dots, that ask for a person's yes, and how: as far as the settings tell."""
