"""A loudspeaker that the microphone hears: the device must not interrupt itself, and still hear a person."""

from __future__ import annotations

import contextlib
import time

import pytest

from device.core.actions import TruncateItem
from device.core.events import PlaybackStarted, PlaybackStopped
from device.core.status import Phase
from device.sim.devices.soundcard import VirtualSoundCard
from device.sim.realtime import SimulatedRealtime
from device.sim.room.acoustics import Room
from device.sim.room.echopath import EchoPath
from device.units import Ms
from tests.scenarios.conftest import Open
from tests.scenarios.house import PATIENCE, House
from tests.waiting import LIMIT_S, until

# The canceller learns the room during the first seconds of the first answer.
TRAINED_MS = 5_000


async def heard_in_peace(house: House) -> bool:
    """Ask for a long answer, and tell whether its first seconds were not interrupted."""
    since = time.monotonic()
    await house.wake("tell me a story")
    await house.timeline.until(PlaybackStarted, since, LIMIT_S)
    stopped = house.timeline.all
    await until(lambda: house.heard_ms(since) > TRAINED_MS or stopped(PlaybackStopped, since), "seconds of the story")
    return not stopped(PlaybackStopped, since)


async def test_the_device_does_not_interrupt_itself_and_hears_who_does(
    open_house: Open, server: SimulatedRealtime, virtual_card: VirtualSoundCard
) -> None:
    """A profile without echo cancellation of its own, in a room that throws the answer back."""
    room = EchoPath(virtual_card, Room(delay_ms=Ms(60), echo_db=-12.0))
    async with room, open_house("hardware.profile=generic", "conversation.follow_up_s=3") as house:
        # On a busy machine the virtual card runs dry, and an echo that jumps cannot be cancelled.
        for _ in range(PATIENCE):
            if await heard_in_peace(house):
                break
            await house.phase(Phase.IDLE)
        else:
            pytest.fail("it took its own voice for a person's, every time")
        interrupted = time.monotonic()
        await house.person.say("turn on the light")
        await house.timeline.until(TruncateItem, interrupted, LIMIT_S)
        # Like a patient person: on a busy machine the words may have been torn.
        for _ in range(PATIENCE):
            with contextlib.suppress(AssertionError):
                await until(lambda: house.app.relays.states["light"], "the light", 8.0)
                break
            await house.wake("turn on the light")
        else:
            pytest.fail("the words over the answer were not understood")
