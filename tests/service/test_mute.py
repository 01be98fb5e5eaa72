"""What must outlive the process."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import subprocess
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from device.core.events import Device, DeviceFailed, DeviceRecovered, Event
from device.kit.threads import ThreadError
from device.service.mute import MuteMemory
from tests.waiting import until

LIMIT_S = 10.0


@contextlib.asynccontextmanager
async def memory_of(folder: Path, posted: list[Event] | None = None) -> AsyncIterator[MuteMemory]:
    """Open the memory, and wait for the disk at the end."""
    memory = MuteMemory(folder)
    memory.start((posted if posted is not None else []).append)
    yield memory
    await asyncio.wait_for(memory.close(), LIMIT_S)


async def remember(folder: Path, *states: bool) -> list[Event]:
    """Have states remembered, one after the other; return what was posted."""
    posted: list[Event] = []
    for muted in states:
        async with memory_of(folder, posted) as memory:
            memory.remember(muted)
    return posted


async def test_the_mute_state_is_remembered_and_forgotten(tmp_path: Path) -> None:
    """The folder is made when it is missing."""
    folder = tmp_path / "a" / "state"
    assert not MuteMemory(folder).muted
    assert await remember(folder, True) == []
    assert MuteMemory(folder).muted
    assert await remember(folder, True, False) == []
    assert not MuteMemory(folder).muted


async def test_the_newest_of_many_states_counts(tmp_path: Path) -> None:
    """However quickly they come."""
    async with memory_of(tmp_path) as memory:
        for muted in (True, False) * 50 + (True,):
            memory.remember(muted)
    assert MuteMemory(tmp_path).muted


@pytest.mark.parametrize("kind", ["dangling link", "link", "folder", "loop"])
async def test_whatever_is_called_muted_counts_and_can_be_taken_away(tmp_path: Path, kind: str) -> None:
    """A link that leads nowhere is no less a mute."""
    flag, target = tmp_path / "muted", tmp_path / "target"
    if kind == "folder":
        flag.mkdir()
    else:
        flag.symlink_to(flag if kind == "loop" else target)
    if kind == "link":
        target.touch()
    assert MuteMemory(tmp_path).muted
    assert await remember(tmp_path, True) == []
    assert MuteMemory(tmp_path).muted
    assert await remember(tmp_path, False) == []
    assert not MuteMemory(tmp_path).muted
    assert target.exists() == (kind == "link")


async def test_a_folder_with_something_in_it_is_not_taken_away_but_told(tmp_path: Path) -> None:
    """Whoever put it there should see to it."""
    (tmp_path / "muted" / "what").mkdir(parents=True)
    (told,) = await remember(tmp_path, False)
    assert isinstance(told, DeviceFailed)
    assert MuteMemory(tmp_path).muted


async def test_a_disk_that_refuses_is_told_and_a_later_success_as_well(tmp_path: Path) -> None:
    """Here the folder's place is taken by a file."""
    file = tmp_path / "file"
    file.touch()
    posted: list[Event] = []
    async with memory_of(file / "state", posted) as memory:
        memory.remember(True)
        memory.remember(False)
        memory.remember(True)
        await until(lambda: posted, "a fact")
        file.unlink()
        memory.remember(True)
    assert set(posted[:-1]) == {refused(file / "state" / "muted", "Not a directory")}
    assert posted[-1] == DeviceRecovered(Device.DISK)


async def test_an_older_state_on_the_medium_does_not_excuse_the_newest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk took the mute, and refuses to take it back before it has seen it through."""
    free, busy = threading.Event(), threading.Event()

    def sync(handle: int) -> None:
        busy.set()
        free.wait(LIMIT_S)

    def refuse(path: Path, missing_ok: bool) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(os, "fsync", sync)
    monkeypatch.setattr(Path, "unlink", refuse)
    posted: list[Event] = []
    async with memory_of(tmp_path, posted) as memory:
        memory.remember(True)
        await asyncio.to_thread(busy.wait, LIMIT_S)
        memory.remember(False)
        await until(lambda: posted, "a fact")
        free.set()
        # What is told is told in its order: behind this, the end of the older one.
        await asyncio.sleep(0.1)
    assert posted == [refused(tmp_path / "muted", "Read-only file system")]


async def test_without_memory_for_its_threads_the_start_fails_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No traceback, and no mute that nobody keeps."""

    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    with pytest.raises(ThreadError, match=r"mute.* cannot be started"):
        MuteMemory(tmp_path).start(lambda fact: None)


def test_a_state_that_cannot_be_read_counts_as_muted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Towards quiet and safe."""

    def refuse(path: Path) -> os.stat_result:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "lstat", refuse)
    assert MuteMemory(tmp_path).muted


def refused(flag: Path, why: str) -> DeviceFailed:
    """What is posted of a disk that refuses."""
    return DeviceFailed(Device.DISK, f"the mute state will not survive a restart: {flag}: {why}")


def mount(*arguments: str | Path) -> None:
    """Mount something, or skip the test where that is not allowed."""
    done = subprocess.run(["mount", *map(str, arguments)], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"mounting is not allowed here ({done.stderr.strip()}); run as root")


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system without room for one more file."""
    folder = tmp_path / "full"
    folder.mkdir()
    mount("-t", "tmpfs", "-o", "size=16k,nr_inodes=4", "tmpfs", folder)
    with contextlib.suppress(OSError):
        for number in range(10):
            (folder / f"{number}").touch()
    yield folder
    subprocess.run(["umount", folder], check=True)


@pytest.fixture
def read_only_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder that is mounted read-only, as a worn SD card is."""
    folder = tmp_path / "read-only"
    folder.mkdir()
    (folder / "other").mkdir()
    (folder / "other" / "muted").touch()
    mount("--bind", folder, folder)
    mount("-o", "remount,bind,ro", folder)
    yield folder
    subprocess.run(["umount", folder], check=True)


async def test_a_full_disk_is_told_each_time_until_there_is_room(full_disk: Path) -> None:
    """Real: a file system that is full."""
    posted = await remember(full_disk, True, True)
    assert posted == [refused(full_disk / "muted", "No space left on device")] * 2
    assert not MuteMemory(full_disk).muted
    (full_disk / "0").unlink()
    assert await remember(full_disk, True) == []
    assert MuteMemory(full_disk).muted


async def test_a_read_only_disk_is_told(read_only_disk: Path) -> None:
    """Real: neither a mute nor its end can be written; what is there already needs no writing."""
    why, other = "Read-only file system", read_only_disk / "other"
    assert await remember(read_only_disk, True) == [refused(read_only_disk / "muted", why)]
    assert await remember(other, True) == []
    assert await remember(other, False) == [refused(other / "muted", why)]


async def test_a_disk_that_is_busy_does_not_hold_up_the_newest_state(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Muted again while it syncs, and ended: the entry is there, though nobody waited for the medium."""
    free, busy = threading.Event(), threading.Event()

    def sync(handle: int) -> None:
        busy.set()
        free.wait(LIMIT_S)

    monkeypatch.setattr(os, "fsync", sync)
    memory = MuteMemory(tmp_path)
    memory.start(lambda fact: None)
    memory.remember(True)
    await asyncio.to_thread(busy.wait, LIMIT_S)
    memory.remember(False)
    memory.remember(True)
    memory.remember(False)
    memory.remember(True)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(memory.close(), 0.3)
    assert MuteMemory(tmp_path).muted
    free.set()
