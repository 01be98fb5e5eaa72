"""What can be set about MQTT, and about things on a broker."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from msgspec import Meta, field

from device.settings import Mistake, Section

Port = Annotated[int, Meta(ge=1, le=65_535, description="a port from 1 to 65535")]


Kind = Literal["light", "switch", "fan", "lock", "cover", "sensor", "binary_sensor", "button"]


class MqttHome(Section, frozen=True):
    """The things of others that the model may use (docs/mqtt-things.md)."""

    zigbee2mqtt: str = ""
    """The base topic of Zigbee2MQTT, "zigbee2mqtt" unless it was changed; "": its devices are not used."""
    tasmota: str = ""
    """What the topics begin with on which Tasmota announces devices: "tasmota/discovery"; "": they are not used."""
    area: str = ""
    """The room in which this device stands: "turn on the light" means the one there."""
    allow: tuple[str, ...] = ()
    """What the model may use: things ("light.kitchen_ceiling"), kinds ("light") or rooms ("kitchen"). Empty: all."""
    deny: tuple[str, ...] = ()
    """What it may not, whatever allows it: named in the same way, or by name ("Freezer")."""
    confirm: Literal["", "press", "yes"] = ""
    """How a person must say yes before what `confirm_for` names is unlocked, opened or switched; "": it never is."""
    confirm_for: tuple[str, ...] = ("lock",)
    """What needs that, named as in `deny`."""

    def mistakes(self) -> Iterator[Mistake]:
        """Refuse what is no topic."""
        for key, given in (("zigbee2mqtt", self.zigbee2mqtt), ("tasmota", self.tasmota)):
            if given and (not _is_topic(given) or given.strip("/ ") != given or given.startswith("$")):
                yield Mistake(key, ' must be a topic without + and #, and without "/" at its ends')


class MqttThing(Section, frozen=True):
    """A thing on topics of its own, or the name and the room of one that announces itself."""

    device: str = ""
    """The friendly name or address in Zigbee2MQTT, or the topic in Tasmota, of what is called so; then no topics."""
    room: str = ""
    """Where it is."""
    aliases: tuple[str, ...] = ()
    """What you call it, too."""
    kind: Kind = "switch"
    """What it is. A button is only pressed; sensors only tell."""
    command_topic: str = ""
    """Where it is told what to do."""
    state_topic: str = ""
    """Where it tells its state; "": it never does."""
    payload_on: str = "ON"
    """What switches it on, opens it (a cover), locks it (a lock) or presses it (a button)."""
    payload_off: str = "OFF"
    """What switches it off, closes or unlocks it."""
    payload_stop: str = ""
    """What stops a cover; "": it cannot be stopped."""
    state_on: str = ""
    """What it tells when it is on, open or locked; "": `payload_on`."""
    state_off: str = ""
    """What it tells when it is off, closed or unlocked; "": `payload_off`."""
    value: str = ""
    """Where the state stands in a JSON text, e.g. "sensors.temperature"; "": the whole text is the state."""
    unit: str = ""
    """Of what a sensor measures, e.g. "°C"."""
    brightness_topic: str = ""
    """Where a light is told its brightness; "": it cannot be dimmed."""
    brightness_max: Annotated[int, Meta(ge=1, le=65_535)] = 100
    """What is written there for all of it."""
    availability_topic: str = ""
    """Where it tells "online" or "offline"."""

    def mistakes(self) -> Iterator[Mistake]:
        """Refuse what is no topic, and what could neither be told anything nor tell it."""
        for key in ("command_topic", "state_topic", "brightness_topic", "availability_topic"):
            given = getattr(self, key)
            if given and not _is_topic(given):
                yield Mistake(key, " must be one topic, without + and #, of 512 bytes at most")
        topics = (self.command_topic, self.state_topic, self.brightness_topic, self.availability_topic)
        if self.device and any(topics):
            yield Mistake("device", " names what announces itself: leave out the topics")
        elif not self.device and not (self.state_topic if "sensor" in self.kind else self.command_topic):
            missing = "state_topic" if "sensor" in self.kind else "command_topic"
            yield Mistake(missing, " is missing: a topic, or device = the name of what announces itself")


def _is_topic(text: str) -> bool:
    """Say whether something can be published there: MQTT 5.0, section 4.7."""
    return text.isprintable() and not {"+", "#"} & set(text) and len(text.encode(errors="replace")) <= 512


class Mqtt(Section, frozen=True):
    """The broker of the house (docs/mqtt.md). The password, where it wants one, is a secret: mqtt_password."""

    host: str = ""
    """Where the broker is, e.g. "homeassistant.local"; "": there is none."""
    port: Port | None = None
    """Where it listens; unset: 1883, with TLS 8883."""
    tls: bool = False
    """Whether the connection is encrypted; without, the broker must be in the house."""
    ca_file: str = ""
    """The certificate (PEM) of who vouches for the broker; "": those that the system trusts."""
    username: str = ""
    """Who this device is there; "": nobody, and no password is sent."""
    id: str = ""
    """What tells it from other devices, of letters, digits, "_" and "-"; "": the machine's name."""
    topic: str = ""
    """What its topics begin with; "": hearthside/ and its id."""
    name: str = "Hearthside"
    """What it is called in Home Assistant."""
    discovery: bool = True
    """Whether Home Assistant is told what this device has; false takes it back."""
    discovery_prefix: str = "homeassistant"
    """What the topics begin with on which Home Assistant is told."""
    may_unmute: bool = False
    """Whether its mute may be ended through the broker. Whoever may publish there can then have it listen."""
    home: MqttHome = MqttHome()
    """The things of others on the broker that the model may use."""
    things: dict[str, MqttThing] = field(default_factory=dict)
    """Things on topics of their own, by the names that people say."""

    @property
    def has_things(self) -> bool:
        """Whether there is anything of others that the model may use."""
        return bool(self.home.zigbee2mqtt or self.home.tasmota or self.things)
