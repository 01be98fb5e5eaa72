"""The page of troubles is what the device really says and logs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from device.core import failures
from device.core.events import Failure, Shortfall
from tests.troubles.conditions import GROUPS

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "troubles.md").read_text(encoding="utf-8")


@pytest.mark.long
def test_the_page_of_troubles_is_up_to_date() -> None:
    """Every trouble is had once more, at a socket; a sentence or a line that changed without its page fails here."""
    command = [sys.executable, str(ROOT / "scripts" / "draw_troubles.py"), "--check"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


def test_every_sentence_is_on_the_page() -> None:
    """Of every kind of failure there is a way to have it."""
    lacking = [text for lack, text in failures.OF_ANSWER.items() if lack is not Shortfall.NO_END]
    single = [failures.TOO_SLOW, failures.NO_SOUND, failures.NO_END_OF_SPEECH, failures.NO_END_OF_TOOLS]
    kept = [failures.MUTE_NOT_KEPT, failures.UNMUTE_NOT_KEPT]
    sentences = [*failures.OF_CONVERSATION.values(), *failures.OF_DEVICE.values(), *lacking, *single, *kept]
    missing = [text for text in sentences if f"“{text}”" not in PAGE]
    assert missing == []


def test_the_network_is_blamed_only_where_nothing_was_reached() -> None:
    """Never once there was a connection."""
    blamed = [line for line in PAGE.splitlines() if f"“{failures.OF_CONVERSATION[Failure.UNREACHABLE]}”" in line]
    assert [line.split(" | ")[0] for line in blamed] == [f"| {trouble.what}" for trouble in GROUPS["The network"][:2]]
