"""audio.wake_cue = true in a room that throws it back: the person hears the cue, and the server does not."""

from __future__ import annotations

import asyncio
import contextlib
import time

import pytest
import soxr

from device.audio.echo.cuemask import notes_dbfs
from device.core.actions import Cue, PlayCue
from device.core.events import SpeechStopped, WakeWordDetected
from device.core.status import Phase
from device.sim.devices.soundcard import Recording, VirtualSoundCard
from device.sim.person.voice import Utterance
from device.sim.realtime import SimulatedRealtime
from device.sim.realtime.script import Reply, Script, tone
from device.sim.room.acoustics import Room
from device.sim.room.echopath import EchoPath
from device.sim.stage.timeline import ScenarioError
from device.units import CAPTURE_RATE, Hz, Ms
from tests.scenarios.conftest import Open
from tests.scenarios.house import PATIENCE, WAKE_WORD, House, Samples, pcm_samples
from tests.scenarios.test_one_breath import RATE, TOLERANCE_MS, Arrived, arrival
from tests.waiting import LIMIT_S, until

ROOM = Room(delay_ms=Ms(60), echo_db=-6.0, rt60_s=0.3)
COMMAND = "turn on the light"
BEEP = Script(answer=lambda _: Reply("Beep.", audio=tone(200)))
CUE_MS = 150
# The canceller learns the room from that much of an answer.
TRAINED_MS = 4_500
# A quick person: most take longer to answer a sound.
ANSWERS_AFTER_S = 0.3
# Of the wake word some 100 ms are sent, and its notes are no cue's.
WAKE_WORD_LEFT_MS = 250
# What is left of a cue when its echo has fallen by 40 dB, and some of its reverberation.
GONE_DB = 30.0
# -26 where the card plays all of it; a busy machine's may lose some.
AUDIBLE_DBFS = -55.0
# Of the same sound. A canceller is still at work in the half second after a cue, and changes the words a little.
ALIKE = {"wake_word": 0.9, "voice": 0.75}

CANCELLERS = pytest.mark.parametrize("barge_in", ["wake_word", "voice"], ids=["no canceller", "a new canceller"])


def settings(barge_in: str) -> tuple[str, ...]:
    """A card without echo cancellation of its own; a server that waits while the person waits for the cue.

    Longer than a busy machine needs for it: else the end of the wake word would be a turn of its own.
    """
    talk = (
        f"conversation.barge_in={barge_in}",
        "conversation.openai.silence_duration_ms=3000",
        "conversation.listen_s=10",
    )
    return "hardware.profile=generic", "audio.wake_cue=true", *talk


def wake_cues(house: House, since: float) -> list[float]:
    """When they were ordered (s, `time.monotonic`)."""
    return [entry.at for entry in house.timeline.entries if entry.at >= since and entry.what == PlayCue(Cue.WAKE)]


async def answer_the_cue(house: House) -> tuple[Utterance, float]:
    """Say the wake word, hear the cue to its end, and give a command; like a patient person, once more if need be.

    Return the command, and when half of it had been said.
    """
    for _ in range(PATIENCE):
        since = time.monotonic()
        await house.person.say("", WAKE_WORD)
        with contextlib.suppress(ScenarioError):
            await house.timeline.until(WakeWordDetected, since, 1.0)
            break
    said = await house.person.render(COMMAND)
    await until(lambda: wake_cues(house, since), "the order to play the cue")
    # Its last 30 ms are hardly audible.
    await until(lambda: house.heard_ms(since) >= CUE_MS - 40, "the cue at the loudspeaker")
    await asyncio.sleep(ANSWERS_AFTER_S)
    half_said = time.monotonic() + said.duration_ms / 2000
    await house.card.play_into_room(said.pcm, said.rate)
    return said, half_said


def loudest_note(sound: Samples) -> float:
    """Return how loud (dBFS) the cues' notes are where they are loudest."""
    heard = soxr.resample(sound * 32_767, RATE, CAPTURE_RATE).astype("<i2")
    return max(notes_dbfs(heard.tobytes()))


def before_the_command(arrived: Arrived, sound: bytes, since: int) -> Samples:
    """Return what there is between a sample of the sound and the command."""
    return pcm_samples(sound)[since : int((-arrived.start_ms - 20) * RATE / 1000)]


