"""A machine that is too slow for its echo canceller."""

from __future__ import annotations

import time

import pytest

from device.audio.echo.apm import AudioProcessing
from device.core.actions import TruncateItem
from device.core.events import EchoCancellationLost, PlaybackStarted
from device.core.health import ECHO_CANCELLER
from device.core.strain import Burden
from device.sim.realtime import SimulatedRealtime
from device.sim.realtime.script import Reply, Script, tone
from device.units import Hz
from tests.scenarios.conftest import Open
from tests.waiting import LIMIT_S, until


async def test_an_answer_on_a_machine_too_slow_for_the_canceller_is_interrupted_by_the_wake_word(
    open_house: Open, server: SimulatedRealtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The canceller is given up, which is told; the wake word is heard over the answer, and the house is in time."""

    def dawdle(module: AudioProcessing, block: bytes, far_end: bytes, rate: Hz) -> bytes:
        # Twice as long as the sound lasts.
        time.sleep(0.02)
        return block

    monkeypatch.setattr(AudioProcessing, "process", dawdle)
    server.script = Script(answer=lambda _: Reply("A long tone.", audio=tone(20_000)))
    async with open_house("hardware.profile=generic", "conversation.barge_in=voice") as house:
        since = time.monotonic()
        await house.wake()
        await house.timeline.until(PlaybackStarted, since, LIMIT_S)
        await house.timeline.until(EchoCancellationLost, since, LIMIT_S)
        assert Burden.ECHO_CANCELLER in house.app.relief.given_up
        unwell = {health.part for health in house.app.health.facts if not health.ok}
        assert {ECHO_CANCELLER, "pace"} <= unwell
        await until(lambda: house.app.relief.behind_s < 0.1, "a house that is in time")
        began = time.monotonic()
        await house.wake()
        await house.timeline.until(TruncateItem, began, LIMIT_S)
