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
HEARING = (State.LISTENING, State.OFFLINE, State.FAULT, State.MUTED)
PARTS = ("microphone", "light", "button", "provider")


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


@pytest.mark.parametrize("state", [state for state in State if state not in HEARING])
@pytest.mark.parametrize("before", [{}, told("listening"), told("deaf")])
def test_a_device_that_is_deaf_is_refused_however_it_was_before(state: State, before: dict[str, object]) -> None:
    """And it is told why, and what to do, in the device's own words."""
    now = told(state.value, 51) | {"why": "the microphone went away", "what_to_do": "plug it in"}
    wanted = Wanted("0.2.0", 6, before)
    assert objection(told(state.value, 50), now, wanted) == f"{state.value}, the microphone went away, plug it in"


def with_unwell(state: str, *parts: str, scored: int = 51) -> dict[str, object]:
    """What a device says of which these parts are not well."""
    named = [{"part": part, "ok": part not in parts, "why": f"no {part}", "what_to_do": "mend it"} for part in PARTS]
    return told(state, scored) | {"parts": named}


@pytest.mark.parametrize(
    ("before", "now"),
    [
        (with_unwell("fault", "light"), with_unwell("fault", "light")),
        (with_unwell("fault", "light", "button"), with_unwell("fault", "button")),
        (with_unwell("fault", "light"), with_unwell("listening")),
        # Told in the state when somebody unmutes it meanwhile.
        (with_unwell("muted", "light"), with_unwell("fault", "light")),
        (with_unwell("offline", "provider"), with_unwell("offline", "provider")),
        (with_unwell("fault", "provider"), with_unwell("offline", "provider")),
        (with_unwell("offline"), with_unwell("offline")),
    ],
)
def test_what_was_not_well_before_may_be_so_afterwards(before: dict[str, object], now: dict[str, object]) -> None:
    """As long as it hears: a lamp without wires, the network."""
    wanted = Wanted("0.2.0", 6, before)
    assert objection(now | {"scored_frames": 50}, now, wanted) == ""
    assert "has scored no sound" in objection(now, now, wanted)


@pytest.mark.parametrize(
    ("before", "now", "said"),
    [
        (with_unwell("listening"), with_unwell("fault", "light"), "fault, light: no light, mend it"),
        (with_unwell("fault", "light"), with_unwell("fault", "light", "button"), "fault, button: no button, mend it"),
        (with_unwell("muted", "light"), with_unwell("fault", "button"), "fault, button: no button, mend it"),
        (with_unwell("fault", "light"), with_unwell("offline", "provider"), "offline, provider: no provider, mend it"),
        (with_unwell("listening"), told("offline", 51) | {"why": "no network"}, "offline, no network"),
    ],
)
def test_what_was_well_before_must_be_so_afterwards(
    before: dict[str, object], now: dict[str, object], said: str
) -> None:
    """Also where something else was broken already; what has become worse is named."""
    assert objection(told("fault", 50), now, Wanted("0.2.0", 6, before)) == said


@pytest.mark.parametrize("before", [{}, told("deaf"), told("starting")])
def test_where_nothing_was_heard_before_it_is_enough_that_it_hears(before: dict[str, object]) -> None:
    """A release that mends that must not give way for a lamp; nor is a new device sent away that has no network yet."""
    for now in (with_unwell("fault", "light"), with_unwell("offline", "provider")):
        assert objection(told("fault", 50), now, Wanted("0.2.0", 6, before)) == ""


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
    file.write_text(json.dumps(with_unwell("fault", "light")))
    before = json.dumps(with_unwell("listening"))
    worse = subprocess.run([*command, "0.2.0", "--before", before], capture_output=True, text=True, check=False)
    assert "fault, light: no light, mend it" in worse.stderr
