"""The player over the virtual sound card, judged by what the monitor recorded."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import numpy as np
import pytest

from device.audio.cards.filling import depth
from device.audio.cards.portaudio import SoundCards
from device.audio.cards.speaker import AlsaSpeaker
from device.audio.mouth.player import Player
from device.audio.settings import Audio
from device.core.events import Event, PlaybackFinished, PlaybackStopped
from device.sim.devices.soundcard import SPEAKER, Recording, VirtualSoundCard
from device.units import Hz, Ms

pytestmark = pytest.mark.card

RATE = Hz(24_000)
LIMIT_S = 20.0


def sound(milliseconds: int) -> bytes:
    """A square wave: loud to its last sample."""
    return bytes((np.sign(np.sin(np.arange(RATE * milliseconds // 1000) * 0.9)) * 8000).astype("<i2"))


def heard_ms(recording: Recording) -> float:
    """How much of the recording is loud, in whole milliseconds, wherever it lies."""
    step = recording.rate // 1000
    samples = np.abs(np.frombuffer(recording.pcm, dtype="<i2").astype(int))
    slots = samples[: len(samples) // step * step].reshape(-1, step)
    return float((slots.max(axis=1) > 1000).sum())


@pytest.fixture
async def events() -> list[Event]:
    """What the player posts."""
    return []


@pytest.fixture
async def player(virtual_card: VirtualSoundCard, events: list[Event]) -> AsyncIterator[Player]:
    """A player on a real PCM."""
    cards = SoundCards(Audio(output=SPEAKER), events.append)
    player = Player(AlsaSpeaker(cards, RATE), RATE, events.append)
    yield player
    await player.close()
    await cards.close()


async def until(events: list[Event], kind: type[Event]) -> Event:
    """Wait for an event."""
    async with asyncio.timeout(LIMIT_S):
        while not (found := [event for event in events if isinstance(event, kind)]):
            await asyncio.sleep(0.01)
    return found[0]


async def test_a_whole_answer_leaves_the_card(
    player: Player, events: list[Event], virtual_card: VirtualSoundCard
) -> None:
    """When it is said to be finished, the monitor has all of it."""
    with virtual_card.record_speaker() as recording:
        player.play_answer(1, "item", sound(400))
        player.end_answer(1)
        assert await until(events, PlaybackFinished) == PlaybackFinished(1)
        end = recording.duration + 100
        while recording.duration < end:
            await asyncio.sleep(0.01)
    assert heard_ms(recording) == pytest.approx(400, abs=3)


async def test_a_card_with_much_ahead_is_emptied_on_a_stop_and_plays_on(
    player: Player, events: list[Event], virtual_card: VirtualSoundCard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What had not left it is neither heard nor counted; what is said next is whole."""
    monkeypatch.setattr(depth, "FIRST_MS", Ms(150))
    with virtual_card.record_speaker() as recording:
        player.play_answer(1, "item", sound(5000))
        while heard_ms(recording) < 300:
            await asyncio.sleep(0.01)
        player.stop()
        stopped = await until(events, PlaybackStopped)
        player.play_answer(2, "item", sound(400))
        player.end_answer(2)
        await until(events, PlaybackFinished)
        end = recording.duration + 200
        while recording.duration < end:
            await asyncio.sleep(0.01)
    assert isinstance(stopped, PlaybackStopped)
    assert stopped.played + 400 == pytest.approx(heard_ms(recording), abs=20)


async def test_what_is_said_to_have_been_heard_was_heard_on_a_card_that_ran_dry(
    player: Player, events: list[Event], virtual_card: VirtualSoundCard
) -> None:
    """The card stood still in the middle: played_ms is what the monitor has, to 20 ms."""
    with virtual_card.record_speaker() as recording:
        player.play_answer(1, "item", sound(5000))
        while heard_ms(recording) < 300:
            await asyncio.sleep(0.01)
        await virtual_card.stand_still(0.25)
        before = heard_ms(recording)
        while heard_ms(recording) < before + 200:
            await asyncio.sleep(0.01)
        player.stop()
        stopped = await until(events, PlaybackStopped)
        end = recording.duration + 500
        while recording.duration < end:
            await asyncio.sleep(0.01)
    assert isinstance(stopped, PlaybackStopped)
    assert stopped.played == pytest.approx(heard_ms(recording), abs=20)


async def test_the_first_answer_is_whole_on_a_card_at_pulseaudios_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    """The loudspeaker is opened for it, and again and again: its null sinks swallow what a stream begins with."""
    events: list[Event] = []
    async with VirtualSoundCard(sleepy=True) as card:
        for name, value in card.env().items():
            monkeypatch.setenv(name, value)
        cards = SoundCards(Audio(output=SPEAKER), events.append)
        with card.record_speaker() as recording:
            for turn in range(4):
                player = Player(AlsaSpeaker(cards, RATE), RATE, events.append)
                before = heard_ms(recording)
                player.play_answer(turn, "item", sound(400))
                player.end_answer(turn)
                async with asyncio.timeout(LIMIT_S):
                    while PlaybackFinished(turn) not in events:
                        await asyncio.sleep(0.01)
                end = recording.duration + 200
                while recording.duration < end:
                    await asyncio.sleep(0.01)
                await player.close()
                assert heard_ms(recording) - before == pytest.approx(400, abs=3)
        await cards.close()


async def test_what_is_said_to_have_been_heard_was_heard(
    player: Player, events: list[Event], virtual_card: VirtualSoundCard
) -> None:
    """played_ms is what the monitor has, to 20 ms."""
    with virtual_card.record_speaker() as recording:
        player.play_answer(1, "item", sound(5000))
        while heard_ms(recording) < 300:
            await asyncio.sleep(0.01)
        player.stop()
        stopped = await until(events, PlaybackStopped)
        end = recording.duration + 200
        while recording.duration < end:
            await asyncio.sleep(0.01)
    assert isinstance(stopped, PlaybackStopped)
    assert stopped.item == "item"
    assert stopped.received == Ms(5000)
    assert stopped.played == pytest.approx(heard_ms(recording), abs=20)
