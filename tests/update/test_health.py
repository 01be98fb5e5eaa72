"""When a release is taken for one that hears, and what is said against it otherwise."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from releases import health
from releases.health import Wanted, objection

from device.core.standing import State

PROGRAM = Path(health.__file__)
WANTED = Wanted("0.2.0", not_pid=6)


def told(state: str, scored: int = 0, pid: int = 7, version: str = "0.2.0") -> dict[str, object]:
    """What a device says of itself."""
    return {"state": state, "version": version, "pid": pid, "scored_frames": scored, "why": "", "what_to_do": ""}


def test_it_hears_when_it_listens_and_has_scored_sound_since_it_was_first_seen() -> None:
    """A number that stands still is one that was reached before the sound stopped."""
    assert objection(told("listening", 50), told("listening", 51), WANTED) == ""
    assert "has scored no sound" in objection(told("listening", 50), told("listening", 50), WANTED)


def test_a_muted_device_only_has_to_come_up() -> None:
    """Its microphone is closed."""
    assert objection(told("muted"), told("muted"), WANTED) == ""


@pytest.mark.parametrize("state", [state for state in State if state not in (State.LISTENING, State.MUTED)])
def test_in_every_other_state_it_does_not_hear(state: State) -> None:
    """And it is told why, and what to do, in the device's own words."""
    now = told(state.value, 51) | {"why": "the microphone went away", "what_to_do": "plug it in"}
    assert objection(told(state.value), now, WANTED) == f"{state.value}, the microphone went away, plug it in"


@pytest.mark.parametrize("state", ["offline", "fault"])
def test_what_was_not_well_before_may_be_so_afterwards(state: str) -> None:
    """As long as it hears: the network, a relay."""
    wanted = Wanted("0.2.0", 6, before=state)
    assert objection(told(state, 50), told(state, 51), wanted) == ""
    assert "has scored no sound" in objection(told(state, 50), told(state, 50), wanted)


def test_a_device_that_was_deaf_before_must_hear_afterwards() -> None:
    """Else nobody would know."""
    assert objection(told("deaf", 50), told("deaf", 51), Wanted("0.2.0", 6, before="deaf"))


@pytest.mark.parametrize(
    ("now", "said"),
    [
        ({}, "it says nothing"),
        (told("listening", 51, pid=6), "has not been restarted"),
        (told("muted", version="0.1.0"), "release 0.1.0 still runs"),
    ],
)
def test_what_another_process_says_does_not_count(now: dict[str, object], said: str) -> None:
    """The one before it, or another release."""
    assert said in objection(now, now, WANTED)


@pytest.mark.parametrize("text", ["", "{", "[1]", "null"])
def test_what_is_no_health_says_nothing(tmp_path: Path, text: str) -> None:
    """Half a file, or none."""
    file = tmp_path / "health.json"
    assert health.read(file) == {}
    file.write_text(text)
    assert health.read(file) == {}


def test_frames_are_counted_anew_when_the_process_is_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that died may have scored more than its successor has so far."""
    said = iter([told("listening", 900, pid=7), told("listening", 5, pid=8), told("listening", 6, pid=8)])
    monkeypatch.setattr(health, "read", lambda file: next(said))
    monkeypatch.setattr(health.time, "sleep", lambda s: None)
    assert health.wait(tmp_path, WANTED) == ""
    assert next(said, None) is None


def test_other_scripts_can_wait_as_well(tmp_path: Path) -> None:
    """The exit code tells, and the reason is on stderr."""
    file = tmp_path / "health.json"
    file.write_text(json.dumps(told("muted")))
    command = [sys.executable, PROGRAM, file, "--within", "0", "--version"]
    assert subprocess.run([*command, "0.2.0"], check=False).returncode == 0
    late = subprocess.run([*command, "0.3.0"], capture_output=True, text=True, check=False)
    assert (late.returncode, late.stderr) == (1, "not listening within 0 s: release 0.2.0 still runs\n")
