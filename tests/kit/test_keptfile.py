"""A small file that outlives the process."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from device.kit.keptfile import KeptFile


class Kept(msgspec.Struct, frozen=True):
    """What is in it."""

    number: int


async def in_a_thread(function: Callable[..., Any], *arguments: Any) -> Any:
    """See Call."""
    return await asyncio.to_thread(function, *arguments)


def kept_in(file: Path) -> KeptFile[Kept]:
    """Return the file."""
    return KeptFile(file, Kept, in_a_thread, "the number is 0", "the number is not remembered")


async def test_what_is_kept_is_read_again(tmp_path: Path) -> None:
    """Also where its folder is not there yet; nobody else may read it."""
    file = tmp_path / "state" / "number.json"
    assert kept_in(file).read() is None
    await kept_in(file).keep(Kept(3))
    assert kept_in(file).read() == Kept(3)
    assert file.stat().st_mode & 0o777 == 0o600


async def test_of_several_at_once_the_last_one_stays(tmp_path: Path) -> None:
    """One after the other, however long the disk takes for each."""
    kept = kept_in(tmp_path / "number.json")
    await asyncio.gather(*(kept.keep(Kept(number)) for number in range(30)))
    assert kept.read() == Kept(29)


@pytest.mark.parametrize("content", [b"", b"{", b'{"number": "three"}', b"\xff\xfe", b"[" * 100_000])
def test_what_cannot_be_read_is_told_and_left(tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture) -> None:
    """The house starts all the same."""
    file = tmp_path / "number.json"
    file.write_bytes(content)
    with caplog.at_level(logging.WARNING):
        assert kept_in(file).read() is None
    assert f"the number is 0, since {file} cannot be read: " in caplog.text


async def test_what_the_disk_refuses_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A file stands where its folder should be."""
    (tmp_path / "state").write_text("")
    with caplog.at_level(logging.WARNING):
        await kept_in(tmp_path / "state" / "number.json").keep(Kept(3))
    assert "the number is not remembered: " in caplog.text
