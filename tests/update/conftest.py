"""A device in a folder in memory, where waiting for the disk takes no time."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from releases.device import Device

from tests.update.fakes import make_device

MEMORY = Path("/dev/shm")


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder in memory, where there is one."""
    made = Path(tempfile.mkdtemp(prefix="hearthside-", dir=MEMORY if MEMORY.is_dir() else None))
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture
def new_device(folder: Path) -> Callable[[], Device]:
    """Make one after the other, each in the place of the one before."""

    def make() -> Device:
        shutil.rmtree(folder / "device", ignore_errors=True)
        return make_device(folder / "device")

    return make


@pytest.fixture
def device(new_device: Callable[[], Device]) -> Device:
    """One that runs 0.1.0 and had 0.0.9 before."""
    return new_device()
