"""What tests of several parts of the house share."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from device.sim.soundcard import VirtualSoundCard


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
