"""The player over the virtual sound card, judged by what the monitor recorded."""

from __future__ import annotations

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
from tests.waiting import until

pytestmark = pytest.mark.card

RATE = Hz(24_000)


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


async def first(events: list[Event], kind: type[Event]) -> Event:
    """Wait for an event."""
    await until(lambda: any(isinstance(event, kind) for event in events), kind.__name__)
    return next(event for event in events if isinstance(event, kind))


async def record(recording: Recording, ms: int) -> None:
    """Wait until so much more has been recorded."""
    end = recording.duration + ms
    await until(lambda: recording.duration >= end, f"{ms} ms of recording")


async def hear(recording: Recording, ms: float) -> None:
    """Wait until so much in all has been heard."""
    await until(lambda: heard_ms(recording) >= ms, f"{ms} ms of sound")


async def test_a_whole_answer_leaves_the_card(
    player: Player, events: list[Event], virtual_card: VirtualSoundCard
) -> None:
    """When it is said to be finished, the monitor has all of it."""
    with virtual_card.record_speaker() as recording:
        player.play_answer(1, "item", sound(400))
        player.end_answer(1)
        assert await first(events, PlaybackFinished) == PlaybackFinished(1)
        await record(recording, 100)
    assert heard_ms(recording) == pytest.approx(400, abs=3)


async def test_a_card_with_much_ahead_is_emptied_on_a_stop_and_plays_on(
    player: Player, events: list[Event], virtual_card: VirtualSoundCard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What had not left it is neither heard nor counted; what is said next is whole."""
    monkeypatch.setattr(depth, "FIRST_MS", Ms(150))
    with virtual_card.record_speaker() as recording:
        player.play_answer(1, "item", sound(5000))
        await hear(recording, 300)
        player.stop()
        stopped = await first(events, PlaybackStopped)
        player.play_answer(2, "item", sound(400))
        player.end_answer(2)
        await first(events, PlaybackFinished)
        await record(recording, 200)
    assert isinstance(stopped, PlaybackStopped)
    assert stopped.played + 400 == pytest.approx(heard_ms(recording), abs=20)


async def test_what_is_said_to_have_been_heard_was_heard_on_a_card_that_ran_dry(
    player: Player, events: list[Event], virtual_card: VirtualSoundCard
) -> None:
    """The card stood still in the middle: played_ms is what the monitor has, to 20 ms."""
    with virtual_card.record_speaker() as recording:
        player.play_answer(1, "item", sound(5000))
        await hear(recording, 300)
        await virtual_card.stand_still(0.25)
        await hear(recording, heard_ms(recording) + 200)
        player.stop()
        stopped = await first(events, PlaybackStopped)
        await record(recording, 500)
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
                await until(lambda turn=turn: PlaybackFinished(turn) in events, "the end of the answer")
                await record(recording, 200)
                await player.close()
                assert heard_ms(recording) - before == pytest.approx(400, abs=3)
        await cards.close()


async def test_what_is_said_to_have_been_heard_was_heard(
    player: Player, events: list[Event], virtual_card: VirtualSoundCard
) -> None:
    """played_ms is what the monitor has, to 20 ms."""
    with virtual_card.record_speaker() as recording:
        player.play_answer(1, "item", sound(5000))
        await hear(recording, 300)
        player.stop()
        stopped = await first(events, PlaybackStopped)
        await record(recording, 200)
    assert isinstance(stopped, PlaybackStopped)
    assert stopped.item == "item"
    assert stopped.received == Ms(5000)
    assert stopped.played == pytest.approx(heard_ms(recording), abs=20)
