"""hearthside mcp: the house that runs here as an MCP server, for agents."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import socket
from collections.abc import Iterator
from typing import Any

from device.cli.run import add_configuration
from device.control.agents.admission import admission
from device.control.agents.calls import Calls
from device.control.agents.check import TABLE
from device.control.agents.settings import TOKEN, McpServer
from device.errors import ConfigError
from device.house import configuration
from device.kit import signals
from device.secrets import Secret, is_given, take_secret, withhold
from device.service import dumps, journal
from device.service.systemd import ServiceManager

log = logging.getLogger(__name__)

_DESCRIPTION = (
    "Lets agents that speak MCP have the Hearthside that runs here say and ask things, and more (docs/mcp-server.md). "
    "Without a further word it serves the program that started it, over standard input and output."
)


def add_to(commands: Any) -> None:
    """Add the command to the parser's subcommands."""
    parser = commands.add_parser("mcp", help="serve agents that speak MCP", description=_DESCRIPTION)
    add_configuration(parser)
    parser.set_defaults(command=_stdio)
    inner = parser.add_subparsers(title="more", metavar="")
    serve = inner.add_parser("serve", help="over HTTP, at mcp_server.host and port (what hearthside-mcp.service runs)")
    add_configuration(serve)
    serve.set_defaults(command=_serve)


def _settings(options: argparse.Namespace, level: str) -> McpServer:
    dumps.forbid()
    settings = configuration.load(options.config, options.overrides).of(TABLE)
    # To standard error: standard output is the protocol's.
    journal.start(level)
    return settings


def _stdio(options: argparse.Namespace) -> int:
    settings = _settings(options, "warning")
    withhold(TOKEN)
    with _loading():
        from device.control.agents.server import serve_stdio
    # There is nothing to put away; and a thread that reads standard input would be waited for.
    signals.leave_at_once(told=0)
    asyncio.run(serve_stdio(Calls(settings)))
    return 0


def _serve(options: argparse.Namespace) -> int:
    settings = _settings(options, "info")
    rules = admission(settings, _token(), socket.gethostname().partition(".")[0])
    with _loading():
        from device.control.agents.web import serve
    asyncio.run(serve(settings, rules, Calls(settings), _ready))
    return 0


def _token() -> Secret | None:
    if not is_given(TOKEN):
        return None
    token = take_secret(TOKEN)
    journal.hide(token.mask)
    return token


@contextlib.contextmanager
def _loading() -> Iterator[None]:
    """Say what is missing; to be told to stop meanwhile needs no traceback."""
    try:
        with signals.importing(told=0):
            yield
    except ImportError as error:
        raise ConfigError(
            f"the MCP server needs the package {error.name}; run scripts/install (or scripts/setup) again, --with mcp"
        ) from error


def _ready(address: str) -> None:
    log.info("ready: agents may call %s", address)
    service = ServiceManager()
    service.notify_status(f"agents may call {address}")
    service.notify_ready()
