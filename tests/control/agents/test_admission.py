"""Who may call over HTTP."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.control.agents.admission import Admission, Header, admission
from device.control.agents.settings import McpServer
from device.errors import ConfigError
from device.house import configuration
from device.secrets import Secret

TOKEN = "4ab4f3a8c2d94f7b8e15d3f6a7b9c0de"
HOST = (b"host", b"127.0.0.1:8789")


def status(rules: Admission, *headers: Header) -> int:
    """Return what a request is answered, 200 when it is let in."""
    refusal = rules.refusal(headers)
    return 200 if refusal is None else refusal.status


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost:80", "[::1]:8789", "kitchen", "Kitchen.local.:1", "10.0.0.7:1"]
)
def test_it_is_called_by_an_address_or_by_its_name(host: str) -> None:
    """With a port or without."""
    assert status(admission(McpServer(), None, "kitchen"), (b"host", host.encode())) == 200


@pytest.mark.parametrize(
    "host",
    [
        "",
        "evil.example",
        "localhost.evil.example",
        "127.1",
        "2130706433",
        "localhost:80:1",
        "[::1",
        "::1]",
        "kitchen:x",
    ],
)
def test_another_name_is_refused(host: str) -> None:
    """Such as that of a web page that was made to lead here."""
    assert status(admission(McpServer(), None, "kitchen"), (b"host", host.encode())) == 421


def test_a_request_has_one_host() -> None:
    """None, or two of which one is ours, are nobody's that we know."""
    rules = admission(McpServer(), None, "")
    assert status(rules) == 421
    assert status(rules, HOST, (b"host", b"evil.example")) == 421


def test_web_pages_are_refused_but_for_those_that_are_named() -> None:
    """Even the one that is served at the same address."""
    rules = admission(McpServer(origins=("http://localhost:6274",)), None, "")
    for origin in (
        b"http://evil.example",
        b"null",
        b"",
        b"http://127.0.0.1:8789",
        b"http://localhost:6274.evil.example",
    ):
        assert status(rules, HOST, (b"origin", origin)) == 403
    assert status(rules, HOST, (b"origin", b"http://localhost:6274")) == 200


@given(st.binary(max_size=60))
def test_only_the_token_is_the_token(guess: bytes) -> None:
    """Whatever else comes: not let in, and no error."""
    rules = admission(McpServer(), Secret(TOKEN), "")
    assert status(rules, HOST, (b"authorization", guess)) == 401
    assert status(rules, HOST, (b"authorization", b"Bearer " + guess)) == 401
    assert status(rules, HOST, (b"authorization", f"bearer {TOKEN}".encode())) == 200


def test_the_network_needs_a_token() -> None:
    """One that nobody guesses; this machine alone needs none."""
    with pytest.raises(ConfigError, match="needs a token"):
        admission(McpServer(host="0.0.0.0"), None, "")
    with pytest.raises(ConfigError, match="could be guessed"):
        admission(McpServer(host="0.0.0.0"), Secret("a" * 19), "")
    assert admission(McpServer(host="::1"), None, "").token is None
    assert admission(McpServer(host="0.0.0.0"), Secret(TOKEN), "").token is not None


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("host", "kitchen.example", "is no address"),
        ("names", ["http://kitchen"], "is no name of a machine"),
        ("origins", ["kitchen"], "is none"),
        ("port", 0, "a port from 1 to 65535"),
        ("speeches_per_minute", 0, "from 1 to 600"),
    ],
)
def test_a_wrong_setting_is_refused_with_its_name(key: str, value: object, words: str) -> None:
    """As every key of the configuration is."""
    with pytest.raises(ConfigError, match=rf"mcp_server\.{key}.*{words}"):
        configuration.parse({"mcp_server": {key: value}})
