"""Things on topics that a person has written into the configuration. No I/O."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from device.errors import ToolError
from device.ports.home import Call, Thing
from device.tools.mqtt.messages import Message, PayloadError, json_of, text_of
from device.tools.mqtt.settings import MqttThing
from device.tools.mqtt.things import parts
from device.tools.mqtt.things.parts import GONE, LARGEST_STATE, Label, Publication

_STATES: Mapping[str, tuple[str, str]] = {"lock": ("locked", "unlocked"), "cover": ("open", "closed")}
_OPENED: Mapping[str, str] = {"open_cover": "on", "close_cover": "off", "lock": "on", "unlock": "off"}
_DIMMED: dict[str, Any] = {"supported_color_modes": ["brightness"]}


class Plain:
    """Implements parts.Dialect."""

    part = ""
    missing = ""
    left_out = 0
    is_curious = False

    def __init__(self, configured: Mapping[str, MqttThing]) -> None:
        """Take them by the names that people say."""
        self._settings: dict[str, MqttThing] = {}
        """By id."""
        self._things: dict[str, Thing] = {}
        self._gone: set[str] = set()
        for name, settings in configured.items():
            thing = parts.called(settings.kind, name, "", Label(name, settings.aliases, settings.room))
            if thing is not None:
                self._settings[thing.id] = settings
                self._things[thing.id] = replace(thing, attributes=_unchanging(settings))
        topics = [(one.state_topic, one.availability_topic) for one in self._settings.values()]
        self.patterns: tuple[str, ...] = tuple(dict.fromkeys(topic for both in topics for topic in both if topic))

    def largest(self, pattern: str) -> int:
        """Return how large a payload of a pattern may be."""
        return LARGEST_STATE

    @property
    def things(self) -> Iterator[Thing]:
        """What there is."""
        for key, thing in self._things.items():
            yield replace(thing, state=GONE) if key in self._gone else thing

    def take(self, message: Message) -> tuple[str, ...]:
        """Take a message in; return the ids of the things that have told their state with it."""
        heard = []
        for key, settings in self._settings.items():
            if message.topic == settings.availability_topic:
                (self._gone.add if message.payload == b"offline" else self._gone.discard)(key)
            if message.topic == settings.state_topic and (state := _state(settings, message)):
                self._things[key] = replace(self._things[key], state=state)
                heard.append(key)
        return tuple(heard)

    def publications(self, thing: Thing, call: Call) -> tuple[Publication, ...]:
        """Return what makes a thing do it. Raise ToolError where it cannot."""
        settings, known = self._settings[thing.id], self._things[thing.id]
        if not settings.command_topic:
            raise ToolError(f"{thing.name} can only be asked for its state")
        dimmed = call.data.get("brightness_pct")
        if call.data and (dimmed is None or len(call.data) > 1 or not settings.brightness_topic):
            raise ToolError(f"{thing.name} cannot do that")
        sent = [Publication(settings.command_topic, _payload(settings, known, call))]
        if dimmed is not None:
            level = round(dimmed * settings.brightness_max / 100)
            sent.append(Publication(settings.brightness_topic, str(level)))
        return tuple(sent)

    def tells(self, thing: Thing) -> bool:
        """Say whether it has a topic for that."""
        return bool(self._settings[thing.id].state_topic)

    def questions(self) -> tuple[Publication, ...]:
        """Return nothing: nobody knows how such a thing could be asked."""
        return ()

    def forget(self) -> None:
        """Nothing was asked."""


def _unchanging(settings: MqttThing) -> dict[str, Any]:
    dimmed = _DIMMED if settings.brightness_topic else {}
    return {**dimmed, **({"unit_of_measurement": settings.unit} if settings.unit else {})}


def _payload(settings: MqttThing, known: Thing, call: Call) -> str:
    """Return what to write on the command's topic. Raise ToolError."""
    if call.service == "stop_cover":
        if not settings.payload_stop:
            raise ToolError(f"{known.name} cannot be stopped")
        return settings.payload_stop
    toggled = "off" if known.state in ("on", "open") else "on"
    wanted = {"turn_on": "on", "turn_off": "off", "toggle": toggled, "press": "on", **_OPENED}.get(call.service)
    if wanted is None:
        raise ToolError(f"{known.name} cannot do that")
    return settings.payload_on if wanted == "on" else settings.payload_off


def _state(settings: MqttThing, message: Message) -> str:
    """Return the state that a message tells; "" for one that tells none."""
    told = text_of(message) or ""
    if settings.value:
        try:
            found: object = json_of(message)
        except PayloadError:
            return ""
        for name in settings.value.split("."):
            found = parts.values_of(found).get(name)
        told = found if isinstance(found, str) else parts.word(found)
    if settings.kind == "sensor":
        return parts.word(told)
    on, off = _STATES.get(settings.kind, ("on", "off"))
    meant = {settings.state_off or settings.payload_off: off, settings.state_on or settings.payload_on: on}
    return meant.get(told, "")
