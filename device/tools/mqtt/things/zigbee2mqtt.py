"""Things of Zigbee2MQTT: what its bridge says there is, and what they say of themselves. No I/O.

Its documentation, "MQTT topics and messages": `BASE/bridge/devices` (retained) lists the devices, `BASE/NAME` tells
the state of one, `BASE/NAME/availability` and `BASE/bridge/state` whether they are there (a word, or {"state": word});
`BASE/NAME/set` and `BASE/NAME/get` are listened to.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from device.errors import ToolError
from device.ports.home import Call, Thing
from device.tools.mqtt.messages import Message, PayloadError, json_of
from device.tools.mqtt.things import parts
from device.tools.mqtt.things.exposes import Expose, Skill, skills_of
from device.tools.mqtt.things.parts import GONE, LARGEST_STATE, MOST_THINGS, Labels, Publication

LARGEST_LIST = 4 * 1024 * 1024
"""In bytes: of the list of devices. One is told in 5 to 10 kB; 200 of them are a large house."""
MOST_FOLDERS = 64
"""Names may begin with a folder ("kitchen/lamp"); each is subscribed to by itself."""

_RESERVED = frozenset({"set", "get", "availability"})
"""Levels that mean something to Zigbee2MQTT: no name may hold them."""


class Definition(msgspec.Struct, frozen=True):
    """What Zigbee2MQTT knows of a kind of device."""

    exposes: tuple[Expose, ...] = ()


class Device(msgspec.Struct, frozen=True):
    """A device in its list, as far as it is of use here."""

    friendly_name: str
    ieee_address: str = ""
    definition: Definition | None = None
    power_source: str | None = None
    disabled: bool = False


_LIST, _DEVICE = msgspec.json.Decoder(list[msgspec.Raw]), msgspec.json.Decoder(Device)


@dataclass(slots=True)
class _Held:
    """A device, and what it has said last."""

    things: dict[str, Skill]
    """By id."""
    asleep: bool
    """It has a battery, and sleeps: it hears no question."""
    there: bool = True
    values: dict[str, Any] = field(default_factory=dict)
    asked: bool = False


class Zigbee2Mqtt:
    """Implements parts.Dialect."""

    part = "zigbee2mqtt"

    def __init__(self, base: str, labels: Labels) -> None:
        """`base` is the base topic: "zigbee2mqtt"."""
        self._base = base
        self._labels = labels
        self._devices: dict[str, _Held] = {}
        self._things: dict[str, tuple[str, Thing]] = {}
        """By id: the name of the device, and the thing."""
        self._folders: dict[str, None] = {}
        """What names begin with that have a "/"."""
        self._online = True
        self._listed = False
        self.patterns: tuple[str, ...] = self._patterns()
        self.left_out = 0
        self.is_curious = False

    def largest(self, pattern: str) -> int:
        """Return how large a payload of a pattern may be."""
        return LARGEST_LIST if pattern == self.patterns[0] else LARGEST_STATE

    @property
    def missing(self) -> str:
        """Say that it is offline, or was never heard."""
        if not self._online:
            return "Zigbee2MQTT is not running, it says itself"
        return "" if self._listed else f"there is no list of devices on {self._base}/bridge/devices"

    @property
    def things(self) -> Iterator[Thing]:
        """What there is."""
        for name, thing in self._things.values():
            there = self._online and self._devices[name].there
            yield thing if there else replace(thing, state=GONE)

    def take(self, message: Message) -> tuple[str, ...]:
        """Take a message in; return the ids of the things that have told their state with it."""
        name = message.topic.removeprefix(f"{self._base}/")
        device, _, last = name.rpartition("/")
        if name == "bridge/devices":
            self._learn(message.payload)
        elif name == "bridge/state":
            self._online = _is_online(message)
        elif held := self._devices.get(name):
            return self._hear(name, held, message)
        elif last == "availability" and (held := self._devices.get(device)):
            held.there = _is_online(message)
        return ()

    def publications(self, thing: Thing, call: Call) -> tuple[Publication, ...]:
        """Return what makes a thing do it. Raise ToolError where it cannot."""
        if thing.id not in self._things:
            raise ToolError(f"{thing.name} is not there any more")
        name, known = self._things[thing.id]
        wanted = self._devices[name].things[thing.id].written(known, call)
        return (self._publication(name, "set", wanted),)

    def tells(self, thing: Thing) -> bool:
        """Say that each of them tells its state."""
        return True

    def questions(self) -> tuple[Publication, ...]:
        """Return what makes things tell the states that are not known."""
        self.is_curious = False
        asked = []
        for name, held in self._devices.items():
            unknown = [skill for key, skill in held.things.items() if self._things[key][1].state == "unknown"]
            if not held.asked and not held.asleep:
                held.asked = True
                keys = {skill.question: "" for skill in unknown if skill.question}
                asked += [self._publication(name, "get", keys)] if keys else []
        return tuple(asked)

    def forget(self) -> None:
        """Ask again."""
        self.is_curious = True
        for held in self._devices.values():
            held.asked = False

    def _publication(self, name: str, verb: str, content: dict[str, Any]) -> Publication:
        return Publication(f"{self._base}/{name}/{verb}", msgspec.json.encode(content).decode())

    def _hear(self, name: str, held: _Held, message: Message) -> tuple[str, ...]:
        try:
            told = parts.values_of(json_of(message))
        except PayloadError:
            return ()
        heard = [key for key, skill in held.things.items() if skill.properties & told.keys()]
        for key in heard:
            # What is neither a word nor a number says nothing here, and could be large.
            new = {one: told[one] for one in held.things[key].properties & told.keys()}
            held.values.update({one: parts.simple(value) for one, value in new.items()})
        for key in heard:
            state, attributes = held.things[key].read(held.values)
            self._things[key] = (name, replace(self._things[key][1], state=state, attributes=attributes))
        return tuple(heard)

    def _learn(self, payload: bytes) -> None:
        """Take in the list of devices. One that is not understood is left out; no list changes nothing."""
        try:
            listed = _LIST.decode(payload or b"[]")
        except (ValueError, RecursionError):
            return
        self._listed = bool(payload)
        before, self._devices, self._things, self.left_out = self._devices, {}, {}, 0
        self._folders = {}
        # Those that a person has named come first, for the number of things is limited.
        for device in sorted(_understood(listed), key=lambda one: self._label(one) is None):
            self._add(device, before)
        self.patterns = self._patterns()
        self.is_curious = True

    def _add(self, device: Device, before: dict[str, _Held]) -> None:
        name = device.friendly_name
        skills = tuple(skills_of(device.definition.exposes)) if device.definition and not device.disabled else ()
        if not skills:
            return
        if not _is_name(name) or name in self._devices or not self._has_room(name):
            self.left_out += 1
            return
        old = before.get(name)
        held = self._devices[name] = _Held({}, device.power_source == "Battery")
        if old is not None:
            held.there, held.values, held.asked = old.there, old.values, old.asked
        for skill in skills:
            thing = parts.called(skill.domain, name, skill.suffix, self._label(device))
            if thing is None or thing.id in self._things or len(self._things) >= MOST_THINGS:
                self.left_out += 1
                continue
            state, attributes = skill.read(held.values)
            held.things[thing.id] = skill
            self._things[thing.id] = (name, replace(thing, state=state, attributes=attributes, address=name))

    def _label(self, device: Device) -> parts.Label | None:
        return self._labels.get(device.friendly_name) or self._labels.get(device.ieee_address)

    def _has_room(self, name: str) -> bool:
        """Say whether what the device tells is subscribed to, or may be."""
        folder, parted, _ = name.partition("/")
        if not parted or folder in self._folders:
            return True
        if len(self._folders) >= MOST_FOLDERS:
            return False
        self._folders[folder] = None
        return True

    def _patterns(self) -> tuple[str, ...]:
        folders = (f"{folder}/#" for folder in self._folders)
        ends = ("bridge/devices", "bridge/state", "+", "+/availability", *folders)
        return tuple(f"{self._base}/{end}" for end in ends)


def _understood(listed: list[msgspec.Raw]) -> Iterator[Device]:
    for raw in listed:
        try:
            yield _DEVICE.decode(raw)
        except (ValueError, RecursionError):
            continue


def _is_name(name: str) -> bool:
    """Say whether a friendly name can stand in a topic, and means a device there."""
    levels = name.split("/")
    return parts.is_levels(name) and levels[0] != "bridge" and not _RESERVED & set(levels)


def _is_online(message: Message) -> bool:
    """Say whether somebody is there: told by a word, or by {"state": word}."""
    try:
        found = json_of(message)
    except PayloadError:
        found = message.payload.decode(errors="replace")
    told = found.get("state") if isinstance(found, dict) else found
    return told != "offline"
