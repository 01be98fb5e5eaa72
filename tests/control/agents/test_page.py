"""The recipes of docs/mcp-server.md, as they stand there."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client

from device.cli import _parser
from device.control.agents.allowance import MOST_AT_ONCE
from device.control.agents.calls import PATIENCE_S
from device.control.agents.door import BODY_S, LONGEST_BODY, REQUESTS_PER_MINUTE
from device.control.agents.offers import OFFERS
from device.control.agents.settings import McpServer
from tests.control.agents.stage import COMMAND, TOKEN, AgentHouse, environment, text_of, web
from tests.control.house import serving
from tests.waiting import LIMIT_S

PAGE = (Path(__file__).parents[3] / "docs" / "mcp-server.md").read_text(encoding="utf-8")
RECIPES: list[dict[str, Any]] = [
    json.loads(block)["mcpServers"]["house"] for block in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
]
ON_DEVICE, BY_SSH, BY_HTTP = RECIPES


@pytest.fixture
def path(tmp_path: Path) -> str:
    """A PATH with the command, and an ssh that runs what it is given on this machine."""
    (tmp_path / "hearthside").symlink_to(COMMAND)
    ssh = tmp_path / "ssh"
    ssh.write_text('#!/bin/sh\n[ "$1" = pi@hearthside.local ] || exit 255\nshift\nexec "$@"\n')
    ssh.chmod(0o755)
    return f"{tmp_path}:/usr/bin:/bin"


@pytest.mark.parametrize("recipe", [ON_DEVICE, BY_SSH], ids=["on the device", "by ssh"])
async def test_an_agent_that_starts_it_as_the_page_says_reaches_the_house(
    recipe: dict[str, Any], folder: Path, path: str
) -> None:
    """By its command and arguments."""
    way = StdioServerParameters(**recipe, env={**environment(folder), "PATH": path})
    async with serving(folder, AgentHouse()), Client(way) as agent:
        assert text_of(await agent.call_tool("get_status", {})) == "listening; idle; volume 40 %"


def test_the_line_for_claude_code_starts_the_same() -> None:
    """What stands behind the two dashes."""
    (line,) = re.findall(r"^claude mcp add house -- (.*)$", PAGE, re.MULTILINE)
    assert line.split() == [ON_DEVICE["command"], *ON_DEVICE["args"]]
    _parser().parse_args(line.split()[1:])


async def test_an_agent_of_the_network_reaches_it_as_the_page_says(folder: Path) -> None:
    """With the page's settings, its address (of this machine) and its header."""
    (block,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    settings = tomllib.loads(block)["mcp_server"]
    assert BY_HTTP["url"] == f"http://hearthside.local:{McpServer().port}/mcp"
    async with (
        serving(folder, AgentHouse()),
        web(folder, f"mcp_server.host={settings['host']}", token=TOKEN) as server,
    ):
        url = BY_HTTP["url"].replace("hearthside.local", "localhost").replace(str(McpServer().port), str(server.port))
        headers = {name: value.replace("TOKEN", TOKEN) for name, value in BY_HTTP["headers"].items()}
        async with (
            httpx2.AsyncClient(headers=headers, timeout=LIMIT_S) as http,
            Client(streamable_http_client(url, http_client=http)) as agent,
        ):
            assert text_of(await agent.call_tool("set_volume", {"percent": 30})) == "30 %"


def test_the_page_has_every_tool_and_every_figure() -> None:
    """As the program has them."""
    rows = dict(re.findall(r"^\| `(\w+)` \| .* \| ?(.*?) ?\|$", PAGE, re.MULTILINE))
    said = {"reads only": (True, False), "takes away": (False, True), "": (False, False)}
    assert {name: said[hint] for name, hint in rows.items()} == {
        offer.name: (offer.hints.read_only, offer.hints.destructive) for offer in OFFERS
    }
    for words in (
        f"at most {McpServer().speeches_per_minute} times a minute for what is spoken",
        f"{McpServer().orders_per_minute} times for the rest",
        f"and {MOST_AT_ONCE} at a time",
        f"within {PATIENCE_S / 60:g} minutes",
        f"may have {LONGEST_BODY // 1024} kB, must come within {BODY_S:g} s, and there may be {REQUESTS_PER_MINUTE} in",
    ):
        assert words in " ".join(PAGE.split()), words
