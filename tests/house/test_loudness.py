"""How loud a whole house is: what the configuration says reaches the loudspeaker."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from device.audio.cues import ring_pcm
from device.audio.mouth.limiter import FULL_SCALE
from device.core.events import AlarmDue, AlarmKind, StopRequested
from device.sim.devices.fakecard import FakeSpeaker
from device.units import Hz
from tests.house.cardless import CardlessHouse, open_cardless
from tests.waiting import until


def speaker_of(house: CardlessHouse) -> FakeSpeaker:
    """Return the loudspeaker in memory."""
    speaker = house.app.player._speaker
    assert isinstance(speaker, FakeSpeaker)
    return speaker


def loudest(pcm: bytes) -> float:
    """Return the peak, 1.0 = full scale."""
    return float(np.abs(np.frombuffer(pcm, "<i2").astype(np.int32)).max(initial=0)) / FULL_SCALE


@pytest.mark.parametrize("floor", [0.3, 0.6])
async def test_an_alarm_is_heard_at_its_floor_though_the_volume_is_zero(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, floor: float
) -> None:
    """And a sentence is not."""
    async with open_cardless(tmp_path, monkeypatch, audio={"alarm_floor": floor}) as house:
        speaker = speaker_of(house)
        await house.app.oversight._parts.volume.set(0)
        house.app.player.play_announcement(b"\0\x40" * 24_000, Hz(24_000))
        await until(lambda: speaker.is_open, "an open loudspeaker")
        speaker.advance(2_000)
        assert loudest(speaker.heard) == 0
        house.app.controller.post(AlarmDue("1", AlarmKind.TIMER, ""))
        speaker.advance(40_000)
        assert loudest(speaker.heard) == pytest.approx(floor * loudest(ring_pcm(speaker.rate)), rel=0.02)
        house.app.controller.post(StopRequested())
        assert not house.app.controller.status.ringing


async def test_nothing_is_louder_than_the_peak(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is played."""
    async with open_cardless(tmp_path, monkeypatch, audio={"peak": 0.5}) as house:
        house.app.player.set_volume(1.0)
        house.app.player.play_announcement(b"\xff\x7f" * 24_000, Hz(24_000))
        speaker = speaker_of(house)
        await until(lambda: speaker.is_open, "an open loudspeaker")
        speaker.advance(2_000)
        assert loudest(speaker.heard) == pytest.approx(0.5, abs=1e-4)
