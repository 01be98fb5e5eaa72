"""The way to a server over HTTP: where what is not encrypted may go."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import pytest

from device.tools.mcp.child import transports
from device.tools.mcp.child.transports import UnreachableError
from device.tools.mcp.wire import Endpoint

TOKEN = "of-the-home-abcdefgh"


def answering(*addresses: str) -> Any:
    """Return a look-up that finds these, whatever is asked."""

    async def look_up(self: Any, host: str, port: int, **more: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    return look_up


@pytest.mark.parametrize(
    ("url", "found", "used", "host"),
    [
        ("http://nas.local:81/mcp?a=b", ("8.8.8.8", "192.168.1.9"), "http://192.168.1.9:81/mcp?a=b", "nas.local:81"),
        ("http://nas/mcp", ("fd00::9",), "http://[fd00::9]/mcp", "nas"),
        ("http://127.0.0.1:8123/api/mcp", ("127.0.0.1",), "http://127.0.0.1:8123/api/mcp", "127.0.0.1:8123"),
    ],
)
async def test_what_is_not_encrypted_goes_to_an_address_at_home(
    url: str, found: tuple[str, ...], used: str, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To the one that was looked at, and not to what the name leads to a moment later."""
    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", answering(*found))
    asked, headers = await transports._address(Endpoint(name="nas", url=url, token=TOKEN))
    assert asked == used
    assert headers == {"Authorization": f"Bearer {TOKEN}", "Host": host}


async def test_a_name_at_home_that_leads_elsewhere_is_not_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A router that was taken over could say so."""
    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", answering("8.8.8.8"))
    with pytest.raises(UnreachableError, match=r"nas\.local is not at home"):
        await transports._address(Endpoint(name="nas", url="http://nas.local/mcp", token=TOKEN))


async def test_what_is_encrypted_goes_where_its_certificate_leads() -> None:
    """By its name, which the certificate is for."""
    url = "https://mcp.example.com/mcp"
    assert await transports._address(Endpoint(name="far", url=url)) == (url, {})
