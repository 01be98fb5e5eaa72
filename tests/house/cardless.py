"""The whole house without a sound system: a microphone and a loudspeaker in memory, everything else is real."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from device.audio.cards.capture import Pace
from device.audio.cards.filling.depths import Depths
from device.audio.volume import Volume
from device.house import app, closing, configuration, listening, sound
from device.house.app import App
from device.secrets import Secret
from device.sim.devices.fakecard import FakeMicrophone, FakeSpeaker
from device.units import CAPTURE_RATE, Hz
from tests.waiting import LIMIT_S

KEY = {"OPENAI_API_KEY": Secret("sk-of-nobody")}


class _NoCards:
    """Where the sound cards would be looked for."""

    async def find(self, patience_s: float) -> None:
        """There are none to be found."""

    def close(self) -> None:
        """Nothing is open."""


class CardlessHouse:
    """A house, and what its microphone is told."""

    def __init__(self) -> None:
        self.app: App
        self.microphone: FakeMicrophone
        self.depths: Depths
        self._noise = np.random.default_rng(4)

    def hear(self, seconds: float, loudness: int = 300) -> None:
        """Let the microphone hear noise of the room; nothing while it is closed."""
        for _ in range(round(seconds * 50)):
            self.microphone.push(self._noise.integers(-loudness, loudness + 1, CAPTURE_RATE // 50, "<i2").tobytes())

    def hear_nothing(self, seconds: float) -> None:
        """Let it hear zeros."""
        self.microphone.push(bytes(2 * round(seconds * CAPTURE_RATE)))


@asynccontextmanager
async def open_cardless(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    url: str = "ws://127.0.0.1:9/v1/realtime",
    personas: dict[str, Any] | None = None,
    **tables: Any,
) -> AsyncIterator[CardlessHouse]:
    """Open one that keeps its state in `folder`."""
    house = CardlessHouse()

    def make_microphone(
        cards: object, on_frame: Callable[[bytes, float], None], pace: Callable[[], Pace], *more: object
    ) -> FakeMicrophone:
        house.microphone = FakeMicrophone(on_frame)
        return house.microphone

    async def find_no_mixer(volume: Volume) -> None:
        """See Volume.start."""

    def make_speaker(cards: object, rate: Hz, depths: Depths) -> FakeSpeaker:
        house.depths = depths
        return FakeSpeaker(rate)

    # What takes longer is left behind; on a machine that runs other tests as well that may be anything.
    monkeypatch.setattr(closing, "LIMIT_S", LIMIT_S)
    monkeypatch.setattr(closing, "ALL_S", LIMIT_S)
    monkeypatch.setattr(app, "open_cards", lambda site: _NoCards())
    monkeypatch.setattr(listening, "AlsaMicrophone", make_microphone)
    monkeypatch.setattr(sound, "AlsaSpeaker", make_speaker)
    monkeypatch.setattr(Volume, "start", find_no_mixer)
    table = {
        "conversation": {"openai": {"url": url}, "personas": personas or {}},
        "service": {"state_dir": str(folder)},
        **tables,
    }
    async with app.open_app(configuration.parse(table), KEY) as house.app:
        yield house
