"""What a booted device keeps to itself, and whom it lets in. Slow, needs root: `scripts/test-system`."""

from __future__ import annotations

import re

import pytest

from tests.system.booted import UNIT, Machine
from tests.system.searching import crash, files_with, has_inherited, note_environment_of_children, places_in_processes
from tests.system.stage import KEY, QUESTION, Stage

pytestmark = pytest.mark.system

MOST_EXPOSED = 2.0
"""Of systemd's ten, from fully confined to not at all."""
CREDENTIAL = "/etc/credstore/openai_api_key"
STATE = "/var/lib/hearthside"
DROP_IN = f"/etc/systemd/system/{UNIT}.d/dies.conf"
# Holds the key as the daemon does, and dies of the same signal by itself.
ABORTS = """\
Type=exec
ExecStart=
ExecStart=/usr/bin/python3 -c 'import os; key = open("%d/openai_api_key").read(); os.abort()'
"""


def test_the_service_is_confined(speaker: Machine) -> None:
    """As systemd itself counts it."""
    said = speaker.says(f"systemd-analyze security --no-pager {UNIT}")
    figure = re.search(r"Overall exposure level for \S+: ([\d.]+)", said)
    assert figure, said
    assert float(figure[1]) <= MOST_EXPOSED, said


def test_nobody_can_reach_it_over_the_network(speaker: Machine, stage: Stage) -> None:
    """While it idles, and after a conversation."""
    assert ports(speaker) == ""
    stage.ask(speaker)
    assert ports(speaker) == ""


def test_the_key_is_nowhere_but_where_it_was_put(device: Machine, stage: Stage) -> None:
    """After a conversation, a word by a child, and a crash: searched for in all that can be read."""
    note_environment_of_children(device)
    device.boot()
    device.wait_for_state("listening")
    stage.ask_and_hear_out(device)
    assert device.cable
    device.cable.unplug()
    stage.ask_until(lambda: has_inherited(device), "a word about the network", device)
    assert places_in_processes(device, KEY) == ""
    crash(device)
    device.wait_until(lambda: device.health().get("scored_frames", 0), "a service that hears")
    assert places_in_processes(device, KEY) == ""
    assert KEY not in device.run("journalctl --boot --no-pager --output=export").stdout
    assert files_with(device, KEY) == [CREDENTIAL]


def test_a_crash_leaves_no_dump_of_its_memory(speaker: Machine) -> None:
    """A program in its place leaves one, and it is found; not when the unit forbids it, nor when it is the daemon."""
    pattern = speaker.says("cat /proc/sys/kernel/core_pattern")
    if "/" in pattern:
        pytest.skip(f"this kernel does not leave dumps beside programs, but to {pattern}")
    assert found_dumps(speaker, f"LimitCORE=infinity\n{ABORTS}") != []
    assert found_dumps(speaker, ABORTS) == []
    assert found_dumps(speaker, "LimitCORE=infinity\n") == []


def test_a_support_bundle_tells_no_secret(speaker: Machine, stage: Stage) -> None:
    """Neither the key, nor a part of it, nor what was said."""
    stage.ask(speaker)
    speaker.run("cd /root && hearthside support-bundle --output bundle.tar.gz", timeout_s=180)
    speaker.run("mkdir /root/bundle && tar -xf /root/bundle.tar.gz -C /root/bundle")
    assert speaker.says("find /root/bundle -type f")
    for secret in (KEY, KEY[8:20], QUESTION):
        assert speaker.run(f"grep -rF '{secret}' /root/bundle", check=False).stdout == ""


def ports(machine: Machine) -> str:
    """Return the ports on which something listens for others."""
    return machine.says("ss --tcp --udp --raw --listening --numeric --processes --no-header")


def found_dumps(machine: Machine, drop_in: str) -> list[str]:
    """Let the service die in a folder where it may write, with more in its unit; return the dumps that hold its key."""
    machine.write(DROP_IN, f"[Service]\nWorkingDirectory={STATE}\nRestart=no\n{drop_in}")
    machine.run(f"systemctl daemon-reload; systemctl restart {UNIT}", check=False)
    if ABORTS not in drop_in:
        # What aborts by itself may not have read the key yet.
        machine.run(f"systemctl kill --signal=ABRT {UNIT}", check=False)
    machine.wait_until(lambda: machine.property("ActiveState") == "failed", "a crash")
    found = files_with(machine, KEY, under=STATE)
    assert machine.property("Result") == ("core-dump" if found else "signal")
    machine.run(f"rm -f {DROP_IN} {' '.join(found)}")
    return found
