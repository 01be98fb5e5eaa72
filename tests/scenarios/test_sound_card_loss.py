"""The sound card is unplugged and plugged in again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from device.core.events import Device, PlaybackStarted, SpeechStarted
from device.core.indication import Indication, indication
from device.core.status import Phase
from device.sim.devices.soundcard import VirtualSoundCard
from device.sim.realtime import SimulatedRealtime
from device.sim.realtime.script import Reply, Script, tone
from tests.scenarios.conftest import Open
from tests.scenarios.house import LED, House
from tests.waiting import LIMIT_S, until

pytestmark = pytest.mark.patient

HEALTHY = Script(answer=lambda _: Reply("Beep.", audio=tone(200)))


@pytest.fixture(autouse=True)
async def plugged_in_again(virtual_card: VirtualSoundCard) -> AsyncIterator[None]:
    """Whatever happens here, the next test has a sound card."""
    yield
    await asyncio.to_thread(virtual_card.replug)


async def idle(house: House) -> None:
    """Nothing is going on."""


async def listening(house: House) -> None:
    """The person is heard."""
    since = time.monotonic()
    await house.click()
    await house.phase(Phase.LISTENING)
    await house.person.say("well")
    await house.timeline.until(SpeechStarted, since, LIMIT_S)


async def speaking(house: House) -> None:
    """A long answer sounds."""
    house.server.script = Script(answer=lambda _: Reply("A tone.", audio=tone(8_000)))
    since = time.monotonic()
    await house.wake()
    await house.timeline.until(PlaybackStarted, since, LIMIT_S)


@pytest.mark.parametrize("phase", [idle, listening, speaking])
async def test_a_sound_card_that_is_unplugged_and_comes_back(
    open_house: Open, server: SimulatedRealtime, phase: Callable[[House], Awaitable[None]]
) -> None:
    """The fault is shown, the conversation ends, and once the card is back the next wake word is answered."""
    server.script = HEALTHY
    async with open_house() as house:
        await phase(house)
        await asyncio.to_thread(house.card.unplug)
        await until(lambda: Device.MICROPHONE in house.status.faults, "a fault")
        await house.phase(Phase.IDLE)
        assert indication(house.status) is Indication.DEAF
        await until(lambda: house.board.level(LED) == 1, "the light of a deaf house")
        await asyncio.to_thread(house.card.replug)
        await until(lambda: not house.status.faults, "a house without faults")
        server.script = HEALTHY
        with house.card.record_speaker() as recorded:
            began = time.monotonic()
            await house.wake()
            await house.answered(began)
            assert len(recorded.pcm.strip(b"\0")) > 9_600, "200 ms of the answer are really heard"
