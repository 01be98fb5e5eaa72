"""What is known before the checks begin: the configuration, and whether a house runs with it already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from device.errors import ConfigError
from device.house import configuration
from device.house.catalogue import secret_names
from device.house.configuration import Config, Effective
from device.setup.credentials import Kept, take_given
from device.setup.daemon import Running, find_running


@dataclass(frozen=True, slots=True)
class Patient:
    """What every check may look at."""

    settings: Config
    """What holds; what is built in, where the configuration is wrong."""
    effective: Effective | None
    """None: it is wrong."""
    complaint: str
    """What is wrong with the configuration."""
    running: Running | None
    """The house that runs on this machine."""
    given: Mapping[str, Kept]
    """The keys that this process was given, by name."""
    plays: bool = True
    """Whether a test sound may be played."""


def admit(path: Path | None, overrides: Sequence[str], plays: bool) -> Patient:
    """Read the configuration, right or wrong, see whether the service runs, and put keys out of children's reach."""
    effective, complaint = _read(path, overrides)
    settings = effective.config if effective else configuration.parse({})
    return Patient(settings, effective, complaint, find_running(), take_given(secret_names(settings)), plays)


def _read(path: Path | None, overrides: Sequence[str]) -> tuple[Effective | None, str]:
    try:
        return configuration.read(path, overrides), ""
    except ConfigError as error:
        return None, str(error)
