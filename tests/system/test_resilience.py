"""What a device goes on through, with a real systemd around it. Slow, needs root: `scripts/test-system`."""

from __future__ import annotations

import re
import time

import pytest

from tests.system.booted import UNIT, Machine
from tests.system.stage import CONFIG, Stage

pytestmark = pytest.mark.system

AGAIN_S = 10.0
"""After it was killed it listens again within this."""
WRONG = CONFIG.replace("50-stage", "60-wrong")
WATCHED_S = 20.0
"""Long enough for a storm of restarts to show itself."""


def test_installed_it_listens_and_answers(speaker: Machine, stage: Stage) -> None:
    """A spoken wake word, a session over TLS, and an answer that is heard."""
    stage.ask(speaker)
    assert speaker.property("NRestarts") == "0"


def test_killed_it_listens_again_at_once(speaker: Machine, stage: Stage) -> None:
    """By SIGKILL, as the kernel does when memory runs out."""
    killed = kill(speaker, "KILL")
    speaker.wait_until(lambda: has_restarted(speaker, killed), "a listening service", AGAIN_S)
    stage.ask(speaker)


def test_one_that_stands_still_is_started_again(speaker: Machine) -> None:
    """By systemd's watchdog, since nobody feeds it."""
    stopped = kill(speaker, "STOP")
    speaker.wait_until(lambda: has_restarted(speaker, stopped), "a listening service", watchdog_s(speaker) + AGAIN_S)
    assert "Watchdog timeout" in speaker.journal()


def test_a_power_cut_leaves_nothing_that_keeps_it_from_starting(speaker: Machine, stage: Stage) -> None:
    """In the middle of what it does."""
    speaker.cut_power()
    speaker.boot()
    speaker.wait_for_state("listening")
    stage.ask(speaker)


def test_a_wrong_configuration_is_told_and_not_tried_in_a_storm(speaker: Machine) -> None:
    """One line says what is wrong; as soon as it is right the device listens again, without anybody's help."""
    cursor = speaker.journal_cursor()
    speaker.write(WRONG, "[audio]\nvolumee = 0.5\n")
    speaker.run(f"systemctl restart --no-block {UNIT}")
    speaker.wait_until(lambda: "volumee" in speaker.journal(since=cursor), "a complaint that names the key")
    end = time.monotonic() + WATCHED_S
    speaker.wait_until(lambda: time.monotonic() > end, "the end of watching", 2 * WATCHED_S)
    told = [line for line in speaker.journal(since=cursor).splitlines() if "volumee" in line]
    assert len(told) == 1, told
    assert WRONG.rpartition("/")[2] in told[0]
    speaker.run(f"rm '{WRONG}'")
    speaker.wait_for_state("listening", 90.0)


def test_full_disks_keep_nobody_from_listening_and_muting(speaker: Machine, stage: Stage) -> None:
    """Neither the state folder nor the runtime folder takes a byte."""
    speaker.run(f"systemctl stop {UNIT}")
    owner = "uid=hearthside,gid=hearthside,mode=750"
    speaker.run(f"mount -t tmpfs -o size=16k,{owner} full /var/lib/hearthside")
    fill(speaker, "/var/lib/hearthside")
    speaker.run(f"systemctl start {UNIT}")
    speaker.wait_for_state("listening")
    speaker.run("hearthside mute")
    speaker.wait_for_state("muted")
    speaker.run("hearthside unmute")
    speaker.wait_until(lambda: speaker.health()["state"] != "muted", "an open microphone")
    fill(speaker, "/run")
    stage.ask(speaker)
    speaker.run("rm /run/filler /var/lib/hearthside/filler && hearthside mute && hearthside unmute")
    speaker.wait_for_state("listening")
    assert speaker.property("NRestarts") == "0"


def kill(machine: Machine, signal: str) -> str:
    """Send the service a signal; return the number of the process."""
    process = machine.property("MainPID")
    machine.run(f"kill -{signal} {process}")
    return process


def has_restarted(machine: Machine, before: str) -> bool:
    """Whether another process listens now."""
    return machine.is_in_state("listening") and machine.property("MainPID") != before


def watchdog_s(machine: Machine) -> float:
    """Return how long systemd waits for a sign of life."""
    shown = machine.says(f"systemctl show --property=WatchdogUSec --value {UNIT}")
    units = {"min": 60.0, "s": 1.0, "ms": 0.001}
    return sum(float(number) * units[unit] for number, unit in re.findall(r"([\d.]+)(min|ms|s)", shown))


def fill(machine: Machine, folder: str) -> None:
    """Write until there is no room."""
    machine.run(f"cat /dev/zero >{folder}/filler; [[ $(stat --file-system --format=%a {folder}) == 0 ]]")
