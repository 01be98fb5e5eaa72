"""What is made of what systemd and the service say."""

from __future__ import annotations

import msgspec
import pytest

from device.setup.daemon import UNKNOWN, Part, Running
from device.setup.doctor.finding import Grade
from device.setup.doctor.unit import Unit, judge_configuration, judge_unit

HEALTHY = {
    "LoadState": "loaded",
    "UnitFileState": "enabled",
    "ActiveState": "active",
    "SubState": "running",
    "NRestarts": "0",
    "WatchdogUSec": "30s",
}
LISTENING = Running("listening", scored_frames=1200)


def grades(properties: dict[str, str], running: Running | None = None) -> dict[str, Grade]:
    """Return what is found, by the name of the check."""
    return {finding.check: finding.grade for finding in judge_unit(Unit(properties, running))}


def test_a_service_that_runs_is_well() -> None:
    """Unit, watchdog, and what it says of itself."""
    found = grades(HEALTHY, LISTENING)
    assert found == {"service": Grade.WELL, "watchdog": Grade.WELL, "house": Grade.WELL}


@pytest.mark.parametrize(
    ("changed", "check", "grade"),
    [
        ({"ActiveState": "inactive"}, "service", Grade.HINT),
        ({"ActiveState": "failed", "Result": "exit-code", "ExecMainStatus": "1"}, "service", Grade.WRONG),
        ({"ActiveState": "activating", "SubState": "auto-restart"}, "service", Grade.WRONG),
        ({"ActiveState": "activating", "SubState": "start"}, "service", Grade.HINT),
        ({"UnitFileState": "disabled"}, "service", Grade.HINT),
        ({"WatchdogUSec": "infinity"}, "watchdog", Grade.HINT),
        ({"NRestarts": "7"}, "restarts", Grade.HINT),
        ({"LoadState": "not-found"}, "service", Grade.SKIPPED),
    ],
)
def test_what_is_not_so_is_told(changed: dict[str, str], check: str, grade: Grade) -> None:
    """One thing at a time."""
    assert grades({**HEALTHY, **changed})[check] is grade


def test_a_service_whose_configuration_is_wrong_is_told_apart() -> None:
    """By its exit code."""
    failed = {**HEALTHY, "ActiveState": "failed", "ExecMainStatus": "78"}
    [found] = judge_unit(Unit(failed, None))
    assert found.misconfigured


def test_without_systemd_the_house_still_speaks_for_itself() -> None:
    """In a container, or run by hand."""
    assert grades({}, LISTENING) == {"service": Grade.SKIPPED, "house": Grade.WELL}


@pytest.mark.parametrize("state", ["deaf", "offline", "fault", "hanging", "something new"])
def test_a_house_that_is_not_well_says_why(state: str) -> None:
    """The parts that it names come in the place of the state."""
    ill = Running(state, why="the card is gone", what_to_do="plug it in")
    [found] = [finding for finding in judge_unit(Unit(HEALTHY, ill)) if finding.check == "house"]
    assert (found.grade, found.fix) == (Grade.WRONG, "plug it in")
    parts = (Part("microphone", False, "it is gone", "look for it"), Part("light", True))
    named = msgspec.structs.replace(ill, parts=parts)
    [found] = [finding for finding in judge_unit(Unit(HEALTHY, named)) if finding.check == "house"]
    assert (found.text, found.fix) == ("microphone: it is gone", "look for it")


def test_a_house_that_may_not_be_asked_is_not_judged() -> None:
    """Whoever looks is not in its group."""
    assert grades(HEALTHY, Running(UNKNOWN, "you may not", "use sudo"))["house"] is Grade.SKIPPED


def test_a_wrong_configuration_counts_as_one() -> None:
    """For the exit code."""
    [found] = judge_configuration("/etc/hearthside/config.toml: audio.inptu is unknown")
    assert found.misconfigured
    assert judge_configuration("")[0].grade is Grade.WELL
