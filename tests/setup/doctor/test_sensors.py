"""Sensors are read as the house does it, on mock pins and on a tree like that below /sys."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from device.foreign.gpio import MockBoard
from device.house import configuration
from device.setup.daemon import Running
from device.setup.doctor.finding import Grade
from device.setup.doctor.patient import Patient
from device.setup.doctor.sensors import judge_sensors, read_all
from device.tools.pins.sensors import Places
from tests.tools.pins.test_readings import ds18b20

SENSORS = {"front_door": {"kind": "contact", "pin": 5}, "pond": {"kind": "ds18b20"}, "attic": {"kind": "dht"}}
RUNNING = Running("listening")


@pytest.fixture
def board() -> Iterator[MockBoard]:
    """Return mock pins."""
    found = MockBoard()
    yield found
    found.close()


def patient(running: Running | None = None, **sensors: object) -> Patient:
    """Return one with these sensors."""
    return Patient(configuration.parse({"tools": {"sensors": sensors}}), None, "", running, {})


async def test_what_sensors_show_is_told_and_what_cannot_be_read_with_its_fix(board: MockBoard, tmp_path: Path) -> None:
    """The pond can; the attic cannot."""
    ds18b20(tmp_path, "aa", "7500\n")
    fine, broken = judge_sensors(await read_all(patient(None, **SENSORS), Places(tmp_path, tmp_path / "none")))
    assert (fine.grade, fine.text) == (Grade.WELL, "The front door is open. The pond has 7.5 degrees Celsius")
    assert (broken.grade, broken.text) == (Grade.WRONG, "attic cannot be read: the kernel knows no DHT")
    assert "dtoverlay=dht11" in broken.fix


async def test_the_pins_of_a_running_house_are_left_alone(board: MockBoard, tmp_path: Path) -> None:
    """The kernel's sensors can be read all the same."""
    ds18b20(tmp_path, "aa", "7500\n")
    fine, left = judge_sensors(
        await read_all(patient(RUNNING, **{**SENSORS, "attic": SENSORS["pond"]}), Places(tmp_path))
    )
    assert fine.grade is Grade.WELL
    assert (left.grade, left.text) == (Grade.SKIPPED, "the service has front_door")


async def test_without_sensors_there_is_nothing_to_see() -> None:
    """And no pin library is loaded for it."""
    (nothing,) = judge_sensors(await read_all(patient()))
    assert nothing.grade is Grade.SKIPPED
