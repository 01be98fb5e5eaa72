"""scripts/update itself, on a machine in a folder: what it says and does, and what is left of it when it is killed."""

from __future__ import annotations

import hashlib
import os
import random
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from releases.device import CURRENT, PREVIOUS, TRIAL, Device
from releases.service import GUARD

from tests.update.fakes import NEW, OLD, OLDER, ROOT
from tests.update.machine import LIMIT_S, WITHIN_S, Machine

KILLS = 20
STEPS = 24
"""So many can be seen of an update, about."""


@pytest.fixture
def machine(folder: Path) -> Iterator[Machine]:
    """One that runs 0.1.0, and is switched off in the end."""
    machine = Machine(folder / "machine")
    yield machine
    machine.off()


def test_a_release_is_installed_tried_and_kept(machine: Machine) -> None:
    """And the service is told of its unit files before it is started."""
    code, said = machine.install(machine.source(NEW, keys="old new other"))
    assert code == 0, said
    assert f"release {NEW} runs and hears; `update --rollback` returns to {OLD}" in said
    assert "old is called new now" in said
    assert machine.releases() == [OLD, NEW]
    calls = (machine.folder / "systemctl.log").read_text().splitlines()[1:]
    assert calls == [
        "start --no-block hearthside-settle.service",
        f"fit-system of {NEW}",
        "stop hearthside.service",
        "start --no-block hearthside.service",
    ]


@pytest.mark.parametrize("behaviour", ["deaf", "dies"])
def test_a_release_that_does_not_hear_is_undone_and_told(machine: Machine, behaviour: str) -> None:
    """Whether it says so or never comes up."""
    code, said = machine.install(machine.source(NEW, behaviour), within_s=5)
    assert code == 1
    assert f"{OLD} runs again, and hears" in said
    assert machine.starts() == OLD
    assert machine.releases() == [OLDER, OLD]


def test_a_lamp_that_was_broken_before_is_no_reason_to_go_back(machine: Machine) -> None:
    """To be deaf is; and to be without a lamp that was well before."""
    code, said = machine.install(machine.source(NEW, "fault"), within_s=5)
    assert (code, "fault, light: no wires, look at them" in said) == (1, True), said
    (machine.device.releases / OLD / "behaviour").write_text("fault")
    machine.off()
    machine.boot()
    machine.health_comes()
    code, said = machine.install(machine.source("0.3.0", "fault"))
    assert code == 0, said
    code, said = machine.install(machine.source("0.4.0", "deaf"), within_s=5)
    assert (code, "0.3.0 runs again, and hears" in said) == (1, True), said


def test_what_failed_before_is_no_reason_to_wait(machine: Machine) -> None:
    """The unit waits longer and longer when the service keeps failing; a new release begins anew."""
    machine.device.failures.write_text("6 12345\n")
    assert machine.install(machine.source(NEW))[0] == 0
    assert not machine.device.failures.exists()


def test_rollback_returns_to_the_release_before_and_forth_again(machine: Machine) -> None:
    """Without anything to download."""
    machine.install(machine.source(NEW))
    assert machine.update("--rollback")[0] == 0
    assert (machine.device.release(CURRENT), machine.device.release(PREVIOUS)) == (OLD, NEW)
    assert machine.update("--rollback")[0] == 0
    assert machine.starts() == NEW


def test_the_release_that_runs_is_not_installed_again(machine: Machine) -> None:
    """The service is left alone."""
    code, said = machine.install(machine.source(OLD))
    assert (code, "there is nothing to do" in said) == (0, True)
    assert "stop hearthside.service" not in (machine.folder / "systemctl.log").read_text()


def test_a_configuration_that_the_release_refuses_ends_it_before_anything_changes(machine: Machine) -> None:
    """What is wrong with it is told."""
    code, said = machine.install(machine.source(NEW, keys="new other"))
    assert code == 1
    assert "there is no key old" in said
    assert "nothing was changed" in said
    assert machine.releases() == [OLDER, OLD]
    assert "stop hearthside.service" not in (machine.folder / "systemctl.log").read_text()


def test_a_source_that_is_no_release_is_told(machine: Machine) -> None:
    """Such as a wrong folder."""
    (machine.folder / "other").mkdir()
    code, said = machine.install(machine.folder / "other")
    assert (code, "there is no release of Hearthside in it" in said) == (1, True)
    assert machine.releases() == [OLDER, OLD]


def test_packages_that_a_release_needs_are_named_before_anything_changes(machine: Machine) -> None:
    """By the source's own list."""
    source = machine.source(NEW)
    lists = "device_packages() { echo libnew tzdata; }; python_packages() { :; }; missing_of() { echo libnew; }"
    (source / "scripts" / "lib" / "debian.sh").write_text(lists)
    code, said = machine.install(source)
    assert (code, "apt-get install --no-install-recommends libnew, then" in said) == (1, True), said
    assert machine.releases() == [OLDER, OLD]


