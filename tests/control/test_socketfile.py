"""Whose socket it is, and who may open it."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from device.control.rights import Right
from device.control.socketfile import SocketFile, SocketFileError
from tests.control.house import FakeHouse, connected, serving
from tests.waiting import block_until


def test_owner_and_group_may_speak_and_nobody_else(folder: Path) -> None:
    """Whatever the process leaves out of the permissions of its files."""
    for mask in (0o000, 0o077):
        before = os.umask(mask)
        try:
            file = SocketFile(folder)
        finally:
            os.umask(before)
        mode = file.path.stat().st_mode
        assert stat.S_ISSOCK(mode)
        assert stat.S_IMODE(mode) == 0o660
        assert stat.S_IMODE((folder / "control.sock.lock").stat().st_mode) == 0o600
        file.close()


def test_a_folder_of_a_user_s_own_is_made_for_that_user_alone(folder: Path) -> None:
    """$XDG_RUNTIME_DIR is there, hearthside's folder in it is not."""
    file = SocketFile(folder / "hearthside")
    assert stat.S_IMODE((folder / "hearthside").stat().st_mode) == 0o700
    file.close()


def test_agents_have_a_socket_of_their_own(folder: Path) -> None:
    """In a folder that the group may enter, whatever the process leaves out of the permissions of its files."""
    people = SocketFile(folder)
    before = os.umask(0o077)
    try:
        agents = SocketFile(folder, Right.AGENT)
    finally:
        os.umask(before)
    assert (people.path, agents.path) == (folder / "control.sock", folder / "agents" / "control.sock")
    assert stat.S_IMODE((folder / "agents").stat().st_mode) == 0o750
    assert stat.S_IMODE(agents.path.stat().st_mode) == 0o660
    agents.close()
    people.close()


def test_a_living_socket_is_not_taken(folder: Path) -> None:
    """The second daemon is told; when the first is gone it may."""
    first = SocketFile(folder)
    with pytest.raises(SocketFileError, match=r"control\.sock: another hearthside is running and serves it"):
        SocketFile(folder)
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(first.path))
    first.close()
    SocketFile(folder).close()


SERVE = """
import sys, time
from pathlib import Path
from device.control.socketfile import SocketFile
file = SocketFile(Path(sys.argv[1]))
print("serves", flush=True)
time.sleep(600)
"""


def test_what_a_killed_process_left_is_replaced(folder: Path) -> None:
    """kill -9: its socket lies there, and nobody answers."""
    process = subprocess.Popen([sys.executable, "-c", SERVE, str(folder)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    with process.stdout:
        assert process.stdout.readline() == "serves\n"
        with pytest.raises(SocketFileError):
            SocketFile(folder)
        process.send_signal(signal.SIGKILL)
        process.wait(20)
    assert (folder / "control.sock").is_socket()
    file = SocketFile(folder)
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(file.path))
    file.close()


def test_a_file_in_its_place_is_replaced_and_a_folder_is_told_of(folder: Path) -> None:
    """The place is ours."""
    (folder / "control.sock").write_text("what?")
    SocketFile(folder).close()
    (folder / "control.sock").mkdir()
    with pytest.raises(SocketFileError, match=r"control\.sock: "):
        SocketFile(folder)
    (folder / "control.sock").rmdir()
    SocketFile(folder).close()


def test_a_place_that_cannot_hold_a_socket_is_told_of(tmp_path: Path) -> None:
    """A path that is too long for one, a folder that is not there."""
    long = tmp_path / ("x" * 100)
    with pytest.raises(SocketFileError, match="too long"):
        SocketFile(long)
    # The lock was let go.
    with pytest.raises(SocketFileError, match="too long"):
        SocketFile(long)
    with pytest.raises(SocketFileError, match="No such file or directory"):
        SocketFile(tmp_path / "nowhere" / "at all")


async def test_a_stranger_is_refused_by_the_file_and_a_member_of_the_group_is_not(folder: Path) -> None:
    """Real users, of whom this process becomes one in a child."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to become others")
    await asyncio.to_thread(folder.chmod, 0o755)
    connect = "import socket, sys; socket.socket(socket.AF_UNIX).connect(sys.argv[1])"
    async with serving(folder, FakeHouse()):
        path = str(folder / "control.sock")
        os.chown(path, 0, 12_345)

        def outcome(group: int) -> int:
            command = [sys.executable, "-c", connect, path]
            return subprocess.run(
                command, user=23_456, group=group, extra_groups=[], stderr=subprocess.DEVNULL
            ).returncode

        assert outcome(12_345) == 0
        assert outcome(23_456) == 1
        async with connected(folder) as client:
            assert (await client.ask("status"))["ok"]
    block_until(lambda: not (folder / "control.sock").exists(), "the end of the socket")
