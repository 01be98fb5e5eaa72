"""A real client of MCP, over both ways and both protocols, against the real command; the house is one of ours."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from device.control.agents.door import LONGEST_BODY, REQUESTS_PER_MINUTE
from device.core.actions import Outcome
from device.core.events import AnnouncementRequested, AnnouncementWithdrawn, MuteRequested, StopRequested
from tests.control.agents.stage import (
    TOKEN,
    AgentHouse,
    Mode,
    Reach,
    Server,
    over_http,
    over_stdio,
    started,
    stdio,
    text_of,
    web,
)
from tests.control.house import serving, short_folder
from tests.waiting import LIMIT_S, until

BOTH_WAYS = pytest.mark.parametrize("reach", [over_stdio, over_http])
BOTH_PROTOCOLS = pytest.mark.parametrize("mode", ["auto", "legacy"])

INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}},
}
HEADERS = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}


def announced(house: AgentHouse) -> list[AnnouncementRequested]:
    """Return what the house was to say."""
    return [fact for fact in house.facts if isinstance(fact, AnnouncementRequested)]


@BOTH_WAYS
@BOTH_PROTOCOLS
async def test_an_agent_does_what_it_may(folder: Path, reach: Reach, mode: Mode) -> None:
    """Every tool once; what it is told, and what the house was told."""
    house = AgentHouse()
    async with serving(folder, house), reach(folder, mode) as agent:
        assert (agent.protocol_version == "2026-07-28") is (mode == "auto")
        names = [tool.name for tool in (await agent.list_tools()).tools]
        assert names[:3] == ["say", "ask", "get_status"]
        assert text_of(await agent.call_tool("get_status", {})) == "listening; idle; volume 40 %"
        assert text_of(await agent.call_tool("set_volume", {"percent": 70})) == "70 %"
        assert text_of(await agent.call_tool("list_timers", {})) == "#1 pasta timer: in 4 minutes"
        assert text_of(await agent.call_tool("cancel_timer", {"name": "pasta"})) == "Cancelled: the pasta timer"
        refused = await agent.call_tool("cancel_timer", {"name": "tea"})
        assert (refused.is_error, text_of(refused)) == (True, "nothing like that is set")
        # This house has no timers that can be set.
        refused = await agent.call_tool("set_timer", {"seconds": 60})
        assert (refused.is_error, "no tool called" in text_of(refused)) == (True, True)
        await agent.call_tool("stop", {})
        asking = asyncio.create_task(agent.call_tool("ask", {"text": "shall I\ngo on?"}))
        await until(lambda: len(announced(house)) == 1, "the question")
        (question,) = announced(house)
        assert (question.text, question.asks, question.urgent) == ("shall I go on?", True, False)
        house.settle(question.ticket, Outcome.ANSWERED, "yes please")
        answer = await asking
        assert (text_of(answer), answer.structured_content) == ("yes please", {"heard": "yes please"})
        told = await agent.call_tool("mute", {})
        assert told.structured_content == {"muted": True}
    assert [type(fact) for fact in house.facts] == [StopRequested, AnnouncementRequested, MuteRequested]


@BOTH_WAYS
async def test_a_house_that_does_not_run_is_told_plainly(folder: Path, reach: Reach) -> None:
    """Before it starts, and when it has gone meanwhile; then the same server serves the next house."""
    async with reach(folder, "auto") as agent:
        for _ in range(2):
            told = await agent.call_tool("get_status", {})
            assert (told.is_error, "hearthside is not running" in text_of(told)) == (True, True)
            house = AgentHouse()
            async with serving(folder, house):
                assert not (await agent.call_tool("get_status", {})).is_error
                asking = asyncio.create_task(agent.call_tool("ask", {"text": "shall I?"}))
                await until(lambda: bool(announced(house)), "the question")  # noqa: B023
            told = await asyncio.wait_for(asking, LIMIT_S)
            assert (told.is_error, text_of(told)) == (True, "hearthside ended before it answered")


@BOTH_WAYS
@BOTH_PROTOCOLS
async def test_a_question_that_the_agent_gives_up_is_withdrawn(folder: Path, reach: Reach, mode: Mode) -> None:
    """Nobody in the room is asked for somebody who does not wait."""
    house = AgentHouse()
    async with serving(folder, house), reach(folder, mode) as agent:
        with contextlib.suppress(Exception):
            await agent.call_tool("ask", {"text": "shall I?"}, read_timeout_seconds=3)
        await until(lambda: any(isinstance(fact, AnnouncementWithdrawn) for fact in house.facts), "a withdrawal")


async def test_a_stop_gets_through_while_speeches_wait(folder: Path) -> None:
    """A third speech is refused meanwhile."""
    house = AgentHouse()
    async with serving(folder, house), over_stdio(folder, "auto") as agent:
        waiting = [asyncio.create_task(agent.call_tool("say", {"text": f"number {number}"})) for number in range(2)]
        await until(lambda: len(announced(house)) == 2, "two speeches")
        refused = await agent.call_tool("say", {"text": "number 3"})
        assert (refused.is_error, "still under way" in text_of(refused)) == (True, True)
        assert not (await agent.call_tool("stop", {})).is_error
        for fact in announced(house):
            house.settle(fact.ticket, Outcome.SAID)
        assert [text_of(await one) for one in waiting] == ["said", "said"]


async def test_speeches_are_rationed(folder: Path) -> None:
    """And what is refused never reaches the house."""
    house = AgentHouse()
    async with (
        serving(folder, house),
        Client(stdio(folder, "mcp_server.speeches_per_minute=2")) as agent,
    ):
        for number in range(2):
            asking = asyncio.create_task(agent.call_tool("say", {"text": "hello"}))
            await until(lambda: len(announced(house)) == number + 1, "a speech")  # noqa: B023
            house.settle(announced(house)[-1].ticket, Outcome.SAID)
            assert text_of(await asking) == "said"
        refused = await agent.call_tool("say", {"text": "hello"})
        assert text_of(refused) == "not done: more than 2 speeches in a minute; wait a minute"
        assert len(announced(house)) == 2


async def post(server: Server, body: bytes | None = None, **headers: str) -> httpx2.Response:
    """Send what begins the old protocol, or something else, with these headers (None leaves one out)."""
    async with httpx2.AsyncClient(timeout=LIMIT_S) as http:
        return await http.post(
            server.url,
            content=json.dumps(INITIALIZE).encode() if body is None else body,
            headers={**HEADERS, **headers},
        )


async def test_with_a_token_only_who_has_it_comes_in(folder: Path) -> None:
    """No log line and no answer has a part of it, or of a wrong one."""
    house = AgentHouse()
    async with serving(folder, house), web(folder, token=TOKEN) as server:
        assert (await post(server)).status_code == 401
        for wrong in ("Bearer guessed-at-random", f"Bearer {TOKEN}x", f"Basic {TOKEN}", "Bearer", TOKEN):
            answer = await post(server, Authorization=wrong)
            assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
            assert TOKEN[:8] not in answer.text
        async with (
            httpx2.AsyncClient(headers={"Authorization": f"Bearer {TOKEN}"}, timeout=LIMIT_S) as http,
            Client(streamable_http_client(server.url, http_client=http)) as agent,
        ):
            assert not (await agent.call_tool("stop", {})).is_error
        assert await server.end() == 0
        assert TOKEN[:8] not in server.log
        assert "guessed" not in server.log
    assert house.facts == [StopRequested()]


async def test_web_pages_cannot_reach_it(folder: Path) -> None:
    """Neither by a name that was made to lead here, nor by this one."""
    async with web(
        folder, "mcp_server.names=['house.example']", "mcp_server.origins=['http://localhost:6274']"
    ) as server:
        for host in ("evil.example", f"evil.example:{server.port}", "127.0.0.1.evil.example", "[evil.example]:80", ""):
            assert (await post(server, Host=host)).status_code == 421, host
        for host in ("house.example", "LOCALHOST:8789", "192.168.7.1:8789", "[::1]:8789"):
            assert (await post(server, Host=host)).status_code == 200, host
        for origin in ("http://evil.example", "null", f"http://127.0.0.1:{server.port}", "http://localhost:6275"):
            assert (await post(server, Origin=origin)).status_code == 403, origin
        assert (await post(server, Origin="http://localhost:6274")).status_code == 200


async def test_large_and_broken_requests_are_refused_and_the_next_one_is_served(folder: Path) -> None:
    """Whether they say how large they are or not."""

    async def endless() -> Any:
        for _ in range(1024):
            yield b"x" * LONGEST_BODY

    async with web(folder) as server:
        assert (await post(server, b"x" * (LONGEST_BODY + 1))).status_code == 413
        async with httpx2.AsyncClient(timeout=LIMIT_S) as http:
            with contextlib.suppress(httpx2.TransportError):
                answer = await http.post(server.url, content=endless(), headers=HEADERS)
                assert answer.status_code == 413
        for nonsense in (b"", b"{", b"[]", b"null", b'{"jsonrpc": "2.0"}', b"\xff\xfe", b"[" * 60_000):
            assert (await post(server, nonsense)).status_code in (400, 406), nonsense[:20]
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(b"POST /mcp HTTP/1.1\r\n" + b"X-Long: " + b"y" * 100_000)
        assert b" 400 " in await asyncio.wait_for(reader.readline(), LIMIT_S)
        writer.close()
        assert (await post(server)).status_code == 200
        assert await server.end() == 0
        assert "Traceback" not in server.log


async def test_a_thousand_requests_are_rationed(folder: Path) -> None:
    """The house sees none of those that are too many, and others without a token take nothing from who has it."""
    house = AgentHouse()
    async with serving(folder, house), web(folder, token=TOKEN) as server:
        async with httpx2.AsyncClient(timeout=LIMIT_S, headers=HEADERS) as http:
            body = json.dumps(INITIALIZE).encode()

            async def codes(headers: dict[str, str], count: int) -> list[int]:
                gate = asyncio.Semaphore(20)

                async def one() -> int:
                    async with gate:
                        return (await http.post(server.url, content=body, headers=headers)).status_code

                return await asyncio.gather(*(one() for _ in range(count)))

            assert set(await codes({}, 300)) == {401}
            found = await codes({"Authorization": f"Bearer {TOKEN}"}, 700)
            assert found.count(429) >= 700 - REQUESTS_PER_MINUTE
            assert found.count(200) > 0
            assert set(found) <= {200, 429, 503}
        assert await server.end() == 0
        assert server.log.count("refused a request") <= 4
    assert house.facts == []


async def test_the_network_is_let_in_with_a_token_only(folder: Path) -> None:
    """One clear message, and the exit code that is not started again."""
    for token, words in ((None, "needs a token"), ("short-token-123", "could be guessed")):
        server = await started(folder, "mcp_server.host=0.0.0.0", token=token)
        async with asyncio.timeout(LIMIT_S):
            _, told = await server.process.communicate()
        assert server.process.returncode == os.EX_CONFIG
        assert words in told.decode()
        assert told.count(b"\n") == 1
        assert b"short-token" not in told
    async with web(folder, "mcp_server.host=0.0.0.0", token=TOKEN) as server:
        assert (await post(server, Authorization=f"Bearer {TOKEN}")).status_code == 200


async def test_a_port_that_is_taken_is_told(folder: Path) -> None:
    """In one line."""
    async with web(folder) as first:
        second = await started(folder, f"mcp_server.port={first.port}")
        async with asyncio.timeout(LIMIT_S):
            _, told = await second.process.communicate()
        assert second.process.returncode == 1
        assert b"cannot listen at 127.0.0.1" in told
        assert told.count(b"\n") == 1


async def test_over_stdio_it_ends_when_told_and_when_its_agent_has_gone() -> None:
    """With 0, and without a word."""
    with short_folder() as folder:
        way = stdio(folder)
        for close in (True, False):
            process = await asyncio.create_subprocess_exec(
                way.command,
                *way.args,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                env=way.env,
            )
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(json.dumps(INITIALIZE).encode() + b"\n")
            assert b"hearthside" in await asyncio.wait_for(process.stdout.readline(), LIMIT_S)
            if close:
                process.stdin.close()
            else:
                process.terminate()
            async with asyncio.timeout(LIMIT_S):
                _, told = await process.communicate()
            assert (process.returncode, told) == (0, b"")


def test_the_daemon_loads_nothing_of_it() -> None:
    """The package is as heavy as the daemon itself."""
    heavy = "{'mcp', 'mcp_types', 'uvicorn', 'starlette', 'pydantic', 'device.control.agents.server'}"
    look = f"import sys, device.house.app, device.cli.run, device.control.client; print(*{heavy} & {{*sys.modules}})"
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
