"""Machines for the scripts."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.scripts.machine import Machine, make_machine


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """Nothing is installed on it."""
    return make_machine(tmp_path)
