"""Buttons and the mute switch of the whole house, on a sound card."""

from __future__ import annotations

import asyncio
import time

import numpy as np
import pytest

from device.core.actions import StepVolume
from device.core.events import MuteHeld, PlaybackStarted, SessionReady
from device.core.status import Phase
from device.sim.realtime import SimulatedRealtime
from device.sim.realtime.script import Reply, Script, tone
from tests.conversation.mutings import tapped
from tests.scenarios.conftest import Open
from tests.scenarios.house import LED, WAKE_WORD, House
from tests.scenarios.test_privacy import BEEP, received_after
from tests.waiting import LIMIT_S, until

pytestmark = pytest.mark.patient

QUIETER, SWITCH = 22, 26
WITH_SWITCH = (f"hardware.mute_switch.pin={SWITCH}",)
WITH_QUIETER = (f"hardware.buttons.quieter.pin={QUIETER}", 'hardware.buttons.quieter.click="volume_down"')


async def test_a_mute_switch_ends_a_conversation_in_its_middle_and_nothing_is_sent_from_then_on(
    open_house: Open, server: SimulatedRealtime
) -> None:
    """The microphone is closed and the light says so; slid back, the wake word is heard again."""
    server.script = BEEP
    with tapped() as tap:
        async with open_house(*WITH_SWITCH) as house:
            since = time.monotonic()
            await house.click()
            await house.timeline.until(SessionReady, since, LIMIT_S)
            streaming = tap.handed + 20_000
            await until(lambda: tap.handed > streaming, "sound on its way")
            handed: list[int] = []
            house.app.controller.observers.append(
                lambda what, status: handed.append(tap.handed) if isinstance(what, MuteHeld) else None
            )
            house.board.hold_down(SWITCH)
            await until(lambda: house.app.microphone.is_closed, "a closed microphone")
            muted, closed_at = time.monotonic(), house.app.frontend.position
            await until(lambda: 0 < house.board.level(LED) < 0.5, "the light of a muted house")
            await house.person.say("turn on the light", WAKE_WORD)
            await house.long_press()
            assert house.status.muted, "a button against the switch"
            assert house.app.frontend.position == closed_at
            assert tap.handed == handed[0]
            assert received_after(server, muted) == []
            house.board.release(SWITCH)
            await until(lambda: house.app.frontend.position > closed_at, "an open microphone")
            await house.converse()


async def test_a_button_makes_an_answer_quieter_while_it_sounds(open_house: Open, server: SimulatedRealtime) -> None:
    """Heard at the loudspeaker; the conversation goes on."""
    server.script = Script(answer=lambda _: Reply("Tone.", audio=tone(4_000)))
    async with open_house(*WITH_QUIETER) as house:
        since = time.monotonic()
        await house.wake()
        await house.timeline.until(PlaybackStarted, since, LIMIT_S)
        await until(lambda: house.heard_ms(since) > 700, "the answer")
        before = loudness(house, time.monotonic() - 0.3)
        for count in range(3):
            await press(house, QUIETER)
            await until(lambda count=count: len(house.timeline.all(StepVolume, since)) > count, "a step")
        assert house.status.phase is Phase.SPEAKING
        assert len(house.timeline.all(StepVolume, since)) == 3
        await until(lambda: loudness(house, time.monotonic() - 0.2) < 0.8 * before, "a quieter answer")


async def press(house: House, pin: int) -> None:
    """A finger's quick press."""
    house.board.press(pin)
    await asyncio.sleep(0.06)
    house.board.release(pin)


def loudness(house: House, since: float) -> float:
    """Return the mean loudness at the loudspeaker from a moment on."""
    sound = house.heard(since)
    return float(np.sqrt(np.mean(sound**2))) if len(sound) else 0.0
