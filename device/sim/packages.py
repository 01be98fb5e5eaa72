"""The error for a package that only the simulation needs and that is not installed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from device.sim.devices.soundcard import SimulationError


@contextmanager
def needed() -> Iterator[None]:
    """Put imports of the simulation inside it. Raise SimulationError, which says how to install a missing package."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise SimulationError(f"the simulation needs the package {error.name}: run scripts/setup --sim") from error
