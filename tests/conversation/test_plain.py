"""A key is not sent in the open: `ws://` stays in the house."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from device.conversation.openai.provider import TABLE as OPENAI
from device.core import events as ev
from device.core.actions import TurnEnd
from device.core.events import Failure
from device.errors import ConfigError
from device.house import configuration
from device.house.configuration import Config
from device.kit import dial
from tests.conversation.scripted_server import scripted_server
from tests.conversation.test_session import KEY, House, accept_and_listen

OUTSIDE = "203.0.113.7"


def settings(url: str, **more: Any) -> Config:
    """Return a configuration with that URL."""
    return configuration.parse({"conversation": {"openai": {"url": url, **more}}})


@pytest.mark.parametrize("host", ["8.8.8.8", "8.8.8.8:8000", "[2001:4860:4860::8888]", "134744072", "[::ffff:8.8.8.8]"])
def test_an_address_outside_is_refused_with_the_configuration(host: str) -> None:
    """Before anything is dialled; the message says what to do."""
    with pytest.raises(ConfigError, match=r"conversation\.openai\.url .* wss://, or set .*allow_plain = true"):
        settings(f"ws://{host}/v1/realtime")
    assert settings(f"wss://{host}/v1/realtime")
    assert settings(f"ws://{host}/v1/realtime", allow_plain=True)


@pytest.mark.parametrize("host", ["127.0.0.1", "192.168.1.7:8000", "[fd00::1]", "nas.local", "nas", "nas.example.com"])
def test_what_is_in_the_house_or_a_name_is_not(host: str) -> None:
    """Where a name leads is seen when it is dialled."""
    assert settings(f"ws://{host}/v1/realtime")


def test_it_can_be_insisted_on_for_one_run(tmp_path: Any) -> None:
    """As after --set."""
    file = tmp_path / "config.toml"
    file.write_text('[conversation.openai]\nurl = "ws://8.8.8.8/v1/realtime"\n')
    assert configuration.load(file, ["conversation.openai.allow_plain=true"]).of(OPENAI).allow_plain
    with pytest.raises(ConfigError):
        configuration.load(file)


@pytest.fixture
def dialled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return what is connected to; the name of the tests leads outside, and home as well when that is asked for."""
    addresses: list[str] = []
    connect = dial.connect

    async def note(found: Any) -> socket.socket:
        addresses.extend(address[0] for *_, address in found)
        return await connect(found)

    monkeypatch.setattr(dial, "connect", note)
    return addresses


def leads_to(monkeypatch: pytest.MonkeyPatch, *addresses: tuple[str, int]) -> None:
    """Let every name have these addresses."""
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", address) for address in addresses]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)


async def test_a_name_that_leads_outside_is_refused_when_it_is_dialled(
    monkeypatch: pytest.MonkeyPatch, dialled: list[str]
) -> None:
    """Nothing is connected to; a proxy, which would see the key, is not asked either."""
    leads_to(monkeypatch, (OUTSIDE, 80))
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1/")
    failed = await House("ws://voice.example.com/v1").failure()
    assert failed.failure is Failure.PLAIN
    assert "allow_plain = true" in failed.message
    assert OUTSIDE in failed.message
    assert KEY not in failed.message
    assert dialled == []


async def test_of_a_name_that_leads_to_both_the_address_in_the_house_is_taken(
    monkeypatch: pytest.MonkeyPatch, dialled: list[str]
) -> None:
    """And no other is tried."""
    async with scripted_server(accept_and_listen) as server:
        port = int(server.url.rpartition(":")[2].partition("/")[0])
        leads_to(monkeypatch, (OUTSIDE, port), ("127.0.0.1", port))
        house = House("ws://voice.example.com/v1")
        house.conversation.open(1, TurnEnd.PROVIDER)
        await house.event(ev.SessionReady)
        await house.conversation.aclose()
    assert dialled == ["127.0.0.1"]


async def test_who_insists_is_connected(monkeypatch: pytest.MonkeyPatch, dialled: list[str]) -> None:
    """Wherever it leads."""
    leads_to(monkeypatch, ("127.0.0.1", 1))
    monkeypatch.setattr(dial, "is_home_address", lambda address: False)
    failed = await House("ws://voice.example.com/v1", allow_plain=True).failure()
    assert failed.failure is Failure.UNREACHABLE
    assert dialled == ["127.0.0.1"]
