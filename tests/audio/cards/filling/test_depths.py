"""What each loudspeaker's card needs outlives the process."""

from __future__ import annotations

from pathlib import Path

import pytest

from device.audio.cards.filling.depth import FIRST_MS, Need
from device.audio.cards.filling.depths import Depths


def at_once(call: object) -> None:
    """Stands for the thread that waits for the disk."""
    assert callable(call)
    call()


def seen_dry(file: Path, card: str) -> float:
    """Let a card run dry in one process; return how much it is kept ahead from then on."""
    depths = Depths(file, at_once)
    depths.of(card).note_dry()
    depths.keep()
    return depths.of(card).ahead_ms


def test_the_next_process_begins_with_what_the_last_one_saw(tmp_path: Path) -> None:
    """Of that card, and of no other."""
    file = tmp_path / "state" / "loudspeakers.json"
    seen = seen_dry(file, "default")
    again = Depths(file, at_once)
    assert again.of("default").ahead_ms == seen > FIRST_MS
    assert again.of("hw:1").ahead_ms == FIRST_MS


def test_a_card_that_is_not_there_today_is_not_forgotten(tmp_path: Path) -> None:
    """It may be plugged in again tomorrow."""
    file = tmp_path / "loudspeakers.json"
    seen = seen_dry(file, "hw:1")
    seen_dry(file, "default")
    assert Depths(file, at_once).of("hw:1").ahead_ms == seen


def test_a_card_of_which_nothing_is_known_begins_with_what_this_machine_needs(tmp_path: Path) -> None:
    """Of the others it is known better."""
    file = tmp_path / "loudspeakers.json"
    seen = seen_dry(file, "default")
    depths = Depths(file, at_once, Need(99.0, 300.0))
    assert depths.of("default").ahead_ms == seen
    assert depths.of("hw:1").need == Need(99.0, 300.0)
    depths.keep()
    assert Depths(file, at_once).of("default").ahead_ms == seen
    assert Depths(file, at_once).of("hw:1").need == Need()


@pytest.mark.parametrize("content", ["", "{", "[]", '{"default": {"ahead_ms": 1e9, "hold_s": 1}}', "\udc80"])
def test_a_file_that_is_nonsense_is_found_out_anew(tmp_path: Path, content: str) -> None:
    """And the device starts."""
    file = tmp_path / "loudspeakers.json"
    file.write_bytes(content.encode(errors="surrogateescape"))
    assert Depths(file, at_once).of("default").ahead_ms == FIRST_MS
    assert seen_dry(file, "default") == Depths(file, at_once).of("default").ahead_ms


def test_a_disk_that_refuses_changes_nothing(tmp_path: Path) -> None:
    """Only that it is found out anew."""
    (tmp_path / "state").write_text("a file where a folder is wanted")
    file = tmp_path / "state" / "loudspeakers.json"
    assert seen_dry(file, "default") > FIRST_MS


def test_without_a_file_nothing_is_kept() -> None:
    """As in benchmarks."""
    depths = Depths()
    depths.of("default").note_dry()
    depths.keep()
    assert Depths().of("default").ahead_ms == FIRST_MS
