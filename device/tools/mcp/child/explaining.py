"""Why a server is away, in words for people: from whatever the libraries raise."""

from __future__ import annotations

from collections.abc import Iterator

import httpx2
from mcp.shared.exceptions import MCPError

from device.errors import HearthsideError
from device.tools.mcp import wire

REFUSED = (401, 403)
"""The statuses of HTTP that say so of a token."""
_LONGEST = 300
_PROGRAM = "look at its command; what it complains about is in the log (debug)"
_NETWORK = "see whether it runs, and look at its url; it is tried again by itself"
_TOKEN = "give its token anew as the secret mcp_{}_token"
_SETUP = "see whether it is set up there (Home Assistant: the integration Model Context Protocol Server), and its url"


def explained(error: BaseException, endpoint: wire.Endpoint, status: int = 0) -> tuple[str, str]:
    """Return what is wrong, and what to do. `status` is that of the last answer over HTTP; 0: there was none."""
    if status >= 400:
        return _of_status(status, endpoint)
    causes = list(_causes(error))
    for cause in causes:
        if isinstance(cause, HearthsideError):
            return str(cause), _PROGRAM if endpoint.command else _NETWORK
        if isinstance(cause, httpx2.TransportError):
            return f"it cannot be reached ({type(cause).__name__})", _NETWORK
        if isinstance(cause, MCPError):
            what_to_do = _PROGRAM if endpoint.command else _NETWORK
            return f"it does not answer as it should: {cause.error.message[:_LONGEST]}", what_to_do
    named = ", ".join(dict.fromkeys(type(cause).__name__ for cause in causes))
    return f"it does not answer as it should ({named})", _PROGRAM if endpoint.command else _NETWORK


def _of_status(status: int, endpoint: wire.Endpoint) -> tuple[str, str]:
    if status in REFUSED:
        return f"it refuses the token (HTTP {status})", _TOKEN.format(endpoint.name)
    if status == 404:
        return "there is no MCP server at its url (HTTP 404)", _SETUP
    return f"it answers HTTP {status}", _NETWORK


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield the errors that are in a group, and what they came of."""
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from _causes(inner)
        return
    yield error
    if error.__cause__ is not None:
        yield from _causes(error.__cause__)
