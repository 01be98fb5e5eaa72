"""What tests of several parts of the house share."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

from device.sim.devices.soundcard import VirtualSoundCard

# An example may take as long as it does: machines are shared and noisy, and time is measured in tests/bench.
settings.register_profile("hearthside", deadline=None)
settings.load_profile("hearthside")


@pytest.fixture(scope="session")
def virtual_card() -> Iterator[VirtualSoundCard]:
    """A virtual sound card for the whole run; this process finds its PCMs."""
    before = dict(os.environ)
    with VirtualSoundCard() as card:
        os.environ.update(card.env())
        yield card
    for name in card.env():
        os.environ.pop(name)
        if name in before:
            os.environ[name] = before[name]
