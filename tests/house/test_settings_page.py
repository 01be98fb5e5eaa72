"""The page of all keys is drawn from what the rooms declare."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
DRAW = ROOT / "scripts" / "draw_settings.py"


def test_the_page_of_all_keys_is_up_to_date() -> None:
    """A key that changed without its page fails here."""
    command = [sys.executable, str(DRAW), "--check"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


def test_every_key_says_what_it_means() -> None:
    """On the page, which is drawn from what stands below each key in the code."""
    text = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    rows = [line.split(" | ") for line in text.splitlines() if line.startswith("| `")]
    assert len(rows) > 60
    assert [row[0] for row in rows if len(row[3].strip(" |")) < 8] == []
