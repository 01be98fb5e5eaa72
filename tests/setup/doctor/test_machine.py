"""What is made of disk, temperature, power and clock; and that they are found on this machine."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.house import configuration
from device.setup.doctor.finding import Grade
from device.setup.doctor.machine import (
    FIRST_RELEASE,
    Clock,
    Disk,
    Firmware,
    ask_firmware,
    judge_clock,
    judge_disk,
    judge_firmware,
    look_at_disk,
)
from device.setup.doctor.patient import Patient


def program(folder: Path, name: str, body: str) -> None:
    """Put a program into a folder."""
    path = folder / name
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)


def patient(state_dir: Path) -> Patient:
    """Return one with this state folder."""
    return Patient(configuration.parse({"service": {"state_dir": str(state_dir)}}), None, "", None, {})


@pytest.mark.parametrize(
    ("disk", "grade"),
    [
        (Disk("/", 10**10, 10**6, False), Grade.WELL),
        (Disk("/", 400_000_000, 10**6, False), Grade.HINT),
        (Disk("/", 49_000_000, 10**6, False), Grade.WRONG),
        (Disk("/", 10**10, 3, False), Grade.WRONG),
        (Disk("/", 10**10, 10**6, True), Grade.WRONG),
    ],
)
def test_a_disk_without_room_is_told(disk: Disk, grade: Grade) -> None:
    """Before it is full; and one that has become read-only."""
    [found] = judge_disk(disk)
    assert found.grade is grade


async def test_the_disk_of_a_state_folder_that_is_not_there_yet_is_found(tmp_path: Path) -> None:
    """The nearest folder that is there has it."""
    disk = await look_at_disk(patient(tmp_path / "not" / "yet"))
    assert disk.place == str(tmp_path)
    assert disk.free_bytes > 0


@pytest.mark.parametrize(
    ("bits", "grade", "part"),
    [
        (0x0, Grade.WELL, "never"),
        (0x1, Grade.WRONG, "voltage is too low"),
        (0x50005, Grade.WRONG, "voltage is too low"),
        (0x50000, Grade.HINT, "since the start"),
        (0x8, Grade.WRONG, "slowed down"),
        (0xE0000, Grade.HINT, "slowed down at some time"),
        (None, Grade.SKIPPED, "Raspberry Pi"),
    ],
)
def test_the_bits_of_the_firmware_are_read_as_documented(bits: int | None, grade: Grade, part: str) -> None:
    """Low voltage before heat, now before earlier."""
    power = judge_firmware(Firmware(None, bits))[1]
    assert power.grade is grade
    assert part in power.text


@given(st.one_of(st.none(), st.floats(-20, 120)), st.one_of(st.none(), st.integers(0, 0xFFFFF)))
def test_every_state_of_the_firmware_is_judged(celsius: float | None, bits: int | None) -> None:
    """Once each; what is not well says what to do."""
    found = judge_firmware(Firmware(celsius, bits))
    assert [finding.check for finding in found] == ["temperature", "power"]
    assert all(finding.fix for finding in found if finding.grade in (Grade.WRONG, Grade.HINT))


async def test_vcgencmd_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As it answers on a Pi."""
    answers = 'case $1 in get_throttled) echo throttled=0x50005;; measure_temp) echo "temp=61.2\'C";; esac'
    program(tmp_path, "vcgencmd", answers)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert await ask_firmware(patient(tmp_path)) == Firmware(61.2, 0x50005)


async def test_a_program_that_hangs_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of it is left running."""
    told = tmp_path / "pid"
    program(tmp_path, "vcgencmd", f"echo $$ >{told}; exec sleep 1000")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(3):
            await ask_firmware(patient(tmp_path))
    with pytest.raises(ProcessLookupError):
        os.kill(int(told.read_text()), 0)


@pytest.mark.parametrize(
    ("clock", "grade"),
    [
        (Clock(FIRST_RELEASE + 1, True, True), Grade.WELL),
        (Clock(FIRST_RELEASE + 1, False, True), Grade.HINT),
        (Clock(FIRST_RELEASE + 1, False, False), Grade.HINT),
        (Clock(FIRST_RELEASE + 1, None, None), Grade.SKIPPED),
        (Clock(0.0, True, True), Grade.WRONG),
    ],
)
def test_a_clock_that_was_never_set_is_wrong(clock: Clock, grade: Grade) -> None:
    """Whatever systemd says: TLS would fail."""
    [found] = judge_clock(clock)
    assert found.grade is grade
