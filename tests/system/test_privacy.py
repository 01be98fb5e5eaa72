"""What a booted device keeps to itself, and whom it lets in. Slow, needs root: `scripts/test-system`."""

from __future__ import annotations

import re

import pytest

from tests.system.booted import UNIT, Machine
from tests.system.stage import KEY, QUESTION, Stage

pytestmark = pytest.mark.system

MOST_EXPOSED = 2.0
"""Of systemd's ten, from fully confined to not at all."""
CHILD = "/var/lib/hearthside/child"
CREDENTIAL = "/etc/credstore/openai_api_key"


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
    stage.ask(device)
    assert device.cable
    device.cable.unplug()
    stage.card.hear(QUESTION)
    device.wait_until(lambda: "PATH=" in device.run(f"cat {CHILD}", check=False).stdout, "a word about the network")
    assert places_in_processes(device) == ""
    crash(device)
    device.wait_until(lambda: device.health().get("scored_frames", 0), "a service that hears")
    assert places_in_processes(device) == ""
    assert KEY not in device.run("journalctl --boot --no-pager --output=export").stdout
    assert files_with_key(device) == [CREDENTIAL]


def test_a_support_bundle_tells_no_secret(speaker: Machine, stage: Stage) -> None:
    """Neither the key, nor a part of it, nor what was said."""
    stage.ask(speaker)
    speaker.run("cd /root && hearthside support-bundle --output bundle.tar.gz")
    speaker.run("mkdir /root/bundle && tar -xf /root/bundle.tar.gz -C /root/bundle")
    assert speaker.says("find /root/bundle -type f")
    for secret in (KEY, KEY[8:20], QUESTION):
        assert speaker.run(f"grep -rF '{secret}' /root/bundle", check=False).stdout == ""


def ports(machine: Machine) -> str:
    """Return the ports on which something listens for others."""
    return machine.says("ss --tcp --udp --raw --listening --numeric --processes --no-header")


def places_in_processes(machine: Machine) -> str:
    """Return the command lines and environments that show the key."""
    # By its standard input, else grep would find itself.
    search = "grep --no-messages -lF -f /dev/stdin /proc/[0-9]*/environ /proc/[0-9]*/cmdline"
    return machine.run(search, check=False, text=KEY).stdout


def files_with_key(machine: Machine) -> list[str]:
    """Return the files that hold it, on the disk and in memory, but for the service's own credential."""
    folders = "/etc /home /opt /root /run /srv /tmp /usr /var"
    found = machine.run(f"grep --no-messages -rlF --devices=skip -f /dev/stdin {folders}", check=False, text=KEY)
    return [path for path in found.stdout.splitlines() if not path.startswith("/run/credentials/")]


def note_environment_of_children(machine: Machine) -> None:
    """Let the voice that speaks without a network write down what it has inherited."""
    machine.run("mv /usr/bin/espeak-ng /usr/bin/espeak-ng.real")
    machine.write("/usr/bin/espeak-ng", f'#!/bin/sh\nenv >{CHILD}\nexec espeak-ng.real "$@"\n', 0o755)


def crash(machine: Machine) -> None:
    """Let the service die as a program with a defect does, where dumps of its memory would be kept."""
    machine.run(f"kill -ABRT $(systemctl show --value --property=MainPID {UNIT})")
    machine.wait_until(lambda: machine.property("NRestarts") != "0", "a restart")
