"""What the tests on booted machines share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system.booted import Machine
from tests.system.prepared import installed
from tests.system.roots import SUITES, debian, forget_stale
from tests.system.stage import Stage, open_stage


@pytest.fixture(scope="session", params=SUITES)
def suite(request: pytest.FixtureRequest) -> str:
    """A release of Debian; all tests on one come before those on the next."""
    return str(request.param)


@pytest.fixture(scope="session")
def stage() -> Iterator[Stage]:
    """A sound card and a server, for all machines."""
    for stale in ("machine-*", "booted-*", "installed-*", "packages-*", "bundle-*", "homeassistant-*"):
        forget_stale(stale)
    with open_stage() as opened:
        yield opened


@pytest.fixture(scope="session")
def device_layers(suite: str, stage: Stage) -> tuple[Path, ...]:
    """The layers of a machine that has the device installed."""
    return installed(suite, stage)


@pytest.fixture
def bare(suite: str, stage: Stage) -> Iterator[Machine]:
    """A machine that is off, and on which nothing has been installed; it has this machine's network."""
    with stage.machine((debian(suite),), with_cable=False) as machine:
        yield machine


@pytest.fixture
def device(device_layers: tuple[Path, ...], stage: Stage) -> Iterator[Machine]:
    """A machine that is off, with the device installed; nothing but the server is in its network."""
    with stage.machine(device_layers) as machine:
        yield machine


@pytest.fixture
def speaker(device: Machine) -> Machine:
    """A device that listens."""
    device.boot()
    device.wait_for_state("listening")
    return device
