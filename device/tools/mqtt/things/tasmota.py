"""Things that run Tasmota: what they say that they are, and what they say of themselves. No I/O.

Its documentation, "MQTT" and "Commands", and the shape of its discovery (what SetOption19 0, the default, publishes):
`tasmota/discovery/MAC/config` and `.../sensors`, retained. A device listens on `cmnd/TOPIC/COMMAND` and tells its state
on `stat/TOPIC/RESULT` after a command, on `tele/TOPIC/STATE` and `SENSOR` every few minutes, and by `tele/TOPIC/LWT`
whether it is there. Devices that were given another FullTopic are left out: what a message calls a topic is not one to
publish to.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from device.errors import ToolError
from device.ports.home import Call, Thing
from device.tools.mqtt.messages import Message, PayloadError, json_of
from device.tools.mqtt.things import parts
from device.tools.mqtt.things.parts import GONE, LARGEST_STATE, MOST_THINGS, Label, Labels, Publication
from device.tools.mqtt.things.relays import Config, Part, measured, parts_of

FULL_TOPIC = "%prefix%/%topic%/"
PREFIXES = ("cmnd", "stat", "tele")
"""As they are unless somebody changes FullTopic, Prefix1, Prefix2 or Prefix3."""

MOST_DEVICES = 200
LARGEST_CONFIG = 8 * 1024
"""In bytes; one with 32 relays takes 2 kB."""


@dataclass(slots=True)
class _Held:
    """A device, and what it has said last."""

    config: Config
    sensors: Mapping[str, Any] = field(default_factory=dict)
    things: dict[str, Part] = field(default_factory=dict)
    """By id."""
    there: bool = True
    asked: bool = False


class Tasmota:
    """Implements parts.Dialect. Each device says by itself that it is there: nobody is missing where there is none."""

    part = ""
    missing = ""

    def __init__(self, discovery: str, labels: Labels) -> None:
        """`discovery` is what the topics of discovery begin with: "tasmota/discovery"."""
        self._discovery = discovery
        self._labels = labels
        self._devices: dict[str, _Held] = {}
        """By topic."""
        self._macs: dict[str, str] = {}
        """The topic of the device that announced itself with an address."""
        self._things: dict[str, tuple[str, Thing]] = {}
        """By id: the topic of the device, and the thing."""
        self._early: dict[str, Mapping[str, Any]] = {}
        """What sensors there are by address, where that came before the device."""
        self.left_out = 0
        self.is_curious = False
        self.patterns = (f"{discovery}/+/config", f"{discovery}/+/sensors", "stat/+/+", "tele/+/+")

    def largest(self, pattern: str) -> int:
        """Return how large a payload of a pattern may be."""
        return LARGEST_CONFIG if pattern.startswith(self._discovery) else LARGEST_STATE

    @property
    def things(self) -> Iterator[Thing]:
        """What there is."""
        for topic, thing in self._things.values():
            yield thing if self._devices[topic].there else replace(thing, state=GONE)

    def take(self, message: Message) -> tuple[str, ...]:
        """Take a message in; return the ids of the things that have told their state with it."""
        start, _, last = message.topic.rpartition("/")
        if start.startswith(f"{self._discovery}/"):
            self._discover(start.removeprefix(f"{self._discovery}/"), last, message)
            return ()
        prefix, _, topic = start.partition("/")
        held = self._devices.get(topic)
        if held is None:
            return ()
        if prefix == "tele" and last == "LWT":
            held.there = message.payload.decode(errors="replace") != held.config.ofln
            return ()
        return self._hear(topic, held, last, message)

    def publications(self, thing: Thing, call: Call) -> tuple[Publication, ...]:
        """Return what makes a thing do it. Raise ToolError where it cannot."""
        if thing.id not in self._things:
            raise ToolError(f"{thing.name} is not there any more")
        topic, known = self._things[thing.id]
        commands = self._devices[topic].things[thing.id].commands(known, call)
        return tuple(Publication(f"cmnd/{topic}/{command}", value) for command, value in commands)

    def tells(self, thing: Thing) -> bool:
        """Say that each of them tells its state."""
        return True

    def questions(self) -> tuple[Publication, ...]:
        """Return what makes things tell the states that are not known."""
        self.is_curious = False
        asked = []
        for topic, held in self._devices.items():
            if not held.asked and any(self._things[key][1].state == "unknown" for key in held.things):
                held.asked = True
                # "STATUS 10" tells what it measures, and where its shutters are.
                asked += [Publication(f"cmnd/{topic}/STATE", ""), Publication(f"cmnd/{topic}/STATUS", "10")]
        return tuple(asked)

    def forget(self) -> None:
        """Ask again."""
        self.is_curious = True
        for held in self._devices.values():
            held.asked = False

    def _hear(self, topic: str, held: _Held, last: str, message: Message) -> tuple[str, ...]:
        try:
            told = parts.values_of(json_of(message))
        except PayloadError:
            told = {}
        if not told and last.startswith("POWER"):
            # With SetOption4 there is no RESULT; a word on this topic there always is.
            told = {last: message.payload.decode(errors="replace")}
        told = parts.values_of(told.get("StatusSNS")) or told
        heard = []
        for key, part in held.things.items():
            before = self._things[key][1]
            if (new := part.read(before, told)) is not None:
                self._things[key] = (topic, replace(before, state=new[0], attributes=new[1]))
                heard.append(key)
        return tuple(heard)

    def _discover(self, mac: str, what: str, message: Message) -> None:
        if what == "sensors":
            self._take_sensors(mac, message)
        elif what != "config":
            return
        elif not message.payload:
            self._remove(self._macs.pop(mac, ""))
        else:
            self._take_config(mac, message)

    def _take_config(self, mac: str, message: Message) -> None:
        try:
            config = msgspec.json.decode(message.payload, type=Config)
        except (ValueError, RecursionError):
            return
        # A topic belongs to who had it first.
        is_taken = config.t in self._devices and self._macs.get(mac) != config.t
        is_too_many = config.t not in self._devices and len(self._devices) >= MOST_DEVICES
        if config.mac != mac or not _is_usual(config) or is_taken or is_too_many:
            self.left_out += 1
            return
        old = self._devices.get(config.t)
        self._remove(self._macs.get(mac, ""))
        self._macs[mac] = config.t
        held = _Held(config, old.sensors if old else self._early.pop(mac, {}))
        if old is not None:
            held.there, held.asked = old.there, old.asked
        self._add(held)

    def _take_sensors(self, mac: str, message: Message) -> None:
        try:
            sensors = parts.values_of(parts.values_of(json_of(message)).get("sn"))
        except PayloadError:
            return
        kept = measured(sensors)
        if (held := self._devices.get(self._macs.get(mac, ""))) is not None:
            self._remove_things(held)
            held.sensors = kept
            self._add(held)
        elif len(self._early) < MOST_DEVICES:
            self._early[mac] = kept

    def _add(self, held: _Held) -> None:
        config = held.config
        label = self._labels.get(config.t)
        self.is_curious = True
        self._devices[config.t] = held
        for part in parts_of(config, held.sensors):
            own = part.name
            labelled = label and Label(f"{label.name} {part.number}".strip(), label.aliases, label.room)
            thing = parts.called(part.domain, own.replace("/", " "), part.suffix, labelled)
            if thing is None or thing.id in self._things or len(self._things) >= MOST_THINGS:
                self.left_out += 1
                continue
            held.things[thing.id] = part
            self._things[thing.id] = (config.t, replace(thing, attributes=part.unchanging(), address=config.t))

    def _remove(self, topic: str) -> None:
        if (held := self._devices.pop(topic, None)) is not None:
            self._remove_things(held)

    def _remove_things(self, held: _Held) -> None:
        for key in held.things:
            self._things.pop(key, None)
        held.things = {}


def _is_usual(config: Config) -> bool:
    """Say whether its topics are where they are by default, and are topics at all."""
    return config.ft == FULL_TOPIC and tuple(config.tp) == PREFIXES and parts.is_level(config.t)
