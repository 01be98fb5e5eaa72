"""What the tests of first boots share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.setup.card.devices import Device


@pytest.fixture
def device(tmp_path: Path) -> Device:
    """A device that has booted, and on which nothing has run yet."""
    return Device(tmp_path / "device")
