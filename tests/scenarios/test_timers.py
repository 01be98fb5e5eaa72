"""A timer from the spoken words to the ring in the room, and to the finger that stops it."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from device.core.actions import StopRinging
from device.core.events import AlarmDue
from device.core.status import Phase
from device.sim.realtime import SimulatedRealtime
from device.sim.realtime.script import Call, Reply, Script
from tests.scenarios.conftest import Open
from tests.waiting import LIMIT_S, until

SECONDS = 3


def set_a_timer(said: str) -> Reply:
    """The model's first reply is a call, and the second an answer."""
    if "timer" in said:
        return Reply("Three seconds.")
    return Reply(calls=(Call("set_timer", f'{{"seconds": {SECONDS}}}'),))


async def test_a_spoken_timer_rings_in_the_room_until_a_click_and_a_mute_does_not_silence_it(
    open_house: Open, server: SimulatedRealtime, tmp_path: Path
) -> None:
    """Heard at the loudspeaker, though the microphone is closed; the click stops the ring and does not unmute."""
    server.script = Script(answer=set_a_timer)
    async with open_house() as house:
        await house.wake("set a timer for three seconds")
        due = await house.timeline.until(AlarmDue, 0.0, LIMIT_S)
        since = time.monotonic()
        await until(lambda: house.heard_ms(since) > 400, "the ring in the room")
        await house.phase(Phase.IDLE)
        await house.long_press()
        assert house.status.muted
        since = time.monotonic()
        await until(lambda: house.heard_ms(since) > 400, "the ring of a muted house")
        await house.click()
        stopped = await house.timeline.until(StopRinging, since, LIMIT_S)
        assert stopped == StopRinging()
        assert house.status.muted
        silent = time.monotonic() + 0.5
        await asyncio.sleep(2.0)  # a round of the ring, and what the card still held
        assert house.heard_ms(silent) == 0.0
        await until(lambda: house.app.timers.keeper.waiting == (), "a timer that is over")
    assert due.label == ""
    assert (tmp_path / "state" / "timers.sqlite").exists()
