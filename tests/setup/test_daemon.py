"""A running house is asked how it is; one that cannot be asked is told apart from one that does not run."""

from __future__ import annotations

from typing import Any

import pytest

from device.control.client import ControlError, NotAllowedError, NotRunningError
from device.setup.daemon import UNKNOWN, Levels, ask_levels, find_running

STATUS = {
    "state": "listening",
    "since": 1.0,
    "why": "",
    "what_to_do": "",
    "phase": "idle",
    "scored_frames": 99,
    "parts": [{"part": "microphone", "ok": True, "since": 1.0, "why": "", "what_to_do": ""}],
    "written": 2.0,
    "version": "0.1.0",
    "pid": 17,
    "muted": False,
    "words": ["hey_jarvis"],
    "volume": None,
}
LEVELS = {
    "muted": False,
    "of_ms": 1000.0,
    "rms_dbfs": -50.1,
    "peak_dbfs": -30.0,
    "clipped": 0,
    "digital_silence": False,
}


def answering(answer: dict[str, Any] | Exception) -> Any:
    """Return what stands for the client of the control socket."""

    def ask(request: dict[str, Any], patience_s: float) -> dict[str, Any]:
        if isinstance(answer, Exception):
            raise answer
        return answer

    return ask


def test_a_house_tells_how_it_is() -> None:
    """What this program does not know of is no error."""
    running = find_running(answering(STATUS))
    assert running is not None
    assert (running.state, running.scored_frames, running.parts[0].part) == ("listening", 99, "microphone")


def test_where_nobody_answers_no_house_runs() -> None:
    """That is no error either."""
    assert find_running(answering(NotRunningError("hearthside is not running"))) is None


def test_a_house_that_may_not_be_asked_runs_all_the_same() -> None:
    """With what to do about it."""
    running = find_running(answering(NotAllowedError("you may not; use sudo")))
    assert running is not None
    assert (running.state, running.what_to_do) == (UNKNOWN, "use sudo")


@pytest.mark.parametrize("answer", [ControlError("it does not answer"), {"state": 3}, {}])
def test_a_house_that_does_not_answer_as_it_should_hangs(answer: dict[str, Any] | Exception) -> None:
    """Whatever it says."""
    running = find_running(answering(answer))
    assert running is not None
    assert running.state == "hanging"
    assert running.what_to_do


def test_levels_are_asked_for_as_well() -> None:
    """None, where it cannot say."""
    assert ask_levels(answering(LEVELS)) == Levels(-50.1, 0, False, 1000.0, False)
    assert ask_levels(answering(ControlError("no"))) is None
