"""A folder for sockets."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.control.house import short_folder


@pytest.fixture
def folder() -> Iterator[Path]:
    """Return one with a short path."""
    with short_folder() as folder:
        yield folder
