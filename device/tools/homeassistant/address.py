"""Where Home Assistant is, and whether its token may be sent there."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from device.kit.addresses import leaves_home_in_clear, of_web
from device.settings import Mistake
from device.tools.homeassistant.settings import HomeAssistant


def mistakes(settings: HomeAssistant) -> Iterator[Mistake]:
    """Refuse an address of another kind, and one to which the token would go unencrypted through the internet."""
    if not settings.url:
        return
    if (parts := of_web(settings.url)) is None:
        yield Mistake("url", ' must be the address of its page, e.g. "http://homeassistant.local:8123"')
    elif leaves_home_in_clear(parts):
        yield Mistake("url", ": the token would leave the house unencrypted; use https://, or its address at home")
    if not settings.exposed_only and not settings.allow:
        yield Mistake("exposed_only", " = false needs `allow`, or the model could use everything in the house")


def socket_url(url: str) -> str:
    """Return the address of its WebSocket API."""
    parts = urlsplit(url)
    return f"{'wss' if parts.scheme == 'https' else 'ws'}://{parts.netloc}{parts.path.rstrip('/')}/api/websocket"
