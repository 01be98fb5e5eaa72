"""`hearthside tools`: in a whole house, with a tool of one's own."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from device.foreign.gpio import MockBoard
from device.tools.mcp.bridge import Bridge
from tests.cli.test_remote import run
from tests.control.house import short_folder
from tests.house.cardless import open_cardless
from tests.tools.mcp.bridging import SERVERS
from tests.tools.own.test_own import write
from tests.waiting import until


@pytest.fixture
def board() -> Iterator[MockBoard]:
    """A Pi's pins."""
    board = MockBoard()
    yield board
    board.close()


@pytest.mark.usefixtures("board")
async def test_tools_are_listed_and_called(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each with where it comes from; a name that is taken is left out, and so is a wrong file, which status names."""
    folder = tmp_path / "tools.d"
    more = '[arguments.whom]\ntype = "text"\ndescription = "whom"\ndefault = "world"\n'
    file = write(folder, "greet", "/bin/echo", "hello", "{whom}", more=more)
    write(folder, "get_time", "/bin/echo", "late")
    (folder / "wrong.toml").write_text("name = 3\n")
    write(folder, "unlock", "/bin/true", more='confirm = "press"\nmeans = "unlock the door"\n')
    with short_folder() as runtime:
        monkeypatch.setenv("RUNTIME_DIRECTORY", str(runtime))
        tables = {"tools": {"own": {"folder": str(folder)}}, "hardware": {"button": {"pin": 23}}}
        async with open_cardless(tmp_path, monkeypatch, **tables):
            code, out, _ = await run("tools")
            assert code == 0
            lines = out.splitlines()
            at = next(number for number, line in enumerate(lines) if line.startswith("greet "))
            assert lines[at + 1].split() == f"from: {file}; arguments: [whom]".split()
            assert await run("tools", "call", "greet") == (0, "hello world\n", "")
            assert await run("tools", "call", "greet", '{"whom": "you all"}') == (0, "hello you all\n", "")
            code, out, err = await run("tools", "call", "greet", '{"who": 1}')
            assert (code, out) == (1, "")
            assert err.startswith("hearthside: greet: ")
            code, out, err = await run("tools", "call", "unlock")
            assert (code, out, "must confirm it, to unlock the door" in err) == (1, "", True)
            code, out, _ = await run("tools", "--json")
            of_clock = next(tool for tool in json.loads(out) if tool["name"] == "get_time")
            assert of_clock["from"] == "clock"
            assert "tool file wrong.toml" in (await run("status"))[1]


async def test_files_are_checked_without_a_house(tmp_path: Path) -> None:
    """Every wrong one is named, and the code says so."""
    right = write(tmp_path, "right", "/bin/true")
    wrong = write(tmp_path, "wrong", "true")
    assert await run("tools", "check", str(right)) == (0, f"{right}: right; the tool right runs /bin/true\n", "")
    code, out, _ = await run("tools", "check", str(right), str(wrong), str(tmp_path / "none.toml"))
    assert code == os.EX_CONFIG
    assert [line.partition(": ")[0] for line in out.splitlines()] == [str(right), str(wrong), f"{tmp_path}/none.toml"]
    assert "whole path" in out
    assert "No such file" in out


async def test_tools_of_an_mcp_server_are_listed_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While it is there, and after it has gone; status says that it has."""
    server = {"command": [sys.executable, str(SERVERS / "notes.py"), str(tmp_path)]}
    with short_folder() as runtime:
        monkeypatch.setenv("RUNTIME_DIRECTORY", str(runtime))
        async with open_cardless(tmp_path, monkeypatch, tools={"mcp": {"servers": {"notes": server}}}) as house:
            bridge = house.app.oversight._parts.home.part(Bridge)
            await until(lambda: bridge.tools(), "the server")
            tools = {tool["name"]: tool for tool in json.loads((await run("tools", "--json"))[1])}
            assert tools["notes_write_note"]["from"] == "the MCP server notes"
            assert "notes_throw_away" not in tools
            code, out, _ = await run("tools", "call", "notes_write_note", '{"name": "a", "text": "b"}')
            assert (code, "«written: a»" in out) == (0, True)
            assert bridge.pid
            os.kill(bridge.pid, signal.SIGKILL)
            await until(lambda: not bridge.health()[0].ok, "its end")
            assert "MCP server notes: it ended" in (await run("status"))[1]
            code, _, err = await run("tools", "call", "notes_write_note", '{"name": "a", "text": "b"}')
            assert (code, "the MCP server notes cannot be reached" in err) == (1, True)