def check_that_no_cue_was_sent(said: Utterance, room: Recording, cue_at: float, received: bytes) -> None:
    """Compare what the microphone heard before the command with what arrived: the cue was 30 dB louder, at least."""
    captured = before_the_command(arrival(said, room.pcm, room.pcm), room.pcm, room.position(cue_at))
    left = before_the_command(arrival(said, room.pcm, received), received, WAKE_WORD_LEFT_MS * RATE // 1000)
    assert len(left) > RATE * ANSWERS_AFTER_S, "the cue's time has arrived, too"
    assert loudest_note(captured) > AUDIBLE_DBFS
    assert loudest_note(left) < loudest_note(captured) - GONE_DB


@CANCELLERS
async def test_a_wake_cue_is_heard_and_not_sent_and_the_command_after_it_arrives_whole(
    open_house: Open, server: SimulatedRealtime, virtual_card: VirtualSoundCard, barge_in: str
) -> None:
    """The person answers the cue 300 ms after its end."""
    server.script = BEEP
    async with EchoPath(virtual_card, ROOM), open_house(*settings(barge_in)) as house:
        with house.card.record_room(Hz(RATE)) as room:
            said, half_said = await answer_the_cue(house)
            # The words are over, and on a busy machine the silence behind them may be, too.
            await house.timeline.until(SpeechStopped, half_said, LIMIT_S)
        (cue_at,) = wake_cues(house, 0.0)
    received = server.journal.received_audio()
    arrived = arrival(said, room.pcm, received)
    assert arrived.match > ALIKE[barge_in], arrived
    assert arrived.drift_ms < TOLERANCE_MS, "a hole in the command"
    check_that_no_cue_was_sent(said, room, cue_at, received)


async def test_a_wake_cue_after_an_answer_is_not_sent(
    open_house: Open, server: SimulatedRealtime, virtual_card: VirtualSoundCard
) -> None:
    """By then the canceller knows the room and takes the cue away; or a stream has slipped, and it is silenced."""
    async with EchoPath(virtual_card, ROOM), open_house(*settings("voice")) as house:
        since = time.monotonic()
        await house.wake("tell me a story")
        await until(lambda: house.heard_ms(since) > TRAINED_MS, "some seconds of an answer")
        await house.click()
        await house.phase(Phase.IDLE)
        server.journal.clear()
        server.script = BEEP
        with house.card.record_room(Hz(RATE)) as room:
            since = time.monotonic()
            said, _ = await answer_the_cue(house)
            await house.timeline.until(SpeechStopped, since, LIMIT_S)
        cue_at = wake_cues(house, since)[-1]
    check_that_no_cue_was_sent(said, room, cue_at, server.journal.received_audio())


async def test_a_command_in_one_breath_arrives_whole_and_no_cue_is_played(
    open_house: Open, server: SimulatedRealtime, virtual_card: VirtualSoundCard
) -> None:
    """Whoever speaks on need not be told to."""
    server.script = BEEP
    async with EchoPath(virtual_card, ROOM), open_house("hardware.profile=generic", "audio.wake_cue=true") as house:
        with house.card.record_room(Hz(RATE)) as room:
            since = time.monotonic()
            said = await house.wake(COMMAND)
            await house.timeline.until(SpeechStopped, since, LIMIT_S)
        assert wake_cues(house, since) == []
        arrived = arrival(said, room.pcm, server.journal.received_audio())
    assert arrived.match > 0.9, arrived
    assert arrived.drift_ms < TOLERANCE_MS
    assert arrived.start_ms <= said.command_at_ms


async def test_a_press_while_a_conversation_ends_sends_nothing_of_its_cue(
    open_house: Open, server: SimulatedRealtime, virtual_card: VirtualSoundCard
) -> None:
    """The gate opens from the press on, and what had been captured by then goes out, too."""
    ends = (*settings("wake_word"), "audio.wake_cue=false", "conversation.listen_s=3")
    async with EchoPath(virtual_card, ROOM), open_house(*ends) as house:
        await house.ask_by_click()
        await house.phase(Phase.LISTENING)
        since = time.monotonic()
        with house.card.record_room(Hz(RATE)) as room:
            await house.phase(Phase.IDLE)
            await until(lambda: house.heard_ms(since) >= 60, "the cue that ends the conversation")
            server.journal.clear()
            await house.ask_by_click()
            await until(lambda: len(server.journal.received_audio()) > RATE, "half a second of sound")
    assert loudest_note(pcm_samples(room.pcm)) > AUDIBLE_DBFS
    left = loudest_note(pcm_samples(server.journal.received_audio()))
    assert left < loudest_note(pcm_samples(room.pcm)) - GONE_DB
