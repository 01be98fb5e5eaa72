"""The kernel's own clocks and timers."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from device.tools.timers import clocks
from device.tools.timers.clocks import AlarmClock, Clocks, local_zone
from tests.waiting import until


def open_files() -> int:
    """Return how many this process has."""
    return len([*Path("/proc/self/fd").iterdir()])


async def test_it_wakes_when_the_moment_has_come_and_only_once() -> None:
    """By the boot clock; a moment that is past is at once."""
    woken: list[float] = []
    boot = lambda: time.clock_gettime(time.CLOCK_BOOTTIME)  # noqa: E731 - said twice below
    alarm = AlarmClock(lambda: woken.append(boot()))
    at = boot() + 0.05
    alarm.set(at)
    await until(lambda: woken, "the alarm clock")
    assert woken[0] >= at
    alarm.set(1.0)
    await until(lambda: len(woken) == 2, "the alarm clock again")
    await asyncio.sleep(0.05)
    assert len(woken) == 2
    alarm.close()


async def test_one_that_is_set_anew_or_put_away_does_not_wake() -> None:
    """And costs nothing: no file is left open."""
    before, woken = open_files(), []
    alarm = AlarmClock(lambda: woken.append(None))
    alarm.set(time.clock_gettime(time.CLOCK_BOOTTIME) + 0.02)
    alarm.set(time.clock_gettime(time.CLOCK_BOOTTIME) + 3600)
    await asyncio.sleep(0.05)
    assert open_files() > before
    alarm.set(None)
    await asyncio.sleep(0.05)
    assert woken == []
    assert open_files() == before
    alarm.close()


def test_what_the_clocks_say() -> None:
    """This boot has a name, and two readings follow each other."""
    first, second = (Clocks().now() for _ in range(2))
    assert first.boot_id == second.boot_id != ""
    assert 0 <= second.boot - first.boot < 60
    assert abs(first.wall - time.time()) < 60


def test_whether_the_clock_was_set_by_the_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """systemd's word for it, or the kernel's."""
    monkeypatch.setattr(clocks, "_SYNCHRONISED", tmp_path / "synchronized")
    for kernel in (True, False):
        monkeypatch.setattr(clocks, "_kernel_says_synchronised", lambda kernel=kernel: kernel)
        assert Clocks().synchronised() is kernel
    (tmp_path / "synchronized").touch()
    assert Clocks().synchronised()


def test_the_kernel_can_be_asked() -> None:
    """Whatever it answers here."""
    assert clocks._kernel_says_synchronised() in (True, False)


def test_the_zone_is_that_of_the_machine_or_of_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A link into the zones, a copy of one of them, a name, or nonsense."""
    monkeypatch.delenv("TZ", raising=False)
    link = tmp_path / "localtime"
    monkeypatch.setattr(clocks, "_LOCALTIME", link)
    assert local_zone().utcoffset(None) is not None
    link.symlink_to("/usr/share/zoneinfo/Asia/Kathmandu")
    assert local_zone() == ZoneInfo("Asia/Kathmandu")
    monkeypatch.setenv("TZ", ":Europe/Berlin")
    assert local_zone() == ZoneInfo("Europe/Berlin")
    monkeypatch.setenv("TZ", "Nowhere/Atall")
    assert str(local_zone()) == "UTC"
