"""Passing from one release to another: what is kept, what is undone, and what the power may be cut in."""

from __future__ import annotations

import contextlib
import errno
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from releases import disk
from releases.device import CURRENT, PREVIOUS, TRIAL, Device, UpdateError
from releases.trial import FellBackError

from tests.update.fakes import NEW, OLD, OLDER, PowerCutError, make_release, power_for, trial_of

RENAMED = "old new other"
"""The keys of a release that has another name for `old`."""


def with_new(device: Device, behaviour: str = "hears", keys: str = RENAMED) -> Device:
    """Put a new release beside those of a device."""
    make_release(device.releases / NEW, NEW, behaviour, keys)
    return device


def releases(device: Device) -> set[str]:
    return {folder.name for folder in device.releases.iterdir()}


def configuration(device: Device) -> dict[str, str]:
    """Return what every file of the configuration says."""
    return {str(file.relative_to(device.settings)): file.read_text() for file in files(device.settings)}


def files(folder: Path) -> list[Path]:
    """Return those of a configuration."""
    return [*folder.glob("*.toml"), *folder.glob("config.d/*.toml")]


def leftovers(device: Device) -> list[Path]:
    """Return what has a temporary name."""
    return [*device.root.rglob(".*")]


def test_a_release_that_hears_takes_the_place_of_the_one_before(device: Device) -> None:
    """That one stays to go back to; the one before it goes; the configuration has the new names."""
    trial = trial_of(with_new(device))
    trial.change_to(NEW)
    assert (device.release(CURRENT), device.release(PREVIOUS)) == (NEW, OLD)
    assert releases(device) == {OLD, NEW}
    assert trial.service.running == NEW
    assert configuration(device) == {"config.toml": "new = 1\n", "config.d/10-more.toml": "other = 2\n"}
    assert not leftovers(device)
    assert not device.on_trial()


@pytest.mark.parametrize("behaviour", ["deaf, the microphone went away", "offline"])
def test_a_release_that_does_not_hear_is_undone(device: Device, behaviour: str) -> None:
    """All is as it was, and it says why."""
    trial = trial_of(with_new(device, behaviour))
    before = configuration(device)
    with pytest.raises(FellBackError, match=f"{behaviour}.*0.1.0 runs again, and hears"):
        trial.change_to(NEW)
    assert (device.release(CURRENT), device.release(PREVIOUS)) == (OLD, OLDER)
    assert releases(device) == {OLD, OLDER}
    assert trial.service.running == OLD
    assert configuration(device) == before
    assert not leftovers(device)


def test_a_device_that_was_offline_may_be_so_afterwards(device: Device) -> None:
    """A bundle is how such a one is updated."""
    trial = trial_of(with_new(device, "offline"))
    trial.service.before = "offline"
    trial.change_to(NEW)
    assert device.release(CURRENT) == NEW


def test_a_device_that_was_offline_before_is_taken_as_well_when_it_goes_back(device: Device) -> None:
    """It is no worse than it was."""
    (device.releases / OLD / "behaviour").write_text("offline")
    trial = trial_of(with_new(device, "deaf"))
    trial.service.before = "offline"
    with pytest.raises(FellBackError, match=r"0.1.0 runs again, and hears"):
        trial.change_to(NEW)


def test_when_neither_hears_it_may_not_be_the_release(device: Device) -> None:
    """A microphone that was unplugged meanwhile."""
    (device.releases / OLD / "behaviour").write_text("deaf")
    with pytest.raises(FellBackError, match=r"it does not hear either: deaf. So it may not be the release"):
        trial_of(with_new(device, "deaf")).change_to(NEW)
    assert device.release(CURRENT) == OLD


def test_going_back_brings_the_configuration_that_the_release_takes(device: Device) -> None:
    """The newer one is kept, and comes back when the newer release does."""
    trial = trial_of(with_new(device))
    trial.change_to(NEW)
    (device.settings / "config.d" / "20-newest.toml").write_text("new = 3\n")
    newest = configuration(device)
    trial.change_to(OLD)
    assert (device.release(CURRENT), device.release(PREVIOUS)) == (OLD, NEW)
    assert configuration(device) == {"config.toml": "old = 1\n", "config.d/10-more.toml": "other = 2\n"}
    kept = device.settings / "backups" / "newer-than-0.1.0"
    assert {str(file.relative_to(kept)): file.read_text() for file in files(kept)} == newest


def test_going_back_leaves_a_configuration_that_the_release_takes_as_it_is(device: Device) -> None:
    """What was changed since the update is not lost without need."""
    trial = trial_of(with_new(device, keys="old other"))
    trial.change_to(NEW)
    (device.settings / "config.toml").write_text("old = 7\n")
    trial.change_to(OLD)
    assert configuration(device)["config.toml"] == "old = 7\n"


def test_a_release_that_takes_no_configuration_there_is_is_not_started(device: Device) -> None:
    """It says so, and what is wrong."""
    trial = trial_of(with_new(device, keys="new"))
    with pytest.raises(UpdateError, match="does not take the configuration"):
        trial.change_to(NEW)
    assert trial.service.running == OLD
    assert device.release(CURRENT) == OLD
    assert not device.on_trial()


def test_the_newest_configuration_stays_when_the_older_release_takes_none_there_is(device: Device) -> None:
    """The one that was kept for it has been spoilt."""
    trial = trial_of(with_new(device))
    trial.change_to(NEW)
    (device.settings / "backups" / OLD / "config.toml").write_text("what = 1\n")
    with pytest.raises(UpdateError, match=r"does not take the configuration.*there is no key what"):
        trial.change_to(OLD)
    assert device.release(CURRENT) == NEW
    assert configuration(device)["config.toml"] == "new = 1\n"
    assert not device.on_trial()


