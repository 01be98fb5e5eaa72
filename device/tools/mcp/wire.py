"""What goes between the house and the process that speaks with the servers: one JSON object a line."""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta, Raw, Struct

from device.kit.outsiders import LONGEST_SENTENCE

LONGEST_LINE = 2 * 1024 * 1024
"""In bytes. Whoever sends a longer one is not what it should be."""
LARGEST_LIST = 1024 * 1024
"""In bytes: of the tools of a server; what is beyond is left out."""
MOST_LISTED = 500
"""Tools of a server; what is beyond is left out."""
LARGEST_SCHEMA = 8_000
"""In bytes: of that of one tool. The model reads it in every session."""
DEEPEST_SCHEMA = 24
"""So many lists and objects within each other: the deepest that is translated has 20."""
LONGEST_NAME = 200
"""In characters, of a tool. Servers are to keep to 128 (MCP 2025-11-25)."""
LONGEST_TEXT = 16_000
"""In characters: of a result, before it is cleaned and cut for the model."""

Line = TypeVar("Line", bound=Struct)


class Endpoint(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A server to speak with; the token is written to no other place than this line."""

    name: str
    command: tuple[str, ...] = ()
    url: str = ""
    token: str = ""
    token_variable: str = ""
    environment: dict[str, str] = {}


class Begin(Struct, frozen=True, tag_field="is", tag="begin"):
    """The first line: whom to speak with."""

    servers: tuple[Endpoint, ...]
    relist_s: float
    """So often each is asked what it has."""
    answer_s: float
    """So long a server may take for what is no call."""
    pauses: float
    """How long the pauses before it is tried again are, as a share of the usual ones."""


class Call(Struct, frozen=True, tag_field="is", tag="call"):
    """Call a tool. Answered with Done or Failed of this number."""

    number: int
    server: str
    tool: str
    arguments: dict[str, Any]


class Cancel(Struct, frozen=True, tag_field="is", tag="cancel"):
    """Nobody waits for the call any more."""

    number: int


class Ping(Struct, frozen=True, tag_field="is", tag="ping"):
    """Answered with Pong."""

    number: int


class Ready(Struct, frozen=True, tag_field="is", tag="ready"):
    """All is loaded."""


class Pong(Struct, frozen=True, tag_field="is", tag="pong"):
    """Its loop turns."""

    number: int


class Unable(Struct, frozen=True, tag_field="is", tag="unable"):
    """It cannot speak with any server."""

    why: str


class Listed(Struct, frozen=True, kw_only=True):
    """A tool, as its server describes it. None: the server does not say."""

    name: Annotated[str, Meta(max_length=LONGEST_NAME)]
    description: Annotated[str, Meta(max_length=LONGEST_SENTENCE)] = ""
    schema: Raw = Raw(b'{"type":"object","properties":{}}')
    """Of its arguments, in the form that a provider takes: see `schema_of`."""
    unusable: Annotated[str, Meta(max_length=LONGEST_SENTENCE)] = ""
    """Why it has no such schema."""
    read_only: bool | None = None
    destructive: bool | None = None


class Tools(Struct, frozen=True, tag_field="is", tag="tools"):
    """What a server has now; it is connected. `version` of the protocol."""

    server: str
    tools: Annotated[tuple[Listed, ...], Meta(max_length=MOST_LISTED)]
    version: str = ""
    left_out: int = 0
    """So many were beyond what is bearable."""


class Lost(Struct, frozen=True, tag_field="is", tag="lost"):
    """A server is not connected; it is tried again."""

    server: str
    why: str
    what_to_do: str


class Done(Struct, frozen=True, tag_field="is", tag="done"):
    """What came of a call, in the server's words; `failed`, when the tool said so."""

    number: int
    text: str
    failed: bool = False


class Failed(Struct, frozen=True, tag_field="is", tag="failed"):
    """A call that did not get to its tool, or from which nothing came back."""

    number: int
    why: str


class Whose(Struct, frozen=True):
    """What is looked at of a line that cannot be understood: whom it is about."""

    server: str = ""
    number: int = 0


ToChild = Begin | Call | Cancel | Ping
ToHouse = Ready | Pong | Unable | Tools | Lost | Done | Failed

to_child = msgspec.json.Decoder(ToChild)
to_house = msgspec.json.Decoder(ToHouse)
whose = msgspec.json.Decoder(Whose)

_schemas = msgspec.json.Decoder(dict[str, Any])


def schema_of(tool: Listed) -> dict[str, Any]:
    """Return the schema of its arguments. Raise ValueError where it is not what the child makes of every schema."""
    raw = bytes(tool.schema)
    if len(raw) > LARGEST_SCHEMA:
        raise ValueError(f"its arguments take more than {LARGEST_SCHEMA} bytes to describe")
    try:
        schema = _schemas.decode(raw)
    except RecursionError as error:
        raise ValueError("its arguments are too deep") from error
    if schema.get("type") != "object" or not isinstance(schema.get("properties"), dict):
        raise ValueError("its arguments are no object")
    if _is_deep(schema):
        raise ValueError("its arguments are too deep")
    return schema


def _is_deep(schema: dict[str, Any]) -> bool:
    level: list[Any] = [schema]
    for _ in range(DEEPEST_SCHEMA):
        inner = (one for outer in level for one in (outer.values() if isinstance(outer, dict) else outer))
        level = [one for one in inner if isinstance(one, (dict, list))]
    return bool(level)


def encode(message: ToChild | ToHouse) -> bytes:
    """Return it as a line."""
    return msgspec.json.encode(message) + b"\n"
