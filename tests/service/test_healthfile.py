"""The file that says how the house is doing."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import stat
import threading
from pathlib import Path

import pytest

from device.service import healthfile
from device.service.healthfile import NAME, HealthFile, runtime_directory
from tests.waiting import until


def test_there_is_a_place_where_systemd_made_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first of several."""
    assert runtime_directory() is None
    monkeypatch.setenv("RUNTIME_DIRECTORY", "/run/one:/run/two")
    assert runtime_directory() == Path("/run/one")


async def test_readers_see_one_whole_file_after_the_other(tmp_path: Path) -> None:
    """However fast it is written; the newest stays, and at the end there is none."""
    file, path = HealthFile(tmp_path), tmp_path / NAME
    seen: set[int] = set()
    file.write(b'{"number": 0}')
    await until(path.exists, "the first")
    for number in range(200):
        file.write(json.dumps({"number": number, "filler": "x" * 20_000}).encode())
        await asyncio.sleep(0)
        if path.exists():
            seen.add(json.loads(path.read_bytes())["number"])
    await until(lambda: json.loads(path.read_bytes())["number"] == 199, "the newest")
    assert seen
    await file.close()
    await until(lambda: list(tmp_path.iterdir()) == [], "an empty folder")


async def test_the_group_may_read_it_and_nobody_else(tmp_path: Path) -> None:
    """As it may use the socket; though the unit leaves its files to the service alone."""
    for mask in (0o077, 0o000):
        before = os.umask(mask)
        try:
            file = HealthFile(tmp_path)
            file.write(b"{}")
            await until((tmp_path / NAME).is_file, "a file")
        finally:
            os.umask(before)
        assert stat.S_IMODE((tmp_path / NAME).stat().st_mode) == 0o640
        await file.close()


async def test_a_disk_that_refuses_is_complained_of_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A folder stands where the file should be; and when it is gone all is well again."""
    (tmp_path / NAME).mkdir()
    file = HealthFile(tmp_path)
    for _ in range(3):
        file.write(b"{}")
        await until(lambda: file._newest is None, "a try")
    await until(lambda: "cannot be written" in caplog.text, "a complaint")
    (tmp_path / NAME).rmdir()
    file.write(b"{}")
    await until((tmp_path / NAME).is_file, "a file")
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    await file.close()


async def test_a_full_disk_leaves_the_old_file_and_no_draft(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is there is whole, though old: readers look at when it was written."""
    file = HealthFile(tmp_path)
    file.write(b'"old"')
    await until((tmp_path / NAME).is_file, "a file")
    tried = threading.Event()

    def write_half(path: Path, content: bytes) -> int:
        path.open("wb").write(content[:2])
        tried.set()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(healthfile.Path, "write_bytes", write_half)
    file.write(b'"new"')
    await until(tried.is_set, "a try")
    await until(lambda: [entry.name for entry in tmp_path.iterdir()] == [NAME], "no draft")
    assert (tmp_path / NAME).read_bytes() == b'"old"'


async def test_a_disk_that_hangs_keeps_nobody_waiting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A write comes back at once, and nothing piles up behind it: the newest is what is written."""
    file = HealthFile(tmp_path)
    hanging, release = threading.Event(), threading.Event()
    replace = Path.replace

    def hang(path: Path, target: Path) -> Path:
        hanging.set()
        release.wait()
        return replace(path, target)

    monkeypatch.setattr(healthfile.Path, "replace", hang)
    file.write(b"0")
    await until(hanging.is_set, "a disk that hangs")
    for number in range(1, 100):
        file.write(str(number).encode())
    assert file._threads._calls.qsize() == 1
    release.set()
    await until(lambda: (tmp_path / NAME).is_file() and (tmp_path / NAME).read_bytes() == b"99", "the newest")