def test_nothing_is_tried_when_nobody_would_take_over(device: Device) -> None:
    """Where the unit is missing."""
    trial = trial_of(with_new(device))
    trial.service.refuses_to_guard = True
    with pytest.raises(UpdateError, match="nobody takes over"):
        trial.change_to(NEW)
    assert device.release(CURRENT) == OLD
    assert not device.on_trial()


def update(device: Device) -> None:
    trial_of(device).change_to(NEW)


def go_back(device: Device) -> None:
    trial_of(device).change_to(OLD)


def updated(device: Device) -> Device:
    update(with_new(device))
    return device


def broken_on_trial(device: Device) -> Device:
    """One whose power was cut after it took the new release's names of keys, and which has been deaf since."""
    trial = trial_of(with_new(device, "deaf"))
    trial.configurations.keep_before(OLD, NEW, {"state": "listening"})
    device.point(TRIAL, OLD)
    device.point(CURRENT, NEW)
    trial.configurations.migrate(NEW)
    return device


def settle(device: Device) -> None:
    trial_of(device).settle()


CHANGES = [
    pytest.param(broken_on_trial, settle, OLD, id="settling what was interrupted"),
    pytest.param(with_new, update, NEW, id="update"),
    pytest.param(lambda device: with_new(device, "deaf"), update, OLD, id="update that falls back"),
    pytest.param(updated, go_back, OLD, id="rollback"),
]
Prepare = Callable[[Device], Device]
Change = Callable[[Device], None]


def run(change: Change, device: Device, steps: int) -> bool:
    """Let a change run until the power is cut after so many steps; tell whether it came to its end."""
    try:
        with power_for(steps), contextlib.suppress(UpdateError):
            change(device)
    except PowerCutError:
        return False
    return True


def starts(device: Device) -> None:
    """See that the device would start now, as systemd starts it: with what `current` leads to."""
    trial = trial_of(device)
    release = device.release(CURRENT)
    assert release
    assert not trial.configurations.complaint(release)


def ends_well(device: Device, wanted: str) -> None:
    """Boot it, and see that it settles; and that the next update finds nothing that was left."""
    starts(device)
    trial = trial_of(device)
    with contextlib.suppress(FellBackError):
        trial.settle()
    assert not device.on_trial()
    assert trial.service.running == device.release(CURRENT)
    assert trial.service.objection(device.release(CURRENT), 0, {"state": "listening"}) == ""
    starts(device)
    device.clear_leftovers()
    device.prune()
    trial.configurations.prune()
    assert not leftovers(device)
    assert len(releases(device)) <= 2
    assert device.release(PREVIOUS) != device.release(CURRENT)
    assert wanted in releases(device)


@pytest.mark.parametrize(("prepare", "change", "wanted"), CHANGES)
def test_the_power_may_be_cut_before_any_step(
    new_device: Callable[[], Device], prepare: Prepare, change: Change, wanted: str
) -> None:
    """Every one of them, one after the other: a whole release starts, and settles what was begun."""
    steps = 0
    while not run(change, device := prepare(new_device()), steps):
        ends_well(device, OLD)
        steps += 1
    assert device.release(CURRENT) == wanted
    assert steps > 30


@pytest.mark.parametrize(("prepare", "change", "wanted"), CHANGES)
@pytest.mark.parametrize("seed", range(6))
def test_the_power_may_be_cut_again_while_the_device_settles(
    new_device: Callable[[], Device], prepare: Prepare, change: Change, wanted: str, seed: int
) -> None:
    """A child with a plug in its hand."""
    chance = random.Random(seed)
    device = prepare(new_device())
    run(change, device, chance.randrange(10, 90))
    for _ in range(3):
        starts(device)
        run(settle, device, chance.randrange(40))
    ends_well(device, OLD)


def test_no_newer_configuration_is_lost_by_going_back_and_a_power_cut(new_device: Callable[[], Device]) -> None:
    """It holds, or is kept aside."""
    steps, done = 0, False
    while not done:
        device = updated(new_device())
        (device.settings / "config.d" / "20-newest.toml").write_text("new = 3\n")
        newest = configuration(device)
        done = run(go_back, device, steps)
        ends_well(device, OLD)
        aside = device.settings / "backups" / "newer-than-0.1.0"
        held = device.settings if device.release(CURRENT) == NEW else aside
        assert {str(file.relative_to(held)): file.read_text() for file in files(held)} == newest
        steps += 1


def test_a_release_is_removed_also_where_a_folder_cannot_be_renamed(
    device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the lower layer of an overlay. It is no release any more as soon as it begins to go."""

    def refuse(self: Path, target: Path) -> None:
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr(Path, "rename", refuse)
    with monkeypatch.context() as interrupted:
        interrupted.setattr(shutil, "rmtree", lambda folder: None)
        disk.remove(device.releases / OLDER)
    assert not device.is_whole(OLDER)
    disk.remove(device.releases / OLDER)
    assert releases(device) == {OLD}


def test_a_folder_that_is_being_removed_is_whole_or_not_there(new_device: Callable[[], Device]) -> None:
    """Half a release would be taken for one."""
    steps, done = 0, False
    while not done:
        folder = new_device().releases / OLDER
        whole = len(list(folder.rglob("*")))
        done = run(lambda device: disk.remove(device.releases / OLDER), Device(folder.parents[3]), steps)
        assert len(list(folder.rglob("*"))) in (0, whole)
        steps += 1
