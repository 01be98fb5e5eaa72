"""Whether the settings can be right, and what this device is called at the broker."""

from __future__ import annotations

import re
from collections.abc import Iterator

from device.kit.addresses import is_home
from device.settings import Mistake
from device.tools.mqtt.messages import topic_mistake
from device.tools.mqtt.settings import Mqtt

PLAIN, ENCRYPTED = 1883, 8883
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_HOST = re.compile(r"[A-Za-z0-9._:-]+")


def mistakes(settings: Mqtt) -> Iterator[Mistake]:
    """Refuse what cannot work, and a broker to which everything would go unencrypted through the internet."""
    if settings.host and not _HOST.fullmatch(settings.host):
        yield Mistake("host", ' must be a name or an address alone, e.g. "homeassistant.local"; `port` is beside it')
    elif settings.host and not settings.tls and not is_home(settings.host):
        yield Mistake("host", ": all would leave the house unencrypted; set tls = true, or give its address at home")
    if settings.ca_file and not settings.tls:
        yield Mistake("ca_file", " is for tls = true")
    if settings.id and not _ID.fullmatch(settings.id):
        yield Mistake("id", ' must be of 1 to 64 letters, digits, "_" and "-"')
    for key, topic in (("topic", settings.topic), ("discovery_prefix", settings.discovery_prefix)):
        wrong = "" if key == "topic" and not topic else topic_mistake(topic)
        if wrong or topic[:1] in ("/", "$") or topic[-1:] == "/":
            yield Mistake(key, f" {wrong or 'must neither begin nor end with /, nor begin with $'}")


def port_of(settings: Mqtt) -> int:
    """Return where the broker listens."""
    return settings.port or (ENCRYPTED if settings.tls else PLAIN)


def id_of(settings: Mqtt, machine: str) -> str:
    """Return what tells this device from others, on a machine of that name."""
    short = machine.partition(".")[0]
    return settings.id or re.sub(r"[^A-Za-z0-9_-]+", "-", short)[:64].strip("-") or "speaker"


def topic_of(settings: Mqtt, machine: str) -> str:
    """Return what its topics begin with."""
    return settings.topic or f"hearthside/{id_of(settings, machine)}"
