"""What Home Assistant says, as far as it is of use here; the rest is not even decoded. No I/O.

The shapes are those of its WebSocket API: `config/*_registry/*`, `homeassistant/expose_entity/list`, and the events of
`subscribe_entities`, which hold only what has changed. What a name or a state is made of is left open: it comes from
integrations that anybody may write.
"""

from __future__ import annotations

from typing import Any

from msgspec import UNSET, Raw, Struct, field

NOTHING = Raw(b"null")


class Error(Struct, frozen=True):
    """Why a command was refused."""

    code: Any = ""
    message: Any = ""


class Message(Struct, frozen=True):
    """Any message."""

    type: str = ""
    id: int | None = None
    success: bool = False
    result: Raw = NOTHING
    error: Error | None = None
    event: Raw = NOTHING


class Floor(Struct, frozen=True):
    """An entry of `config/floor_registry/list`."""

    floor_id: str
    name: Any = None
    aliases: Any = ()


class Area(Struct, frozen=True):
    """An entry of `config/area_registry/list`."""

    area_id: str
    name: Any = None
    aliases: Any = ()
    floor_id: str | None = None


class Device(Struct, frozen=True):
    """An entry of `config/device_registry/list`."""

    id: str
    area_id: str | None = None
    manufacturer: Any = None


class Registered(Struct, frozen=True):
    """An entry of `config/entity_registry/get_entries`. Aliases may hold null, which stands for the name itself."""

    name: Any = None
    aliases: Any = ()
    area_id: str | None = None
    device_id: str | None = None


class Exposure(Struct, frozen=True):
    """To which assistants an entity is exposed."""

    conversation: bool = False


class Exposed(Struct, frozen=True):
    """The result of `homeassistant/expose_entity/list`."""

    exposed_entities: dict[str, Exposure] = {}


class Known(Struct, frozen=True):
    """An entry of `get_states`."""

    entity_id: str


class Config(Struct, frozen=True):
    """The result of `get_config`."""

    state: str = "RUNNING"


class Plain(Struct, frozen=True):
    """What is spoken, without marks."""

    speech: str = ""


class Speech(Struct, frozen=True):
    """In which forms there is an answer."""

    plain: Plain = Plain()


class Response(Struct, frozen=True):
    """What a conversation agent answers."""

    speech: Speech = Speech()


class Conversation(Struct, frozen=True):
    """The result of `conversation/process`."""

    response: Response = Response()


class Attributes(Struct, frozen=True):
    """The attributes that are of use here. A house of 2,000 things is held in memory."""

    friendly_name: Any = UNSET
    brightness: Any = UNSET
    rgb_color: Any = UNSET
    color_temp_kelvin: Any = UNSET
    supported_color_modes: Any = UNSET
    current_position: Any = UNSET
    percentage: Any = UNSET
    temperature: Any = UNSET
    current_temperature: Any = UNSET
    unit_of_measurement: Any = UNSET
    device_class: Any = UNSET
    hvac_action: Any = UNSET
    media_title: Any = UNSET
    volume_level: Any = UNSET


class Whole(Struct, frozen=True):
    """An entity that was not told of before, or what is new of one."""

    s: Any = UNSET
    a: Attributes = Attributes()


class Gone(Struct, frozen=True):
    """Attributes that an entity has no longer."""

    a: tuple[str, ...] = ()


class Change(Struct, frozen=True):
    """What has changed."""

    new: Whole = field(name="+", default=Whole())
    gone: Gone = field(name="-", default=Gone())


class Event(Struct, frozen=True):
    """An event of `subscribe_entities`: what was added, what has changed, what was removed."""

    a: dict[str, Whole] = {}
    c: dict[str, Change] = {}
    r: tuple[str, ...] = ()
