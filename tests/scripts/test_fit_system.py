"""What the system knows of the current release: links, which change with it."""

from __future__ import annotations

from pathlib import Path

from tests.scripts.machine import Machine

UNITS = Path("usr/local/lib/systemd/system")


def installed(machine: Machine) -> str:
    """Make a release, and let it be the current one."""
    name = machine.make_release()
    machine.current.unlink(missing_ok=True)
    machine.current.symlink_to(f"releases/{name}")
    assert machine.run("lib/fit-system").returncode == 0
    return name


def links(machine: Machine) -> dict[str, str]:
    """Return every link outside of /opt, with where it leads."""
    found = [path for path in machine.root.rglob("*") if path.is_symlink()]
    outside = [path for path in found if not path.is_relative_to(machine.root / "opt")]
    return {str(path.relative_to(machine.root)): str(path.readlink()) for path in outside}


def test_everything_leads_into_the_current_release(machine: Machine) -> None:
    """So one switch changes all of it."""
    installed(machine)
    assert links(machine) == {
        "usr/local/lib/systemd/system/hearthside.service": "/opt/hearthside/current/systemd/hearthside.service",
        "usr/local/lib/systemd/system/hearthside-retry.timer": "/opt/hearthside/current/systemd/hearthside-retry.timer",
        "etc/sysusers.d/hearthside.conf": "/opt/hearthside/current/systemd/sysusers.conf",
        "etc/tmpfiles.d/hearthside.conf": "/opt/hearthside/current/systemd/tmpfiles.conf",
        "etc/udev/rules.d/70-hearthside.rules": "/opt/hearthside/current/systemd/udev.rules",
        "usr/local/bin/hearthside": "/opt/hearthside/current/venv/bin/hearthside",
    }


def test_a_second_time_changes_nothing(machine: Machine) -> None:
    """It is part of each installation and update."""
    installed(machine)
    again = machine.run("lib/fit-system")
    assert again.returncode == 0
    assert again.stderr == ""


def test_a_unit_that_a_release_no_longer_has_goes(machine: Machine) -> None:
    """And one that it brings is added. What is somebody else's stays."""
    installed(machine)
    foreign = machine.root / UNITS / "other.service"
    foreign.symlink_to("/opt/other/other.service")
    (machine.source / "systemd" / "hearthside-retry.timer").unlink()
    (machine.source / "systemd" / "hearthside-new.path").write_text("# new\n")
    installed(machine)
    units = {path.name for path in (machine.root / UNITS).iterdir()}
    assert units == {"hearthside.service", "hearthside-new.path", "other.service"}


def test_all_of_it_can_be_taken_away(machine: Machine) -> None:
    """But not what somebody put in its place."""
    installed(machine)
    mine = machine.root / "usr" / "local" / "bin" / "hearthside"
    mine.unlink()
    mine.write_text("#!/bin/sh\n")
    assert machine.run("lib/fit-system", "--remove").returncode == 0
    assert links(machine) == {}
    assert mine.exists()
