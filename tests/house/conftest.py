"""A configuration in more than one file."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The first one, with a folder beside it for more."""
    (tmp_path / "config.d").mkdir()
    file = tmp_path / "config.toml"
    file.write_text("[audio]\nvolume = 0.1\ncues = false\n[tools.relays.light]\npin = 5\n")
    return file


def add(file: Path, name: str, text: str) -> Path:
    """Put another file into the folder beside the first."""
    more = file.parent / "config.d" / name
    more.write_text(text)
    return more
