"""A light that cannot be lit, in a whole house: it is said aloud, and a sound at the loudspeaker takes its place."""

from __future__ import annotations

import time

import pytest

from device.core import failures
from device.core.actions import Announce, Cue, OpenGate, OpenSession, PlayCue
from device.core.events import Device, PlaybackFinished, PlaybackStarted
from device.core.status import Phase
from device.sim.realtime import SimulatedRealtime
from device.sim.realtime.script import Reply, Script, tone
from tests.scenarios.conftest import Open
from tests.scenarios.house import LED, House
from tests.waiting import LIMIT_S, until

pytestmark = pytest.mark.patient

# Whatever the settings say of cues.
SETTINGS = ("audio.cues=false", "audio.wake_cue=false", "conversation.follow_up_s=2")


def wake_cues(house: House, since: float) -> int:
    """Return how many were ordered."""
    return sum(action.cue is Cue.WAKE for action in house.timeline.all(PlayCue, since))


async def test_a_broken_light_is_told_once_and_replaced_by_a_sound_until_it_is_mended(
    open_house: Open, server: SimulatedRealtime
) -> None:
    """After a click, for the follow-up window, and no more when there is light again."""
    server.script = Script(answer=lambda text: Reply("Beep.", audio=tone(200)) if text else None)
    async with open_house(*SETTINGS) as house:
        house.board.break_output(LED)
        since = await house.ask_by_click()
        await house.phase(Phase.LISTENING)
        assert Device.LIGHT in house.status.faults
        assert wake_cues(house, since) == 1
        await until(lambda: house.heard_ms(since) > 50, "the sound at the loudspeaker")
        await house.click()
        assert await house.announced(since) == failures.DARK

        since = time.monotonic()
        await house.wake()
        await house.timeline.until(PlaybackStarted, since, LIMIT_S)
        await house.timeline.until(PlaybackFinished, since, LIMIT_S)
        await house.phase(Phase.LISTENING)
        assert wake_cues(house, since) == 2, "one for the command, one for the follow-up window"
        await house.phase(Phase.IDLE)
        assert not house.timeline.all(Announce, since)

        house.board.mend_output(LED)
        await until(lambda: not house.status.faults, "the recovery of the light")
        since = await house.ask_by_click()
        await house.phase(Phase.LISTENING)
        assert house.board.level(LED) == 1
        assert wake_cues(house, since) == 0


async def test_where_the_light_is_required_a_wake_word_is_answered_and_nobody_is_listened_to(
    open_house: Open, server: SimulatedRealtime
) -> None:
    """From the word in which it is found to be broken on, until it is mended."""
    async with open_house(*SETTINGS, f"hardware.led.pin={LED}", "hardware.led.required=true") as house:
        house.board.break_output(LED)
        for _ in range(2):
            since = time.monotonic()
            await house.wake()
            assert await house.announced(since) == failures.OF_DEVICE[Device.LIGHT]
            await house.phase(Phase.IDLE)
        assert not house.timeline.all(OpenSession, since), "it was known to be broken"
        assert not house.timeline.all(OpenGate)
        assert server.journal.received_audio() == b""
        house.board.mend_output(LED)
        await until(lambda: not house.status.faults, "the recovery of the light")
        await house.converse()
