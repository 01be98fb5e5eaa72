"""The control socket of the installed service, on booted machines: who may, what is kept, and what a kill leaves."""

from __future__ import annotations

import json

import pytest

from tests.system.booted import Machine, told

pytestmark = pytest.mark.system

MEMBER, STRANGER = "runuser -u member -- ", "runuser -u stranger -- "


def test_the_group_of_the_service_may_speak_to_it_and_nobody_else(speaker: Machine) -> None:
    """By the commands, as people do; and what a member mutes stays muted through a kill and a reboot."""
    speaker.run("useradd --create-home --groups hearthside member && useradd --create-home stranger")
    assert speaker.says("stat --format=%a:%U:%G /run/hearthside/control.sock") == "660:hearthside:hearthside"
    assert speaker.says("stat --format=%a:%U:%G /run/hearthside/health.json") == "640:hearthside:hearthside"

    refused = speaker.run(f"{STRANGER}hearthside mute", check=False)
    assert refused.returncode == 1
    assert "sudo adduser $USER hearthside" in told(refused)
    assert json.loads(speaker.says(f"{MEMBER}hearthside status --json"))["state"] == "listening"

    assert speaker.says(f"{MEMBER}hearthside mute") == "muted: the microphone is closed"
    speaker.wait_for_state("muted")
    speaker.run("systemctl kill --signal=KILL hearthside")
    speaker.wait_for_state("muted")
    speaker.reboot()
    speaker.wait_for_state("muted")
    assert speaker.says(f"{MEMBER}hearthside unmute") == "unmuted"
    speaker.wait_for_state("listening")


def test_a_service_that_was_stopped_says_so_and_leaves_no_health_behind(speaker: Machine) -> None:
    """A file of a house that is no more would tell of one that listens."""
    speaker.run("systemctl stop hearthside")
    assert not {"health.json", "control.sock"} & set(speaker.says("ls /run/hearthside").split())
    answer = speaker.run("hearthside status", check=False)
    assert answer.returncode == 1
    assert "hearthside is not running" in told(answer)