def test_a_bundle_is_known_by_its_sum(machine: Machine) -> None:
    """From file to running service."""
    bundle = machine.folder / "bundle.tar"
    source = machine.source(NEW)
    subprocess.run(["tar", "-cf", bundle, "-C", source.parent, NEW], check=True)
    code, said = machine.update("--from", bundle, "--sha256", hashlib.sha256(bundle.read_bytes()).hexdigest())
    assert code == 0, said
    assert machine.releases() == [OLD, NEW]


def test_check_changes_nothing_and_says_what_there_is(machine: Machine) -> None:
    """And what would be installed."""
    code, said = machine.update("--check", "--from", machine.source(NEW), "--unsigned")
    assert code == 0
    assert f"runs: {OLD}, listening" in said
    assert f"to go back to: {OLDER}" in said
    assert f"release {NEW}" in said
    assert machine.releases() == [OLDER, OLD]


def test_check_unpacks_on_the_disk(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """And not in /tmp, which lies in memory on Debian 13: a bundle is larger than what a small Pi has of that."""
    monkeypatch.delenv("TMPDIR", raising=False)
    source = machine.source(NEW)
    (source / "scripts" / "lib" / "make-release").write_text('#!/bin/bash\necho "${*: -1}"\n', encoding="utf-8")
    bundle = machine.folder / "bundle.tar"
    subprocess.run(["tar", "-cf", bundle, "-C", source.parent, NEW], check=True)
    code, said = machine.update("--check", "--from", bundle, "--unsigned")
    assert (code, "release /var/tmp/.source-" in said) == (0, True), said


@pytest.mark.parametrize("arguments", [[], ["--from", "x", "--rollback"], ["--sha256", "1"]])
def test_wrong_arguments_are_refused(machine: Machine, arguments: list[str]) -> None:
    """With the usage."""
    code, said = machine.update(*arguments)
    assert (code, "usage:" in said) == (2, True)


def test_a_device_without_a_release_is_told_to_install_one(folder: Path) -> None:
    """There is nothing to fall back to."""
    command = [Path(__file__).parents[2] / "scripts" / "update", "--rollback"]
    done = subprocess.run(
        command, env={**os.environ, "HEARTHSIDE_ROOT": str(folder)}, capture_output=True, text=True, check=False
    )
    assert (done.returncode, "run scripts/install" in done.stderr) == (1, True)


def test_a_second_update_waits_for_the_first(machine: Machine) -> None:
    """Both come to their end."""
    first = machine.start("--from", machine.source(NEW), "--unsigned", "--within", WITHIN_S)
    second = machine.start("--from", machine.source("0.3.0"), "--unsigned", "--within", WITHIN_S)
    for process in (first, second):
        said, _ = process.communicate(timeout=LIMIT_S)
        assert process.returncode == 0, said
    assert len(machine.releases()) == 2
    assert not machine.device.on_trial()


@pytest.mark.long
def test_killed_at_any_moment_one_whole_release_starts(machine: Machine) -> None:
    """Update after update, half of them to a release that is deaf: sometimes the script is killed, sometimes all is."""
    chance, on_trial = random.Random(10), 0
    for number in range(KILLS):
        behaviour = chance.choice(["hears", "deaf"])
        process = machine.start("--from", machine.source(f"1.{number}", behaviour), "--unsigned", "--within", 1)
        machine.runs_until(process, chance.randrange(STEPS))
        on_trial += machine.device.on_trial()
        if chance.random() < 0.5:
            machine.cut_power(process)
            machine.starts()
            machine.boot()
        else:
            process.kill()
            machine.starts()
            process.communicate(timeout=LIMIT_S)
        machine.settles()
        assert (machine.device.releases / machine.starts() / "behaviour").read_text() == "hears"
    assert on_trial
    code, said = machine.install(machine.source(NEW))
    assert code == 0, said
    assert len(machine.releases()) == 2
    assert machine.starts() == NEW
    assert not [*machine.device.home.glob(".*")]


def test_the_unit_that_takes_over_is_there_as_long_as_something_is_on_trial() -> None:
    """And runs the script of the release to fall back to."""
    lines = (ROOT / "systemd" / GUARD).read_text().splitlines()
    trial = Device().home / TRIAL
    assert f"ConditionPathExists={trial}" in lines
    assert f"ExecStart={trial}/scripts/update --settle" in lines
    assert "WantedBy=multi-user.target" in lines
