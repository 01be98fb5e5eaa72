"""What can be set about MCP servers."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from device.settings import Section


class Server(Section, frozen=True):
    """A server: a program of this machine (`command`), or one in the house or behind https (`url`)."""

    command: tuple[str, ...] = ()
    """The program, with its whole path, and what it is given."""
    url: str = ""
    """Where it is, e.g. "http://homeassistant.local:8123/api/mcp"."""
    token: bool = False
    """Whether it wants a token: the secret mcp_NAME_token, sent to its `url`, or in the variable named below."""
    token_variable: str = ""
    """The environment variable in which a `command` finds its token."""
    environment: Annotated[dict[str, str], Meta(examples=[{"NOTES_FOLDER": "/var/lib/hearthside/notes"}])] = (
        msgspec.field(default_factory=dict)
    )
    """What else a `command` finds in its environment, beside PATH, HOME, LANG and TZ. Nothing secret."""
    allow: tuple[str, ...] = ()
    """The tools that the model may use, by the server's own names. Empty: all that it has."""
    deny: tuple[str, ...] = ()
    """Those that it may not, whatever allows them."""
    confirm: Literal["", "press", "yes"] = ""
    """How a person must say yes before a tool that could destroy something; "": such a tool is left out."""
    confirm_for: tuple[str, ...] | None = None
    """The tools that need that. Left out: those that the server does not call harmless. []: none of them."""
    timeout_s: Annotated[float, Meta(ge=0.1, le=300.0)] | None = None
    """How long a call may take, in seconds; left out: as tools.timeout_s says."""


class Mcp(Section, frozen=True):
    """Tools of MCP servers (docs/mcp.md)."""

    servers: Annotated[dict[str, Server], Meta(examples=[{"notes": {"command": ["/usr/local/bin/notes-mcp"]}}])] = (
        msgspec.field(default_factory=dict)
    )
    """By names of your own: each tool is called by its server's name and its own, notes_search."""
