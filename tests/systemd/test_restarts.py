"""The pauses between restarts, by the script that the unit runs; sleep is replaced."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "systemd" / "hearthside-restarts"


class Restarts:
    """A unit that ends and is started again."""

    def __init__(self, folder: Path) -> None:
        self.runtime = folder / "run"
        self.runtime.mkdir()
        self._slept = folder / "slept"
        sleep = folder / "sleep"
        sleep.write_text(f'#!/bin/sh\necho "$1" >"{self._slept}"\n', encoding="utf-8")
        sleep.chmod(0o755)
        self._asked = folder / "asked"
        systemctl = folder / "systemctl"
        systemctl.write_text(f'#!/bin/sh\necho "$@" >>"{self._asked}"\n', encoding="utf-8")
        systemctl.chmod(0o755)
        self._path = f"{folder}:/usr/bin:/bin"

    def ended(self, result: str = "signal", status: str = "KILL") -> None:
        """Note an end."""
        self.run("note", SERVICE_RESULT=result, EXIT_STATUS=status)

    def paused(self) -> int:
        """Start again; return for how many seconds that waited."""
        self._slept.unlink(missing_ok=True)
        self.run("wait")
        return int(self._slept.read_text(encoding="utf-8")) if self._slept.exists() else 0

    @property
    def asked(self) -> list[str]:
        """What systemd was asked for."""
        return self._asked.read_text(encoding="utf-8").splitlines() if self._asked.exists() else []

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run the script."""
        env = {"PATH": self._path, "RUNTIME_DIRECTORY": str(self.runtime), **environment}
        return subprocess.run([SCRIPT, *arguments], env=env, check=True, capture_output=True, text=True)


@pytest.fixture
def restarts(tmp_path: Path) -> Restarts:
    """One that has not failed yet."""
    return Restarts(tmp_path)


def test_the_first_restarts_do_not_wait_and_later_ones_do(restarts: Restarts) -> None:
    """A crash is over in a second; a machine on which it cannot run is not kept busy."""
    pauses = []
    for _ in range(9):
        pauses.append(restarts.paused())
        restarts.ended()
    assert pauses == [0, 0, 0, 5, 15, 45, 120, 120, 120]


def test_it_says_why_it_waits(restarts: Restarts) -> None:
    """In the journal."""
    for _ in range(5):
        restarts.ended("watchdog", "ABRT")
    assert restarts.run("wait").stderr == "hearthside has failed 5 times in a row: starting it again in 45 s\n"


@pytest.mark.parametrize(("result", "status"), [("success", "0"), ("exit-code", "78")])
def test_an_end_in_good_order_begins_anew(restarts: Restarts, result: str, status: str) -> None:
    """Whoever corrected the configuration, or restarts it by hand, does not wait."""
    for _ in range(6):
        restarts.ended()
    restarts.ended(result, status)
    assert restarts.paused() == 0
    restarts.ended()
    assert restarts.paused() == 0


def test_failures_of_long_ago_are_forgotten(restarts: Restarts) -> None:
    """Ten minutes of the time since the machine started."""
    uptime = int(float(Path("/proc/uptime").read_text(encoding="utf-8").split()[0]))
    file = restarts.runtime / "restarts"
    file.write_text(f"6 {uptime - 300}\n", encoding="utf-8")
    assert restarts.paused() == 120
    file.write_text(f"6 {uptime - 700}\n", encoding="utf-8")
    assert restarts.paused() == 0


@pytest.mark.parametrize("text", ["", "x y\n", "3\n", "-1 -1\n", "1 2 3\n", "$(false) 1\n"])
def test_whatever_stands_in_its_file_it_goes_on(restarts: Restarts, text: str) -> None:
    """A disk that was full leaves half a file."""
    (restarts.runtime / "restarts").write_text(text, encoding="utf-8")
    assert restarts.paused() in (0, 5)
    restarts.ended()
    assert restarts.paused() in (0, 5)


def test_what_it_said_of_itself_is_taken_away(restarts: Restarts) -> None:
    """After kill -9 nobody else does it."""
    for name in ("health.json", "control.sock"):
        (restarts.runtime / name).touch()
    restarts.ended()
    assert [path.name for path in restarts.runtime.iterdir()] == ["restarts"]


def test_only_a_wrong_configuration_is_given_up(restarts: Restarts) -> None:
    """Then it is shown and said; before the next start that ends."""
    for result, status in (("signal", "KILL"), ("success", "0"), ("exit-code", "1")):
        restarts.run("give-up", SERVICE_RESULT=result, EXIT_STATUS=status)
    assert restarts.asked == []
    restarts.run("give-up", SERVICE_RESULT="exit-code", EXIT_STATUS="78")
    restarts.run("begin")
    helpers = "hearthside-fault.service hearthside-retry.path hearthside-retry.timer"
    assert restarts.asked == [f"start --no-block {helpers}", f"stop {helpers}"]


def test_it_explains_itself(restarts: Restarts) -> None:
    """And refuses what it does not know."""
    assert "Usage: hearthside-restarts begin|wait|note|give-up" in restarts.run("--help").stdout
    with pytest.raises(subprocess.CalledProcessError):
        restarts.run("stop")
