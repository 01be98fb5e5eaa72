"""What can be set about MQTT."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from device.settings import Section

Port = Annotated[int, Meta(ge=1, le=65_535, description="a port from 1 to 65535")]


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
