"""Only voices leave where nobody may be speaking: what arrives of silence, and of a sentence after it."""

from __future__ import annotations

import asyncio
import time

import pytest
import soxr

from device.core.actions import RunTool
from device.core.status import Phase
from device.sim.realtime import SimulatedRealtime
from device.sim.realtime.script import Reply, Script, tone
from device.units import Hz
from tests.scenarios.conftest import Open
from tests.scenarios.house import PATIENCE, House, pcm_samples
from tests.scenarios.test_one_breath import GAP_MS, RATE, TOLERANCE_MS, Arrived, arrival
from tests.waiting import until

QUICK = Script(answer=lambda text: Reply("Done.", audio=tone(300)) if text != "turn on the light" else None)
# In which whatever is not withheld would arrive.
SILENCE_S = 1.0
PADDING_MS = 500.0
# The detector may notice a voice up to four frames before the loud part of the first word, or hear the card's clicks.
EARLY_MS = 100.0

MODES = pytest.mark.parametrize(
    "mode",
    [
        ("conversation.turn_taking=server",),
        ("conversation.openai.vad=semantic_vad", "conversation.openai.eagerness=high"),
        ("conversation.turn_taking=local",),
    ],
    ids=["server-vad", "semantic-vad", "local"],
)


async def silence(house: House) -> int:
    """Let nobody speak for a while in the follow-up window; return how many bytes had arrived before it."""
    await house.phase(Phase.LISTENING)
    await until(lambda: house.app.frontend.traffic.withheld > 0, "something withheld")
    await asyncio.sleep(0.5)  # what was let out before is on its way
    arrived = len(house.server.journal.received_audio())
    await asyncio.sleep(SILENCE_S)
    assert len(house.server.journal.received_audio()) == arrived, "silence was sent"
    return arrived


async def command(house: House) -> float:
    """Have a command carried out that follows silence, and arrives whole; return at which ms of what arrived.

    On a busy machine the simulated person stutters at times, and is asked to say it again.
    """
    for _ in range(PATIENCE):
        before, since = await silence(house), time.monotonic()
        with house.card.record_room(Hz(RATE)) as room:
            said = await house.person.say("turn on the light")
            await house.answered(since)
        clear = soxr.resample(pcm_samples(said.command) * 32767, said.rate, RATE).astype("<i2").tobytes()
        if _is_whole(arrival(said, clear, room.pcm)):
            break
    assert [call.name for call in house.timeline.all(RunTool, since)] == ["set_switch"]
    arrived = arrival(said, room.pcm, house.server.journal.received_audio()[before:])
    assert _is_whole(arrived), arrived
    return -arrived.start_ms


def _is_whole(arrived: Arrived) -> bool:
    return arrived.match > 0.9 and arrived.drift_ms < TOLERANCE_MS


@MODES
async def test_silence_after_an_answer_stays_in_the_house_and_the_next_sentence_arrives_whole(
    open_house: Open, server: SimulatedRealtime, mode: tuple[str, ...]
) -> None:
    """The sentence with its padding, and what the server needs to find its end: it is carried out and answered."""
    server.script = QUICK
    async with open_house("conversation.follow_up_s=20", *mode) as house:
        await house.converse("hello")
        begins_ms = await command(house)
        assert -TOLERANCE_MS <= begins_ms <= PADDING_MS + EARLY_MS + TOLERANCE_MS
        await silence(house)
        await house.click()
        await house.phase(Phase.IDLE)
        traffic = house.app.traffic.newest
        assert traffic.withheld > 2 * SILENCE_S * 16_000
        sent_s = len(server.journal.received_audio()) / (2 * RATE)
        assert traffic.passed / 16_000 == pytest.approx(sent_s, abs=0.1)


async def test_one_breath_is_whole_where_the_device_ends_turns(open_house: Open, server: SimulatedRealtime) -> None:
    """The voice was there before the gate: nothing of it is withheld."""
    server.script = QUICK
    async with open_house("conversation.turn_taking=local") as house:
        since = time.monotonic()
        with house.card.record_room(Hz(RATE)) as room:
            said = await house.wake("turn on the light")
            await house.answered(since)
    arrived = arrival(said, room.pcm, server.journal.received_audio())
    assert _is_whole(arrived), arrived
    assert arrived.start_ms <= said.command_at_ms - GAP_MS + TOLERANCE_MS, "the beginning of the sentence is missing"


async def test_a_pause_after_the_wake_word_stays_in_the_house_where_the_device_ends_turns(
    open_house: Open, server: SimulatedRealtime
) -> None:
    """And the sentence after it arrives whole."""
    server.script = QUICK
    async with open_house("conversation.turn_taking=local", "conversation.follow_up_s=20") as house:
        await house.wake("")
        assert await command(house) >= -TOLERANCE_MS
