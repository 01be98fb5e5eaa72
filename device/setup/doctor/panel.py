"""Lights and button: can they be used, and does the light shine?"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from device.core.events import DeviceFailed
from device.core.indication import Indication
from device.house.configuration import claims
from device.panel.gpio import open_panel
from device.panel.lights.drivers import described
from device.setup.doctor.check import Check, Findings
from device.setup.doctor.finding import skipped, well, wrong
from device.setup.doctor.patient import Patient
from device.units import Samples

SHINE_S = 1.0
_OPEN_S = 0.2


@dataclass(frozen=True, slots=True)
class Pins:
    """The pins that are configured, by the key that names them; and what became of light and button."""

    used: dict[str, str]
    house_runs: bool
    has_light: bool = False
    failures: tuple[str, ...] = ()
    lights: str = ""
    """What is lit on a bus and not on pins, in words."""


async def shine(patient: Patient) -> Pins:
    """Open the panel as the house does, and light it. Raise ConfigError. Relays are left alone: they would click."""
    used = {".".join(key): claim.what for key, claim in claims(patient.settings).items() if claim.kind == "GPIO"}
    hardware = patient.settings.hardware
    on_bus = "" if hardware.led.chosen == "gpio" else described(hardware.led)
    has_light = hardware.led.chosen != "none"
    if patient.running is not None or not (used or has_light):
        return Pins(used, patient.running is not None, has_light, lights=on_bus)
    failures: list[str] = []

    def post(fact: object) -> None:
        if isinstance(fact, DeviceFailed):
            failures.append(fact.message)

    panel = open_panel(hardware, post, lambda moment: Samples(0))
    try:
        panel.show(Indication.WAKING)
        # What is on a bus takes a moment to be opened.
        await asyncio.sleep(_OPEN_S if has_light else 0)
        panel.show(Indication.LISTENING)
        await asyncio.sleep(SHINE_S if has_light else 0)
    finally:
        panel.close()
    return Pins(used, False, has_light, tuple(failures), on_bus)


def judge_pins(pins: Pins) -> Findings:
    """Say what works."""
    if not (pins.used or pins.has_light):
        return [skipped("gpio", "no light, button or relay is configured")]
    on_pins = (f"{what} ({key})" for key, what in pins.used.items())
    named = ", ".join((*on_pins, *filter(None, [pins.lights])))
    if pins.house_runs:
        return [skipped("gpio", f"the service has {named}")]
    if pins.failures:
        return [wrong("gpio", failure, "look at its wires, and at [hardware]") for failure in pins.failures]
    shone = f"it was lit for {SHINE_S:g} s; if you saw nothing, look at its wires and at [hardware.led]"
    return [well("gpio", named), *([well("light", shone)] if pins.has_light else [])]


PINS = Check("gpio", shine, judge_pins, 10, "restart the machine: a pin does not answer")
