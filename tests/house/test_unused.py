"""What is not configured costs nothing: a house without the features of a connected home loads none of them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import asyncio, json, sys
from pathlib import Path
import pytest
from device.secrets import Secret
from tests.house import cardless

async def main():
    cardless.KEY = {**cardless.KEY, "HOME_ASSISTANT_TOKEN": Secret("x"), "MQTT_PASSWORD": Secret("x")}
    tables = json.loads(sys.argv[2])
    async with cardless.open_cardless(Path(sys.argv[1]), pytest.MonkeyPatch(), **tables) as house:
        house.app.registry.tell()
        print(*sorted(sys.modules))

asyncio.run(main())
"""
FOREIGN = {"aiohttp", "aiomqtt", "anyio", "httpx", "httpx2", "mcp", "opentelemetry", "paho", "pydantic", "starlette"}
LIGHT = {"address", "feature", "messages", "settings"}
"""Files of a feature that declare it, or say what is wrong in its table: read whatever is configured."""
CONNECTED = ("home", "homeassistant", "mcp", "mqtt")
ROOT = Path(__file__).parents[2]


def loaded(folder: Path, tables: str) -> set[str]:
    """Return the modules of a house that runs with these tables."""
    command = [sys.executable, "-c", PROGRAM, str(folder), tables]
    result = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    return set(result.stdout.split())


def of_connected(modules: set[str]) -> set[str]:
    """Return those that belong to a connected home: libraries, and what a feature is made of."""
    parts = [name.split(".") for name in modules]
    libraries = {part[0] for part in parts if part[0] in FOREIGN}
    ours = {
        ".".join(part)
        for part in parts
        if part[:2] == ["device", "tools"] and len(part) > 3 and part[2] in CONNECTED and part[-1] not in LIGHT
    }
    return libraries | ours


def test_a_house_without_a_connected_home_loads_nothing_of_it(tmp_path: Path) -> None:
    """Neither a library nor a link: it starts as soon, and takes as little memory."""
    assert of_connected(loaded(tmp_path, "{}")) == set()


@pytest.mark.parametrize(
    ("tables", "needed"),
    [
        ('{"tools": {"home_assistant": {"url": "http://127.0.0.1:9"}}}', "device.tools.homeassistant.link"),
        ('{"tools": {"mqtt": {"host": "127.0.0.1", "port": 9}}}', "paho"),
        ('{"tools": {"mcp": {"servers": {"nas": {"url": "http://127.0.0.1:9/mcp"}}}}}', "device.tools.mcp.bridge"),
    ],
)
def test_what_is_configured_is_loaded(tables: str, needed: str, tmp_path: Path) -> None:
    """Else nothing could be told from that."""
    assert needed in of_connected(loaded(tmp_path, tables))


def test_mcp_servers_are_spoken_with_in_another_process(tmp_path: Path) -> None:
    """The daemon never loads the package, nor what it brings."""
    modules = loaded(tmp_path, '{"tools": {"mcp": {"servers": {"nas": {"url": "http://127.0.0.1:9/mcp"}}}}}')
    assert not {name.partition(".")[0] for name in modules} & FOREIGN
