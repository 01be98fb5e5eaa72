"""A running house is found by the state that it keeps."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from device.setup.daemon import FRESH_S, HEALTH, find_running, runtime_folders

NOW = 1_000_000.0
STATE = {
    "state": "listening",
    "since": NOW - 60,
    "why": "",
    "what_to_do": "",
    "written": NOW - 5,
    "version": "0.1.0",
    "pid": 17,
    "scored_frames": 99,
    "phase": "idle",
    "parts": [{"part": "microphone", "ok": True, "since": NOW - 60, "why": "", "what_to_do": ""}],
}


def test_what_was_written_just_now_is_a_running_house(tmp_path: Path) -> None:
    """With what it says of itself; fields that this program does not know are no error."""
    (tmp_path / HEALTH).write_text(json.dumps(STATE))
    running = find_running([tmp_path / "nothing", tmp_path], NOW)
    assert running is not None
    assert (running.state, running.pid, running.parts[0].part) == ("listening", 17, "microphone")


@pytest.mark.parametrize("text", ["", "{", "[]", '{"state": 3}', json.dumps({**STATE, "written": NOW - FRESH_S - 1})])
def test_last_words_and_rubbish_are_no_running_house(tmp_path: Path, text: str) -> None:
    """Of one that was killed, or is being written."""
    (tmp_path / HEALTH).write_text(text)
    assert find_running([tmp_path], NOW) is None


def test_a_house_run_by_hand_is_looked_for_as_well() -> None:
    """Behind the service's."""
    assert runtime_folders({"XDG_RUNTIME_DIR": "/run/user/1"}) == [
        Path("/run/hearthside"),
        Path("/run/user/1/hearthside"),
    ]
