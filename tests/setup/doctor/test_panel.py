"""Lights are lit as the house does it, on mock pins."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from device.foreign.gpio import MockBoard
from device.house import configuration
from device.setup.daemon import Running
from device.setup.doctor import panel
from device.setup.doctor.check import examine
from device.setup.doctor.finding import Finding, Grade
from device.setup.doctor.panel import PINS, Pins, judge_pins, shine
from device.setup.doctor.patient import Patient

LED, BUTTON, RELAY = 18, 23, 17
WIRED = {
    "hardware": {"led": {"pin": LED}, "button": {"pin": BUTTON}},
    "tools": {"relays": {"light": {"pin": RELAY}}},
}


@pytest.fixture
def board(monkeypatch: pytest.MonkeyPatch) -> Iterator[MockBoard]:
    """Return mock pins; the light shines for a moment only."""
    monkeypatch.setattr(panel, "SHINE_S", 0.05)
    found = MockBoard()
    yield found
    found.close()


def patient(running: Running | None = None) -> Patient:
    """Return one with a light, a button and a relay."""
    return Patient(configuration.parse(WIRED), None, "", running, {})


async def test_the_light_shines_and_goes_out_and_no_relay_clicks(board: MockBoard) -> None:
    """What was found names every pin."""
    gpio, light = judge_pins(await shine(patient()))
    assert (gpio.grade, light.grade) == (Grade.WELL, Grade.WELL)
    assert all(name in gpio.text for name in ("hardware.led.pin", "hardware.button.pin", "tools.relays.light.pin"))
    assert max(board.levels_seen(LED)) > 0
    assert board.level(LED) == 0
    assert not board.is_output(RELAY)


async def test_a_pin_that_cannot_be_used_is_wrong(board: MockBoard) -> None:
    """As one that another program has: the key and the pin are named."""
    assert board.levels_seen(LED) == [0.0]
    board.break_output(LED)
    found: list[Finding] = []
    await examine([[PINS]], patient(), found.append)
    assert [finding.misconfigured for finding in found] == [True]
    assert f"hardware.led.pin: GPIO {LED} cannot be used" in found[0].text


def test_a_light_that_breaks_while_it_shines_is_wrong() -> None:
    """With what to look at."""
    [found] = judge_pins(Pins({"hardware.led.pin": "GPIO 18"}, False, True, ("the LED cannot be used any more",)))
    assert (found.grade, "wires" in found.fix) == (Grade.WRONG, True)


async def test_the_pins_of_a_running_house_are_left_alone(board: MockBoard) -> None:
    """And those of a house without any."""
    [found] = judge_pins(await shine(patient(Running("listening"))))
    assert found.grade is Grade.SKIPPED
    assert board.levels_seen(LED) == [0.0]
    [found] = judge_pins(await shine(Patient(configuration.parse({}), None, "", None, {})))
    assert found.grade is Grade.SKIPPED
