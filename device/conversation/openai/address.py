"""Is the server's address one to which a key may be sent? What can be told of it without a network."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit, urlunsplit

from device.conversation.openai.settings import OpenAI
from device.errors import ConfigError
from device.kit import addresses
from device.kit.words import shown
from device.ports.provider import Endpoint
from device.settings import Mistake

_LOOKS = "it looks like wss://host/path"


def mistakes(settings: OpenAI) -> Iterator[Mistake]:
    """Yield what is wrong with the address; where a name leads is seen when it is dialled."""
    if not settings.url.startswith(("ws://", "wss://")):
        yield Mistake("url", f" must begin with wss:// (or ws:// in your own network), not {shown(settings.url)}")
    elif settings.url.startswith("ws://") and not settings.allow_plain:
        yield from _plain_mistakes(settings.url)
    if settings.broker and (why := _why_no_broker(settings.broker)):
        yield Mistake("broker", f" {why}, and looks like https://HOST:8788, not {shown(settings.broker)}")


def _why_no_broker(url: str) -> str:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return "is no address"
    if not host or parts.username is not None or parts.path.strip("/") or parts.query or parts.fragment:
        return "has a host and a port, and no more"
    # In clear only to this machine itself, where a proxy may speak TLS for it.
    return "" if parts.scheme == "https" or (parts.scheme == "http" and addresses.is_loopback(host)) else "needs TLS"


def endpoint(url: str) -> Endpoint:
    """Return the host and the port that a URL names. Raise ConfigError when it names none."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise ConfigError(f"conversation.openai.url is not a URL: {error}; {_LOOKS}") from error
    if not host:
        raise ConfigError(f"conversation.openai.url names no host; {_LOOKS}")
    encrypted = parts.scheme == "wss"
    return Endpoint(host, port or (443 if encrypted else 80), encrypted)


def beside(url: str, name: str) -> str:
    """Return the HTTP address of what stands beside the sessions: ".../realtime/client_secrets"."""
    parts = urlsplit(url)
    scheme = "https" if parts.scheme == "wss" else "http"
    # Without name and password: the key has its own place.
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((scheme, host, f"{parts.path.rstrip('/')}/{name}", "", ""))


def _plain_mistakes(url: str) -> Iterator[Mistake]:
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return
    if addresses.literal(host) is not None and not addresses.is_home_address(host):
        yield Mistake(
            "url",
            f" leads out of your own network ({host}) without encryption, and would show the key to everybody on the "
            "way; use wss://, or set conversation.openai.allow_plain = true if that is meant",
        )
