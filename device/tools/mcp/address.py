"""Where servers are, whether what is said may be sent there, and what is wrong in their tables. No I/O."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from device.kit.addresses import leaves_home_in_clear, of_web
from device.settings import Mistake
from device.tools.mcp.settings import Mcp, Server

MOST_SERVERS = 8
"""Each has a process or a connection, and tools that the model reads in every session."""

AGENTS_TOKEN = "MCP_SERVER_TOKEN"
"""That of who calls this house (docs/mcp-server.md): whoever had it could speak in the house's voice."""

_NAME = re.compile(r"[a-z][a-z0-9_]{0,19}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# What would have the program loader or an interpreter run something else.
_LOADED = re.compile(r"LD_.*|PYTHON.*|NODE_OPTIONS|BASH_ENV|ENV")


def mistakes(settings: Mcp) -> Iterator[Mistake]:
    """Yield what the types cannot refuse."""
    if len(settings.servers) > MOST_SERVERS:
        yield Mistake("servers", f": there are {len(settings.servers)}, and there may be {MOST_SERVERS}")
    for name, server in settings.servers.items():
        if not _NAME.fullmatch(name):
            yield Mistake("servers", f': "{name[:40]}": a name has up to 20 lower-case letters, digits and _')
            continue
        if server.token and secret_name(name) == AGENTS_TOKEN:
            yield Mistake(
                f"servers.{name}.token", " would be the one that agents of this house show; call it otherwise"
            )
        for mistake in _mistakes(server):
            yield replace(mistake, key=".".join(filter(None, ("servers", name, mistake.key))))


def secret_name(server: str) -> str:
    """Return the name of the secret that is the token of a server."""
    return f"MCP_{server.upper()}_TOKEN"


def _mistakes(server: Server) -> Iterator[Mistake]:
    if bool(server.command) == bool(server.url):
        yield Mistake("", ' needs either command = ["/path/of/the/program"] or url = "http://..."')
    elif server.url:
        yield from _mistakes_of_url(server)
    else:
        yield from _mistakes_of_command(server)
    if server.confirm_for and not server.confirm:
        yield Mistake("confirm_for", ' needs confirm = "press" or "yes"')
    if both := set(server.allow) & set(server.deny):
        yield Mistake("deny", f": {min(both)} is allowed and denied; name it in one of them")


def _mistakes_of_url(server: Server) -> Iterator[Mistake]:
    parts = of_web(server.url)
    if parts is None or parts.fragment:
        yield Mistake("url", ' must be the address of an MCP server, e.g. "http://homeassistant.local:8123/api/mcp"')
    elif leaves_home_in_clear(parts):
        yield Mistake("url", ": what is said with it would leave the house unencrypted; use https://")
    if server.environment or server.token_variable:
        key = "environment" if server.environment else "token_variable"
        yield Mistake(key, " belongs to a server with a command; one with a url has an environment of its own")


def _mistakes_of_command(server: Server) -> Iterator[Mistake]:
    if not server.command[0].startswith("/"):
        yield Mistake("command", f': give the whole path of the program ("{server.command[0]}" begins with no /)')
    if any("\0" in part for part in (*server.command, *server.environment.values())):
        yield Mistake("command", ": a character of it cannot be passed to a program")
    if server.token != bool(server.token_variable):
        yield Mistake("token", ' = true and token_variable = "NAME", in which the command finds it, belong together')
    for variable in (*server.environment, *filter(None, [server.token_variable])):
        if not _VARIABLE.fullmatch(variable) or _LOADED.fullmatch(variable):
            yield Mistake("environment", f": {variable[:40]} cannot be set here")
