"""Interruptions: what the server is told was heard, against what the loudspeaker really played."""

from __future__ import annotations

import asyncio
import time

import pytest

from device.core.actions import DeleteItem, TruncateItem
from device.core.events import ButtonHeld, PlaybackStarted, PlaybackStopped, WakeWordDetected
from device.core.status import Phase
from device.ports.wake import Detection
from device.sim.realtime import SimulatedRealtime
from device.sim.realtime.script import Reply, Script, tone
from device.wake.openwakeword.engine import OpenWakeWord
from tests.scenarios.conftest import Open
from tests.scenarios.house import House
from tests.waiting import LIMIT_S, until

LONG = Script(answer=lambda _: Reply("A long tone.", audio=tone(8_000)))
# The benchmark has the median; here a busy machine must not matter.
BOUND_MS = 100
# Of sound in which nothing changes: 20 steps of 80 ms.
KEPT = 20 * 1280


async def interrupted_answer(house: House, interruption: str, wake_word: str) -> tuple[float, TruncateItem]:
    """Let an answer begin, and somebody speak over it; return when it began, and what the server was told."""
    began = await answering(house)
    since = time.monotonic()
    await house.person.say(interruption, wake_word)
    return began, await house.timeline.until(TruncateItem, since, LIMIT_S)


async def answering(house: House) -> float:
    """Ask, and return when the answer became audible."""
    since = time.monotonic()
    await house.wake()
    await house.timeline.until(PlaybackStarted, since, LIMIT_S)
    began = time.monotonic()
    await asyncio.sleep(0.5)  # the person listens for a moment
    return began


@pytest.mark.parametrize("barge_in", ["voice", "wake_word"])
async def test_an_interrupted_answer_is_truncated_at_what_was_played(
    open_house: Open, server: SimulatedRealtime, barge_in: str
) -> None:
    """The milliseconds are those of the recorded loudspeaker, and within what the server had sent."""
    server.script = LONG
    async with open_house(f"conversation.barge_in={barge_in}") as house:
        wake_word = "hey jarvis" if barge_in == "wake_word" else ""
        began, cut = await interrupted_answer(house, "hello", wake_word)
        stopped = house.timeline.all(PlaybackStopped, began)[0]
        # On a busy machine it may have begun before the last words were known to be over.
        await house.timeline.until(PlaybackStarted, began, LIMIT_S)
        entries = house.timeline.entries
        again = next(entry.at for entry in entries if entry.at >= began and isinstance(entry.what, PlaybackStarted))
        told = server.journal.received("conversation.item.truncate")[0].event
        assert told["audio_end_ms"] <= min(stopped.received, len(server.journal.sent_audio(item=cut.item)) / 48)
        sounded = house.heard_ms(began - 0.5, again - 0.05)
        assert abs(sounded - told["audio_end_ms"]) < BOUND_MS
        assert house.status.phase is Phase.SPEAKING, "the interruption is answered"


async def test_while_only_the_wake_word_interrupts_nothing_is_kept_from_its_engine(
    open_house: Open, server: SimulatedRealtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a quiet room, in which it rests otherwise: it would first have to score what was kept when somebody speaks."""
    server.script, process, pieces = LONG, OpenWakeWord.process, list[int]()

    def noting(engine: OpenWakeWord, pcm: bytes) -> list[Detection]:
        pieces.append(len(pcm) // 2)
        return process(engine, pcm)

    monkeypatch.setattr(OpenWakeWord, "process", noting)
    async with open_house("conversation.barge_in=wake_word") as house:
        await answering(house)
        await until(lambda: not house.app.wake.is_awake, "a room in which nothing changes")
        pieces.clear()
        await until(lambda: len(pieces) > 3, "an engine that hears it all the same")
        since = time.monotonic()
        await house.wake()
        await house.timeline.until(TruncateItem, since, LIMIT_S)
        assert max(pieces) < KEPT / 2


async def test_barge_in_off_lets_the_answer_finish(open_house: Open, server: SimulatedRealtime) -> None:
    """Neither a voice nor the wake word stops it."""
    server.script = Script(answer=lambda _: Reply("A tone.", audio=tone(2_500)))
    async with open_house("conversation.barge_in=off") as house:
        began = await answering(house)
        await house.wake()
        assert house.timeline.all(WakeWordDetected, began)
        await house.phase(Phase.IDLE)
        assert not house.timeline.all(TruncateItem, began)
        assert house.heard_ms(began - 0.5, began + 3.5) > 2_400


async def test_a_click_stops_the_answer_and_the_conversation(open_house: Open, server: SimulatedRealtime) -> None:
    """Silence at once, idle, and the next wake word is answered."""
    server.script = LONG
    async with open_house() as house:
        await answering(house)
        await house.click()
        await house.phase(Phase.IDLE)
        silent_from = time.monotonic() + 0.1
        server.script = Script(answer=lambda _: Reply("Beep.", audio=tone(200)))
        began = await house.converse()
        assert house.heard_ms(silent_from, began + 1.0) == 0


async def test_an_answer_of_which_nothing_was_heard_is_deleted(
    open_house: Open, server: SimulatedRealtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Interrupted after it arrived and before it sounded: the item goes, instead of being truncated at 0."""
    server.script = LONG
    async with open_house() as house:
        player, post = house.app.player, house.app.controller.post
        play_answer = player.play_answer

        def play_and_interrupt(turn: int, item: str, pcm: bytes) -> None:
            play_answer(turn, item, pcm)
            monkeypatch.undo()
            post(ButtonHeld(house.app.frontend.position))

        monkeypatch.setattr(player, "play_answer", play_and_interrupt)
        began = time.monotonic()
        await house.wake()
        await house.timeline.until(DeleteItem, began, LIMIT_S)
        await server.journal.wait("conversation.item.deleted")
        assert not server.journal.received("conversation.item.truncate")
        assert house.heard_ms(began) == 0
