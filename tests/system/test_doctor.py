"""The doctor, the support bundle and the wizard on a real systemd, beside the service and without it."""

from __future__ import annotations

import json

import pytest

from tests.system.booted import Machine
from tests.system.stage import KEY, Stage

pytestmark = pytest.mark.system


def graded(machine: Machine, *options: str) -> dict[str, str]:
    """Run the doctor; return the grades by the names of the checks."""
    said = machine.run(f"hearthside doctor --json {' '.join(options)}", check=False, timeout_s=180).stdout
    assert KEY not in said
    return {found["check"]: found["grade"] for found in json.loads(said)["findings"]}


def test_the_doctor_finds_a_service_that_is_well(speaker: Machine) -> None:
    """Beside it: unit, watchdog, what the house says, and the key, which only root may read."""
    found = graded(speaker)
    for check in ("configuration", "service", "watchdog", "house", "key", "provider", "tls"):
        assert found[check] == "well", found
    assert found["self-test"] == "skipped"
    speaker.wait_for_state("listening")


def test_the_doctor_looks_at_the_card_when_the_service_is_stopped(speaker: Machine) -> None:
    """A card that nobody has is opened."""
    speaker.run("systemctl stop hearthside")
    found = graded(speaker, "--silent")
    assert (found["service"], found["microphone"], found["loudspeaker"]) == ("hint", "well", "well")


def test_the_bundle_of_a_device_holds_no_key(speaker: Machine) -> None:
    """Neither the stored one nor one that has come into the log."""
    speaker.run(f"systemd-run --wait --unit=planted --property=SyslogIdentifier=hearthside echo {KEY}")
    speaker.run("hearthside support-bundle --output /root/bundle.tar.gz", timeout_s=180)
    held = speaker.says("tar -xzOf /root/bundle.tar.gz")
    assert "ActiveState=active" in held
    assert "ready: listening" in held
    assert KEY not in held
    assert KEY[8:] not in held


def test_the_wizard_changes_the_wake_word_by_a_script(speaker: Machine, stage: Stage) -> None:
    """The service may read what it has written, and listens for the new word."""
    speaker.write("/root/answers.toml", 'wake_word = "alexa"\n')
    speaker.run("hearthside setup --answers /root/answers.toml", timeout_s=120)
    assert speaker.says("stat -c '%a %U:%G' /etc/hearthside/config.toml") == "640 root:hearthside"
    speaker.run("systemctl restart hearthside")
    speaker.wait_for_state("listening")
    assert "listening for alexa" in speaker.journal()
