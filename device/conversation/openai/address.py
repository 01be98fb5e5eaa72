"""Is the server's address one to which a key may be sent? What can be told of it without a network."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from device.conversation.openai.settings import OpenAI
from device.kit import addresses
from device.kit.words import shown
from device.settings import Mistake


def mistakes(settings: OpenAI) -> Iterator[Mistake]:
    """Yield what is wrong with the address; where a name leads is seen when it is dialled."""
    if not settings.url.startswith(("ws://", "wss://")):
        yield Mistake("url", f" must begin with wss:// (or ws:// in your own network), not {shown(settings.url)}")
    elif settings.url.startswith("ws://") and not settings.allow_plain:
        yield from _plain_mistakes(settings.url)


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
