"""The pictures in the documentation are drawn from what moves the lights."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from device.core.indication import Indication

ROOT = Path(__file__).parents[2]


def test_the_pictures_are_up_to_date() -> None:
    """A pattern that changed without its picture fails here."""
    command = [sys.executable, str(ROOT / "scripts" / "draw_lights.py"), "--check"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


def test_the_page_shows_every_indication() -> None:
    """By its picture."""
    page = (ROOT / "docs" / "lights.md").read_text(encoding="utf-8")
    for indication in Indication:
        assert f"(lights/{indication.value}.svg)" in page
