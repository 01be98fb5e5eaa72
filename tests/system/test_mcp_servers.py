"""MCP servers of others: made with the package mcp 1.30, as most are that people run; and Home Assistant's own."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from device.errors import ToolError
from device.secrets import Secret
from device.tools.mcp.settings import Server
from tests.ports import free_port
from tests.system.homeassistant import RealHome, _inside
from tests.system.roots import kept
from tests.tools.homeassistant.owner import owner_of
from tests.tools.mcp.bridging import SERVERS, bridged, names, use
from tests.waiting import until

pytestmark = pytest.mark.system
VERSION = "1.30.0"
LIMIT_S = 120.0


def _make(folder: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    subprocess.run([folder / "bin/python", "-m", "pip", "install", "-q", f"mcp=={VERSION}"], check=True)


@pytest.fixture(scope="module")
def python() -> str:
    """An interpreter that has the package; made once."""
    folder = kept(f"elder-mcp-{VERSION}-{sys.version_info.minor}", _make)
    return str(folder / "bin/python")


async def _used(server: Server, folder: Path) -> None:
    async with bridged({"elder": server}) as bridge:
        assert names(bridge) == ["elder_write_note", "elder_boom", "elder_learn"]
        assert "«written: a»" in await use(bridge, "elder_write_note", name="a", text="b")
        assert (folder / "a.txt").read_text("utf-8") == "b"
        with pytest.raises(ToolError, match="no such luck"):
            await use(bridge, "elder_boom")
        await use(bridge, "elder_learn", name="extra")
        await until(lambda: "elder_extra" in names(bridge), "the new tool")
        assert await use(bridge, "elder_extra")


async def test_an_elder_program_is_used_and_followed(python: str, tmp_path: Path) -> None:
    """It knows no `server/discover`, and tells of changes by a notification."""
    await _used(Server(command=(python, str(SERVERS / "elder.py"), str(tmp_path))), tmp_path)


async def test_an_elder_server_over_http_is_used_and_followed(python: str, tmp_path: Path) -> None:
    """With sessions and a stream of notifications."""
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        *(python, str(SERVERS / "elder.py"), str(tmp_path), str(port)), stderr=asyncio.subprocess.DEVNULL
    )
    try:
        await _used(Server(url=f"http://localhost:{port}/mcp"), tmp_path)
    finally:
        process.kill()
        await process.wait()


class Home(RealHome):
    """One that may install what the integration needs, as somebody's would."""

    def command(self) -> Sequence[str]:
        """See RealHome."""
        return _inside(self._root, "python -m homeassistant -c /srv/config", self.folder)

    def add_integration(self) -> None:
        """Set the integration up, as its page does."""
        flows = f"{self.url}/api/config/config_entries/flow"
        flow = self._post(flows, {"handler": "mcp_server"})["flow_id"]
        assert self._post(f"{flows}/{flow}", {})["result"]["state"] == "loaded"

    def _post(self, url: str, body: dict[str, Any]) -> Any:
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self.token}"}
        request = urllib.request.Request(url, json.dumps(body).encode(), headers)
        with urllib.request.urlopen(request, timeout=LIMIT_S) as answer:
            return json.load(answer)


async def test_homeassistant_switches_a_lamp_by_its_own_server(tmp_path: Path) -> None:
    """Not set up, it is missed; then it is there by itself, and by its own word only what reads is harmless."""
    with Home(tmp_path / "config") as home:
        server = Server(url=f"{home.url}/api/mcp/assist", token=True, confirm="press")
        async with owner_of(home.url, home.token) as owner:
            while (await owner.command("get_config"))["state"] != "RUNNING":
                await asyncio.sleep(0.1)
            await owner.expose("light.bed_light")
            await owner.call("light.turn_off", "light.bed_light")
            async with bridged({"home": server}, {"home": Secret(home.guest_token)}, wait=False) as bridge:
                await until(lambda: "HTTP 404" in bridge.health()[0].why, "that it is missed", LIMIT_S)
                assert "Model Context Protocol Server" in bridge.health()[0].what_to_do
                await asyncio.to_thread(home.add_integration)
                await until(lambda: bridge.connected, "the server", LIMIT_S)
                free = {tool.name for tool in bridge.tools() if tool.confirm({}) is None}
                assert free == {"home_homeassistant__GetLiveContext", "home_llm__GetDateTime"}
                assert "Bed Light" in await use(bridge, "home_homeassistant__GetLiveContext")
                said = await use(bridge, "home_intent__HassTurnOn", name="Bed Light")
                assert "action_done" in said
                assert (await owner.state("light.bed_light"))["state"] == "on"
