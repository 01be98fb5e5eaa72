"""What a device goes on through, with a real systemd around it. Slow, needs root: `scripts/test-system`."""

from __future__ import annotations

import re
import time

import pytest

from tests.system.booted import UNIT, Machine
from tests.system.roots import SUITES
from tests.system.stage import CONFIG, Stage

pytestmark = pytest.mark.system

AGAIN_S = 10.0
"""After it was killed it listens again within this."""
STALL_LIMIT_S = 30.0
"""When no sound comes any more it is noticed within this."""
WRONG = CONFIG.replace("50-stage", "60-wrong")
WATCHED_S = 20.0
"""Long enough for a storm of restarts to show itself."""
SETTLED_S, IDLE_S = 10.0, 180.0
"""So long after it is ready nothing is loaded any more; and so long a device is left alone."""


def test_installed_it_listens_and_answers(speaker: Machine, stage: Stage) -> None:
    """A spoken wake word, a session over TLS, and an answer that is heard."""
    stage.ask(speaker)
    assert speaker.property("NRestarts") == "0"


def test_an_idle_device_writes_nothing(suite: str, speaker: Machine) -> None:
    """Nobody's card is worn out by a journal: at most a few lines an hour, and in minutes none."""
    if suite != SUITES[-1]:
        pytest.skip("takes minutes: one release of Debian is enough")
    let_pass(speaker, SETTLED_S)
    cursor = speaker.journal_cursor()
    let_pass(speaker, IDLE_S)
    assert speaker.journal("hearthside*", since=cursor) == ""
    assert speaker.is_in_state("listening")


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
    let_pass(speaker, WATCHED_S)
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


def test_a_clock_that_jumps_breaks_nothing(device: Machine, stage: Stage) -> None:
    """As at the first contact with a time server, for a Pi has no clock of its own; and back again."""
    clock = "/srv/clock"
    device.write(clock, "+0\n")
    device.write(f"/etc/systemd/system/{UNIT}.d/clock.conf", fake_clock(clock))
    device.boot()
    device.wait_for_state("listening")
    # The server's certificate is good for 30 days.
    for jump_d in (20, 0):
        device.write(clock, f"+{jump_d}d\n")
        device.wait_until(lambda days=jump_d: round(days_ahead(device)) == days, "a clock that has jumped")
        stage.ask(device)
    assert device.is_in_state("listening")
    assert device.property("NRestarts") == "0"


def test_without_a_network_it_listens(device: Machine, stage: Stage) -> None:
    """It says that it cannot answer, and answers once there is one."""
    assert device.cable
    device.cable.unplug()
    device.boot()
    device.wait_until(lambda: is_up(device), "a service that hears")
    with stage.card.record_speaker() as heard:
        stage.ask_until(lambda: stage.sounds(heard), "a word about the network", device)
    device.cable.plug()
    device.wait_until(stage.is_answered, "an answer")
    assert device.property("NRestarts") == "0"


def test_without_a_sound_card_it_waits_for_one(device: Machine, stage: Stage) -> None:
    """It says that it is deaf, and listens as soon as there is something to listen with."""
    stage.card.unplug()
    try:
        device.boot()
        device.wait_for_state("deaf")
    finally:
        stage.card.replug()
    device.wait_for_state("listening", STALL_LIMIT_S)
    stage.ask(device)


def test_sound_that_stops_coming_is_noticed(speaker: Machine, stage: Stage) -> None:
    """Nothing fails and nothing comes: it opens the card again, or the watchdog starts it again."""
    with stage.card.deaf_for_who_listens_now():
        speaker.wait_until(stage.card.is_heard, "a microphone that is opened again", STALL_LIMIT_S)
    speaker.wait_for_state("listening", AGAIN_S)
    stage.ask(speaker)


def test_a_card_that_hangs_is_noticed(speaker: Machine, stage: Stage) -> None:
    """Whoever calls it waits: nobody may say that the device listens, and it does as soon as the card is back."""
    with stage.card.hanging():
        speaker.wait_until(lambda: not speaker.is_in_state("listening"), "somebody who notices", STALL_LIMIT_S)
    speaker.wait_for_state("listening", STALL_LIMIT_S)
    stage.ask(speaker)


def kill(machine: Machine, signal: str) -> str:
    """Send the service a signal; return the number of the process."""
    process = machine.property("MainPID")
    machine.run(f"kill -{signal} {process}")
    return process


def let_pass(machine: Machine, seconds: float) -> None:
    """Let it run for so long."""
    end = time.monotonic() + seconds
    machine.wait_until(lambda: time.monotonic() > end, "the end of watching", 2 * seconds)


def has_restarted(machine: Machine, before: str) -> bool:
    """Whether another process listens now."""
    return machine.is_in_state("listening") and machine.property("MainPID") != before


def is_up(machine: Machine) -> bool:
    """Whether the process that runs now has heard sound, whatever else it lacks."""
    health = machine.health()
    return health.get("scored_frames", 0) > 0 and str(health.get("pid")) == machine.property("MainPID")


def days_ahead(machine: Machine) -> float:
    """Return how wrong the service's clock is."""
    return float((machine.health()["written"] - time.time()) / 86_400)


def watchdog_s(machine: Machine) -> float:
    """Return how long systemd waits for a sign of life."""
    shown = machine.says(f"systemctl show --property=WatchdogUSec --value {UNIT}")
    units = {"min": 60.0, "s": 1.0, "ms": 0.001}
    return sum(float(number) * units[unit] for number, unit in re.findall(r"([\d.]+)(min|ms|s)", shown))


def fill(machine: Machine, folder: str) -> None:
    """Write until there is no room."""
    machine.run(f"cat /dev/zero >{folder}/filler; [[ $(stat --file-system --format=%a {folder}) == 0 ]]")


def fake_clock(file: str) -> str:
    """Return the lines of a unit whose clock is as wrong as a file says; time that is measured goes on as it is."""
    return f"""
[Service]
Environment=LD_PRELOAD=/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1 FAKETIME_TIMESTAMP_FILE={file}
Environment=FAKETIME_NO_CACHE=1 FAKETIME_DONT_FAKE_MONOTONIC=1 FAKETIME_FORCE_MONOTONIC_FIX=0
"""
