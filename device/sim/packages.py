"""What the simulation needs beside the device's own packages, and what is said where that is not installed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from device.sim.devices.soundcard import SimulationError


@contextmanager
def needed() -> Iterator[None]:
    """Around imports of the simulation. Raise SimulationError, which says how a missing package is installed."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise SimulationError(f"the simulation needs the package {error.name}: run scripts/setup --sim") from error
