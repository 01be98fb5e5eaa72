"""What is wrong with the table of a server is said with its key, and what to do."""

from __future__ import annotations

from typing import Any

import pytest

from device.control.agents.settings import TOKEN as AGENTS_TOKEN
from device.errors import ConfigError
from device.house.catalogue import secret_names
from device.house.configuration import parse
from device.tools.mcp import address

PROGRAM = {"command": ["/usr/bin/notes"]}


def parsed(name: str = "notes", **server: Any) -> Any:
    """Return the configuration with one server."""
    return parse({"tools": {"mcp": {"servers": {name: server}}}})


@pytest.mark.parametrize(
    "server",
    [
        PROGRAM,
        {"url": "http://homeassistant.local:8123/api/mcp", "token": True},
        {"url": "http://192.168.1.4/mcp"},
        {"url": "http://[fd00::1]:80/mcp"},
        {"url": "https://mcp.example.com/mcp", "token": True},
        {**PROGRAM, "token": True, "token_variable": "NOTES_TOKEN", "environment": {"A": "b"}},
        {**PROGRAM, "confirm": "yes", "confirm_for": ["drop"], "timeout_s": 60},
        {**PROGRAM, "confirm_for": []},
    ],
)
def test_a_server_is_a_program_or_an_address(server: dict[str, Any]) -> None:
    """At home without encryption, elsewhere with it."""
    settings = parsed(**server)
    assert ("MCP_NOTES_TOKEN" in secret_names(settings)) == bool(server.get("token"))


@pytest.mark.parametrize(
    ("server", "words"),
    [
        ({}, ["tools.mcp.servers.notes needs either command"]),
        ({**PROGRAM, "url": "http://localhost/mcp"}, ["tools.mcp.servers.notes needs either command"]),
        ({"command": ["npx", "notes"]}, ["servers.notes.command", "whole path", '"npx"']),
        ({"command": ["/bin/x", "a\0b"]}, ["servers.notes.command"]),
        ({"url": "http://mcp.example.com/mcp"}, ["servers.notes.url", "unencrypted", "https://"]),
        ({"url": "http://8.8.8.8/mcp"}, ["servers.notes.url", "unencrypted"]),
        ({"url": "ws://localhost/mcp"}, ["servers.notes.url", "must be the address"]),
        ({"url": "http://me:secret@localhost/mcp"}, ["servers.notes.url", "must be the address"]),
        ({"url": "http://[::1/mcp"}, ["servers.notes.url", "must be the address"]),
        ({"url": "http://localhost/mcp", "environment": {"A": "b"}}, ["servers.notes.environment", "a command"]),
        ({"url": "http://localhost/mcp", "token_variable": "A"}, ["servers.notes.token_variable", "a command"]),
        ({**PROGRAM, "token": True}, ["servers.notes.token", "token_variable"]),
        ({**PROGRAM, "token_variable": "A"}, ["servers.notes.token", "token_variable"]),
        ({**PROGRAM, "environment": {"LD_PRELOAD": "/x.so"}}, ["servers.notes.environment", "LD_PRELOAD"]),
        ({**PROGRAM, "environment": {"A B": "x"}}, ["servers.notes.environment", "A B"]),
        ({**PROGRAM, "confirm_for": ["drop"]}, ["servers.notes.confirm_for", "confirm ="]),
        ({**PROGRAM, "allow": ["a", "b"], "deny": ["b"]}, ["servers.notes.deny", "b is allowed and denied"]),
        ({**PROGRAM, "confirm": "maybe"}, ["servers.notes.confirm"]),
        ({**PROGRAM, "comand": []}, ["comand", "[tools.mcp.servers.notes]", "did you mean"]),
    ],
)
def test_what_is_wrong_is_said_with_its_key(server: dict[str, Any], words: list[str]) -> None:
    """Before anything is started."""
    with pytest.raises(ConfigError) as caught:
        parsed(**server)
    for word in words:
        assert word in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("name", ["Notes", "my notes", "x" * 21, "1st", ""])
def test_a_server_has_a_name_that_tools_can_begin_with(name: str) -> None:
    """And that is part of the name of its secret."""
    with pytest.raises(ConfigError, match="lower-case letters"):
        parsed(name, **PROGRAM)


def test_no_server_is_sent_the_token_of_agents() -> None:
    """Whose secret has the name that the one of a server called "server" would have."""
    assert address.AGENTS_TOKEN == AGENTS_TOKEN == address.secret_name("server")
    assert parsed("server", **PROGRAM)
    with pytest.raises(ConfigError, match=r"tools\.mcp\.servers\.server\.token .*agents"):
        parsed("server", url="http://localhost/mcp", token=True)


def test_there_are_not_dozens_of_servers() -> None:
    """Each of them has tools that are told in every session."""
    servers = {f"n{number}": PROGRAM for number in range(address.MOST_SERVERS + 1)}
    with pytest.raises(ConfigError, match=r"tools.mcp.servers: there are 9, and there may be 8"):
        parse({"tools": {"mcp": {"servers": servers}}})
