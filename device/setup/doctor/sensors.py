"""Sensors: what does each show?"""

from __future__ import annotations

from dataclasses import dataclass

from device.errors import PanelError
from device.setup.doctor.check import Check, Findings
from device.setup.doctor.finding import skipped, well, wrong
from device.setup.doctor.patient import Patient
from device.tools.pins.feature import SENSOR_TABLE
from device.tools.pins.readings import UnreadableError
from device.tools.pins.sensors import Places, Sensors


@dataclass(frozen=True, slots=True)
class Shown:
    """What each sensor showed, or why it could not be read, by its name; and which were left to the running house."""

    told: dict[str, str]
    failed: dict[str, str]
    left: tuple[str, ...] = ()


async def read_all(patient: Patient, places: Places | None = None) -> Shown:
    """Read every sensor, but for those on pins that the running house has. Raise ConfigError."""
    configured = patient.settings.of(SENSOR_TABLE)
    left = tuple(name for name, sensor in configured.items() if sensor.on_pin and patient.running is not None)
    shown = Shown({}, {}, left)
    settings = {name: sensor for name, sensor in configured.items() if name not in left}
    with Sensors(settings, lambda text: None, places or Places()) as sensors:
        for name in settings:
            try:
                shown.told[name] = await sensors.read(name)
            except (UnreadableError, PanelError) as error:
                shown.failed[name] = str(error)
    return shown


def judge_sensors(shown: Shown) -> Findings:
    """Say what they showed."""
    if not (shown.told or shown.failed or shown.left):
        return [skipped("sensors", "none is configured")]
    left = [skipped("sensors", f"the service has {', '.join(shown.left)}")] if shown.left else []
    failed = [
        wrong("sensors", f"{name} cannot be read: {why.partition('; ')[0]}", why.partition("; ")[2])
        for name, why in shown.failed.items()
    ]
    return [*([well("sensors", ". ".join(shown.told.values()))] if shown.told else []), *failed, *left]


SENSORS = Check("sensors", read_all, judge_sensors, 30, "look at the wires of the sensors")
