"""Thermometers that the kernel reads: their files below /sys. Every call blocks, a DS18B20 for most of a second."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from device.errors import HearthsideError

W1 = Path("/sys/bus/w1/devices")
IIO = Path("/sys/bus/iio/devices")

POWER_ON = 85_000
"""In millidegrees: what a DS18B20 says before its first measurement, and after its power failed (its data sheet)."""
LOWEST, HIGHEST = -55_000, 125_000
"""In millidegrees: what a DS18B20 can measure."""

TRIES = 3
PAUSE_S = 2.1
"""A DHT needs two seconds between two measurements; the driver gives the last one, or its error, until then."""

_OLD_FORM = re.compile(r"crc=\w+ YES\s.*\bt=(-?\d+)", re.DOTALL)


class UnreadableError(HearthsideError):
    """A sensor cannot be read: why, and what to do."""


@dataclass(frozen=True, slots=True)
class Climate:
    """What a thermometer says: degrees Celsius, and percent of relative humidity where it measures that."""

    celsius: float
    humidity: float | None = None


def read_ds18b20(devices: Path, device: str) -> Climate:
    """Read one of the sensors on the 1-Wire bus. Raise UnreadableError."""
    folder = _chosen(sorted(devices.glob("28-*")), device, "DS18B20", "dtoverlay=w1-gpio")
    millidegrees = _measured(folder)
    if millidegrees == POWER_ON:
        # It measures only now.
        millidegrees = _measured(folder)
    if millidegrees == POWER_ON or not LOWEST <= millidegrees <= HIGHEST:
        raise UnreadableError(f"it says {millidegrees / 1000:g} degrees, which means nothing; look at its wires")
    return Climate(millidegrees / 1000)


def _measured(folder: Path) -> int:
    if not (folder / "temperature").exists():
        # Kernels before 5.10.
        found = _OLD_FORM.search(_text(folder / "w1_slave"))
        if found is None:
            raise UnreadableError("its answer was garbled; look at its wires, and at their length")
        return int(found[1])
    return _number(folder / "temperature")


def read_dht(devices: Path, device: str, pause: Callable[[float], None] = time.sleep) -> Climate:
    """Read a DHT11, DHT22 or AM2302. Its answer is lost now and then: it is asked again. Raise UnreadableError."""
    sensors = [
        folder for folder in sorted(devices.glob("iio:device*")) if (folder / "in_humidityrelative_input").exists()
    ]
    folder = _chosen(sensors, device, "DHT", "dtoverlay=dht11,gpiopin=4")
    for attempt in range(TRIES):
        try:
            return Climate(
                _number(folder / "in_temp_input") / 1000, _number(folder / "in_humidityrelative_input") / 1000
            )
        except UnreadableError:
            if attempt == TRIES - 1:
                raise
        pause(PAUSE_S)
    raise AssertionError("unreachable")


def _chosen(folders: list[Path], device: str, kind: str, overlay: str) -> Path:
    names = {_name(folder): folder for folder in folders} | {folder.name: folder for folder in folders}
    if device in names:
        return names[device]
    if not folders:
        raise UnreadableError(f"the kernel knows no {kind}; add {overlay} to config.txt, and look at its wires")
    found = ", ".join(map(_name, folders))
    if device:
        raise UnreadableError(f'there is no "{device}"; there is {found}')
    if len(folders) > 1:
        raise UnreadableError(f"there are several: {found}; say which, as `device`")
    return folders[0]


def _name(folder: Path) -> str:
    """Return what the driver calls a device, else what its folder is called: those of 1-Wire have the same twice."""
    try:
        return (folder / "name").read_text("utf-8").strip() or folder.name
    except (OSError, UnicodeDecodeError):
        return folder.name


def _number(file: Path) -> int:
    text = _text(file)
    try:
        return int(text)
    except ValueError:
        raise UnreadableError("it gave no number; look at its wires") from None


def _text(file: Path) -> str:
    try:
        return file.read_text("ascii")
    except UnicodeDecodeError:
        raise UnreadableError("its answer was garbled; look at its wires") from None
    except OSError as error:
        raise UnreadableError(f"it does not answer ({error.strerror}); look at its wires") from error
