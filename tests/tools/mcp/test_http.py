"""Servers on the LAN: streamable HTTP on real sockets, of this year and the last, and Home Assistant's own way."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from device.core.health import Health
from device.errors import ToolError
from device.secrets import Secret
from device.tools.mcp.bridge import Bridge, Patience
from device.tools.mcp.settings import Server
from tests.ports import free_port
from tests.tools.mcp.bridging import bridged, http_notes, is_well, names, use
from tests.waiting import until

TOKEN = "of-the-home-abcdefgh"


class HomeAssistant:
    """`/api/mcp` as Home Assistant's integration mcp_server answers it: POST only, stateless, plain JSON.

    400 for what is no request of its time, 202 for notifications, 404 where the integration is not set up, 401 without
    its token, and no stream of notifications (405 for GET). The real one is asked by tests/system/test_mcp_servers.py.
    """

    def __init__(self) -> None:
        self.is_set_up = True
        self.token = TOKEN
        self.tools = [{"name": "intent__HassTurnOn", "description": "Turns on", "inputSchema": {"type": "object"}}]
        self.asked: list[tuple[str, Any]] = []
        self.headers: list[dict[str, str]] = []

    async def answer(self, request: web.Request) -> web.Response:
        """See the class."""
        self.headers.append(dict(request.headers))
        if request.headers.get("Authorization") != f"Bearer {self.token}":
            return web.Response(status=401, text="401: Unauthorized")
        if not self.is_set_up:
            return web.Response(status=404, text="Model Context Protocol server is not configured")
        if "application/json" not in request.headers.get("Accept", ""):
            return web.Response(status=400, text="Client must accept application/json")
        message = await request.json()
        self.asked.append((message["method"], message.get("params")))
        if "id" not in message:
            return web.Response(status=202)
        result = self._result(message["method"], message.get("params") or {})
        if result is None:
            return web.Response(status=400, text="Request must be a JSON-RPC message")
        return web.json_response({"jsonrpc": "2.0", "id": message["id"], "result": result})

    def _result(self, method: str, params: dict[str, Any]) -> dict[str, Any] | None:
        match method:
            case "initialize":
                info = {"name": "home-assistant", "version": "1"}
                return {"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}, "serverInfo": info}
            case "tools/list":
                return {"tools": self.tools}
            case "tools/call":
                said = json.dumps({"success": True, "result": params})
                return {"content": [{"type": "text", "text": said}], "isError": False}
            case _:
                return None


@asynccontextmanager
async def serving(home: HomeAssistant) -> AsyncIterator[str]:
    """Serve it; give its URL."""
    application = web.Application()
    application.router.add_post("/api/mcp", home.answer)
    runner = web.AppRunner(application)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield f"http://localhost:{port}/api/mcp"
    finally:
        await runner.cleanup()


def health(bridge: Bridge) -> Health:
    """Return that of the only server."""
    (one,) = bridge.health()
    return one


@pytest.mark.parametrize("options", [(), ("--old",)])
async def test_a_server_of_this_year_or_the_last_is_used_and_followed(tmp_path: Path, options: tuple[str, ...]) -> None:
    """2026-07-28 tells of changes where it is listened to, 2025-11-25 by a notification on its stream."""
    async with http_notes(tmp_path, *options) as url, bridged({"notes": Server(url=url)}) as bridge:
        assert "«written: a»" in await use(bridge, "notes_write_note", name="a", text="b")
        assert (tmp_path / "a.txt").read_text("utf-8") == "b"
        await use(bridge, "notes_learn", name="extra")
        await until(lambda: "notes_extra" in names(bridge), "the new tool")


async def test_a_server_that_was_restarted_is_found_again(tmp_path: Path) -> None:
    """Who calls meanwhile is told plainly; no tool is forgotten."""
    port = free_port()
    server = Server(url=f"http://127.0.0.1:{port}/mcp")
    async with bridged({"notes": server}, patience=Patience(relist_s=0.2, answer_s=1.0), wait=False) as bridge:
        async with http_notes(tmp_path, "--old", port=port):
            await until(lambda: is_well(bridge), "the server")
            before = names(bridge)
        await until(lambda: not is_well(bridge), "that it is noticed")
        assert "cannot be reached" in health(bridge).why
        with pytest.raises(ToolError, match="the MCP server notes cannot be reached"):
            await use(bridge, "notes_write_note", name="a", text="b")
        assert names(bridge) == before
        async with http_notes(tmp_path, "--old", port=port):
            await until(lambda: is_well(bridge), "the new server")
            assert "«written: a»" in await use(bridge, "notes_write_note", name="a", text="b")


async def test_home_assistants_own_server_is_used_with_its_token(tmp_path: Path) -> None:
    """It knows no notifications: what is exposed there later is seen when it is asked again."""
    home = HomeAssistant()
    async with serving(home) as url:
        server = Server(url=url, token=True, confirm_for=())
        patience = Patience(relist_s=0.2)
        async with bridged({"home": server}, {"home": Secret(TOKEN)}, patience) as bridge:
            assert names(bridge) == ["home_intent__HassTurnOn"]
            said = await use(bridge, "home_intent__HassTurnOn", name="lamp")
            assert '"name": "intent__HassTurnOn", "arguments": {"name": "lamp"}' in said
            home.tools.append(
                {"name": "intent__HassTurnOff", "description": "Turns off", "inputSchema": {"type": "object"}}
            )
            await until(
                lambda: names(bridge) == ["home_intent__HassTurnOn", "home_intent__HassTurnOff"], "the new tool"
            )
    assert all(headers["Host"].startswith("localhost:") for headers in home.headers)


@pytest.mark.parametrize(
    ("change", "why", "what_to_do"),
    [
        ({"token": "another-abcdefgh"}, "it refuses the token (HTTP 401)", "the secret mcp_home_token"),
        (
            {"is_set_up": False},
            "there is no MCP server at its url (HTTP 404)",
            "the integration Model Context Protocol",
        ),
    ],
)
async def test_what_is_wrong_there_is_said_with_what_to_do(change: dict[str, Any], why: str, what_to_do: str) -> None:
    """And when it is put right there, nothing need be done here; but a token that was refused is not tried in haste."""
    home = HomeAssistant()
    before = {name: getattr(home, name) for name in change}
    for name, value in change.items():
        setattr(home, name, value)
    async with serving(home) as url:
        server = Server(url=url, token=True, confirm_for=())
        async with bridged({"home": server}, {"home": Secret(TOKEN)}, wait=False) as bridge:
            await until(lambda: health(bridge).why == why, why)
            assert what_to_do in health(bridge).what_to_do
            if "token" in change:
                return
            for name, value in before.items():
                setattr(home, name, value)
            await until(lambda: is_well(bridge), "the server")


async def test_a_token_does_not_follow_a_redirect(tmp_path: Path) -> None:
    """Whoever answers there might send it anywhere."""
    elsewhere = HomeAssistant()
    async with serving(elsewhere) as target:

        async def redirect(request: web.Request) -> web.Response:
            return web.Response(status=307, headers={"Location": target})

        application = web.Application()
        application.router.add_post("/mcp", redirect)
        runner = web.AppRunner(application)
        await runner.setup()
        port = free_port()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        server = Server(url=f"http://localhost:{port}/mcp", token=True)
        async with bridged({"home": server}, {"home": Secret(TOKEN)}, wait=False) as bridge:
            await until(lambda: "does not answer as it should" in health(bridge).why, "that it is noticed")
            assert TOKEN not in health(bridge).why
        await runner.cleanup()
    assert elsewhere.headers == []
