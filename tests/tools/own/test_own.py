"""Files of a folder become tools that run real programs."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import pytest

from device.errors import ConfigError, ToolError
from device.tools.own import own
from device.tools.registry import Registry
from tests.waiting import until

TOOL = """
name = "{name}"
description = "A tool for a test."
command = [{command}]
"""


def write(folder: Path, name: str, *command: str, more: str = "") -> Path:
    """Put a tool into the folder; return its file."""
    folder.mkdir(exist_ok=True)
    file = folder / f"{name}.toml"
    quoted = ", ".join(f"'''{part}'''" for part in command)
    file.write_text(TOOL.format(name=name, command=quoted) + more)
    file.chmod(0o644)
    return file


async def call(folder: Path, name: str, arguments: str = "{}") -> str:
    """Call a tool of the folder as the model would."""
    return await Registry(own.look_into(folder).tools, timeout_s=20).call(name, arguments)


async def test_what_a_command_prints_is_what_the_model_is_told(tmp_path: Path) -> None:
    """Up to a limit, however much it prints; and that it is done where it prints nothing."""
    write(tmp_path, "greet", "/bin/sh", "-c", "echo ' hello '")
    write(tmp_path, "quiet", "/bin/true")
    write(tmp_path, "flood", "/bin/sh", "-c", "head -c 3000000 /dev/zero | tr '\\0' x")
    assert await call(tmp_path, "greet") == "hello"
    assert await call(tmp_path, "quiet") == "Done"
    assert await call(tmp_path, "flood") == "x" * own.LONGEST_OUTPUT


async def test_a_command_that_fails_says_why(tmp_path: Path) -> None:
    """With the last line of its complaint."""
    write(tmp_path, "fails", "/bin/sh", "-c", "echo first >&2; echo no water >&2; exit 3")
    write(tmp_path, "missing", "/no/such/program")
    with pytest.raises(ToolError, match=r"^fails failed: no water$"):
        await call(tmp_path, "fails")
    with pytest.raises(ToolError, match="cannot be started"):
        await call(tmp_path, "missing")


async def test_arguments_reach_the_program_as_they_are(tmp_path: Path) -> None:
    """No shell looks at them."""
    more = '[arguments.text]\ntype = "text"\ndescription = "what"\n'
    write(tmp_path, "say", "/usr/bin/printf", "%s", "{text}", more=more)
    said = "$(id) `id` ; rm -rf / \" ' * é"
    assert await call(tmp_path, "say", f'{{"text": {json.dumps(said)}}}') == said


async def test_a_command_finds_no_secret_in_its_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a key nor the way to where keys are."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-planted")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", "/run/credentials/x")
    monkeypatch.setenv("NOTIFY_SOCKET", "/run/x")
    write(tmp_path, "look", "/usr/bin/env")
    names = {line.partition("=")[0] for line in (await call(tmp_path, "look")).splitlines()}
    assert names <= {"PATH", "HOME", "LANG", "TZ", "LC_ALL"}


async def test_one_that_takes_too_long_is_killed_with_all_that_it_started(tmp_path: Path) -> None:
    """The limit is the file's own."""
    marker = tmp_path / "pid"
    write(tmp_path, "hangs", "/bin/sh", "-c", f"sleep 1000 & echo $! > {marker}; wait", more="timeout_s = 3\n")
    with pytest.raises(ToolError, match=r"hangs did not finish within 3 seconds"):
        await call(tmp_path, "hangs")
    child = int(marker.read_text())
    await until(lambda: not is_alive(child), "the end of what it had started")


def is_alive(pid: int) -> bool:
    """Say whether a process runs; one that only waits to be fetched does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def test_several_run_at_once(tmp_path: Path) -> None:
    """A slow tool keeps nobody waiting."""
    write(tmp_path, "slow", "/bin/sleep", "1000")
    write(tmp_path, "quick", "/bin/echo", "here")
    slow = asyncio.create_task(call(tmp_path, "slow"))
    assert await call(tmp_path, "quick") == "here"
    slow.cancel()
    with pytest.raises(asyncio.CancelledError):
        await slow


def test_wrong_files_are_left_out_and_named(tmp_path: Path) -> None:
    """The others are tools all the same; hidden files and other endings are not looked at."""
    write(tmp_path, "right", "/bin/true")
    (tmp_path / "wrong.toml").write_text("name = 3\n")
    (tmp_path / "text.toml").write_bytes(b"\xff\xfe\xfd")
    (tmp_path / ".right.toml.swp").write_text("x")
    (tmp_path / "README").write_text("x")
    (tmp_path / "folder.toml").mkdir()
    found = own.look_into(tmp_path)
    assert [tool.name for tool in found.tools] == ["right"]
    assert [file.name for file, _ in found.wrong] == ["folder.toml", "text.toml", "wrong.toml"]
    assert own.look_into(tmp_path / "none") == own.Found((), ())


@pytest.mark.parametrize("mode", [0o646, 0o664, 0o666])
def test_a_file_that_others_may_change_is_no_tool(tmp_path: Path, mode: int) -> None:
    """Else whoever may write it would run programs in the house."""
    file = write(tmp_path, "open", "/bin/true")
    file.chmod(mode)
    with pytest.raises(ConfigError, match="others may change it"):
        own.load(file)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away, or run programs as somebody else")
async def test_the_owner_and_the_user_count(tmp_path: Path) -> None:
    """A file of somebody else's is none; a tool may run as somebody who exists."""
    file = write(tmp_path, "whoami", "/usr/bin/id", "-un", more='user = "nobody"\n')
    assert await call(tmp_path, "whoami") == "nobody"
    os.chown(file, 65534, 0)
    with pytest.raises(ConfigError, match="others may change it"):
        own.load(file)
    with pytest.raises(ConfigError, match="no user"):
        own.load(write(tmp_path, "ghost", "/bin/true", more='user = "no-such-user"\n'))


def test_too_many_files_are_told_of(tmp_path: Path) -> None:
    """The model is told of every tool, in every session."""
    for number in range(own.MOST + 2):
        write(tmp_path, f"tool_{number:03}", "/bin/true")
    found = own.look_into(tmp_path)
    assert len(found.tools) == own.MOST
    assert [file.name for file, _ in found.wrong] == ["tool_064.toml", "tool_065.toml"]


def test_what_is_told_of_a_tool(tmp_path: Path) -> None:
    """Where it comes from, and the schema of its arguments."""
    file = write(tmp_path, "right", "/bin/true")
    tool: Any = own.look_into(tmp_path).tools[0]
    assert tool.source == str(file)
    assert Registry([tool], 1).specs[0].parameters["properties"] == {}
