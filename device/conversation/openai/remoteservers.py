"""MCP servers on the internet that the provider calls by itself: what can be said of them without a network."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from urllib.parse import urlsplit

from msgspec import UNSET

from device.conversation.openai.messages import client_events as client
from device.conversation.openai.settings import OpenAI, RemoteServer
from device.core.events import Way
from device.kit.words import shown
from device.secrets import Secret
from device.settings import Mistake

# It is a part of the names of a secret, of a credential and of the label that the API knows it by.
_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")


def token_name(name: str) -> str:
    """Return the name of the secret that a server wants."""
    return f"OPENAI_MCP_{name.upper()}_TOKEN"


def token_names(settings: OpenAI) -> tuple[str, ...]:
    """Return those of all servers; who has none is called without."""
    return tuple(map(token_name, settings.mcp))


def as_tools(settings: OpenAI, secrets: Mapping[str, Secret]) -> list[client.RemoteTool]:
    """Return how the provider is told of them, with the tokens that were given."""
    return [_as_tool(name, one, secrets.get(token_name(name))) for name, one in settings.mcp.items()]


def _as_tool(name: str, server: RemoteServer, token: Secret | None) -> client.RemoteTool:
    free = client.Approval(never=client.ToolNames(tool_names=[*server.without_approval]))
    return client.RemoteTool(
        server_label=name,
        server_url=server.url,
        authorization=token.reveal() if token else UNSET,
        server_description=server.description or UNSET,
        allowed_tools=[*server.allowed_tools] or UNSET,
        require_approval=free if server.without_approval else server.require_approval,
    )


def hiding(mask: Callable[[str], str], tools: Sequence[client.RemoteTool]) -> Callable[[str], str]:
    """Return a mask that hides their tokens, too: a provider that refuses one may quote it."""
    tokens = [Secret(one.authorization) for one in tools if isinstance(one.authorization, str)]

    def hide(text: str) -> str:
        for each in (mask, *(token.mask for token in tokens)):
            text = each(text)
        return text

    return hide


def confirms(settings: OpenAI) -> dict[str, Way]:
    """Return the keys that ask for a person's yes, and how."""
    asking = {name: one for name, one in settings.mcp.items() if one.require_approval == "always"}
    return {f"conversation.openai.mcp.{name}.confirm": Way(one.confirm) for name, one in asking.items()}


def mistakes(settings: OpenAI) -> Iterator[Mistake]:
    """Yield what is wrong."""
    for name, one in settings.mcp.items():
        if not _NAME.fullmatch(name):
            yield Mistake("mcp", f": {shown(name)} cannot be a name; small letters, digits and underscores, 32 at most")
        if not _is_https(one.url):
            yield Mistake(
                "mcp",
                f": {name}.url must begin with https://, not {shown(one.url)}; OpenAI calls it over the internet "
                "(tools.mcp is for servers in your home)",
            )
        if one.without_approval and one.require_approval == "never":
            yield Mistake("mcp", f': {name}.without_approval has no meaning with require_approval = "never"; remove it')


def _is_https(url: str) -> bool:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return False
    return parts.scheme == "https" and bool(host) and parts.username is None
