"""What every microphone and every loudspeaker must do: the real ones over the virtual card, and those in memory."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Callable
from typing import Any

import numpy as np
import pytest

from device.audio.cards.capture import Pace
from device.audio.cards.microphone import AlsaMicrophone
from device.audio.cards.portaudio import SoundCards
from device.audio.cards.speaker import AlsaSpeaker
from device.audio.settings import Audio
from device.core.events import Event
from device.sim.devices.fakecard import FakeMicrophone, FakeSpeaker
from device.sim.devices.soundcard import MICROPHONE, SPEAKER, VirtualSoundCard
from device.units import CAPTURE_RATE, Hz
from tests.waiting import until

FRAME_BYTES = 640
TONE = (np.sin(np.arange(8000) * 0.3) * 12_000).astype("<i2").tobytes()
ALSA = pytest.param("alsa", marks=pytest.mark.card)


def loudness(pcm: bytes) -> int:
    """The peak."""
    return int(np.abs(np.frombuffer(pcm, dtype="<i2").astype(int)).max(initial=0))


def loud_samples(pcm: bytes) -> int:
    """How many samples are no silence."""
    return int((np.abs(np.frombuffer(pcm, dtype="<i2").astype(int)) > 500).sum())


def stepping(step: Callable[[], None], condition: Callable[[], bool]) -> Callable[[], bool]:
    """Let time pass before each look."""

    def look() -> bool:
        step()
        return condition()

    return look


class Ears:
    """A microphone under test, and how to speak to it."""

    def __init__(self) -> None:
        self.frames: list[bytes] = []
        self.threads: set[int] = set()
        self.pace = Pace.HURRIED
        self.microphone: Any = None
        self.say: Any = None
        self.step: Callable[[], None] = lambda: None

    def on_frame(self, pcm: bytes, moment: float) -> None:
        """Note what comes, and in which thread."""
        self.frames.append(pcm)
        self.threads.add(threading.get_ident())

    @property
    def heard(self) -> bytes:
        """All frames in a row."""
        return b"".join(self.frames)


class Mouth:
    """A loudspeaker under test, and how to let time pass for it."""

    def __init__(self) -> None:
        self.pulled: list[float] = []
        self.breaks: list[float] = []
        self.lost_in: list[int] = []
        self.speaker: Any = None
        self.step: Callable[[], None] = lambda: None
        self.card: VirtualSoundCard | FakeSpeaker = FakeSpeaker()

    async def unplug(self) -> None:
        """Pull the plug."""
        if isinstance(self.card, FakeSpeaker):
            self.card.unplug()
        else:
            await asyncio.to_thread(self.card.unplug)

    async def replug(self) -> None:
        """Put it in again."""
        if isinstance(self.card, FakeSpeaker):
            self.card.replug()
        else:
            await asyncio.to_thread(self.card.replug)

    def on_lost(self) -> None:
        """Note in which thread it was told."""
        self.lost_in.append(threading.get_ident())

    def source(self, count: int, moment: float) -> bytes:
        """Count the pulls; play a tone."""
        self.pulled.append(moment)
        return b"\x00\x20" * count

    async def play(self, blocks: int = 20) -> None:
        """Wait for so many blocks more."""
        goal = len(self.pulled) + blocks
        await until(stepping(self.step, lambda: len(self.pulled) >= goal), f"{blocks} blocks")


@pytest.fixture(params=[ALSA, "memory"])
async def ears(request: pytest.FixtureRequest) -> AsyncIterator[Ears]:
    """A closed microphone of each kind."""
    ears = Ears()
    if request.param == "memory":
        microphone = ears.microphone = FakeMicrophone(ears.on_frame, pace=lambda: ears.pace)
        ears.step = lambda: microphone.push(bytes(FRAME_BYTES))

        async def push(pcm: bytes) -> None:
            ears.microphone.push(pcm)

        ears.say = push
        yield ears
        return
    card: VirtualSoundCard = request.getfixturevalue("virtual_card")
    cards = SoundCards(Audio(input=MICROPHONE), lambda event: None)
    ears.microphone = AlsaMicrophone(cards, ears.on_frame, lambda: ears.pace)
    ears.say = lambda pcm: card.play_into_room(pcm, CAPTURE_RATE)
    yield ears
    await cards.close()


@contextlib.asynccontextmanager
async def mouth_on(card: VirtualSoundCard | None) -> AsyncIterator[Mouth]:
    """A closed loudspeaker on a card, or in memory."""
    mouth = Mouth()
    if card is None:
        speaker = mouth.speaker = mouth.card = FakeSpeaker()
        mouth.step = lambda: speaker.advance(10)
        speaker.attach(mouth.source, mouth.on_lost, mouth.breaks.append)
        yield mouth
        return
    events: list[Event] = []
    cards = SoundCards(Audio(output=SPEAKER), events.append)
    mouth.speaker = AlsaSpeaker(cards, Hz(24_000))
    mouth.card = card
    mouth.speaker.attach(mouth.source, mouth.on_lost, mouth.breaks.append)
    yield mouth
    await cards.close()


@pytest.fixture(params=[ALSA, "memory"])
async def mouth(request: pytest.FixtureRequest) -> AsyncIterator[Mouth]:
    """A closed loudspeaker of each kind."""
    card = request.getfixturevalue("virtual_card") if request.param == "alsa" else None
    async with mouth_on(card) as mouth:
        yield mouth


@pytest.fixture(params=[ALSA, "memory"])
async def loose_mouth(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Mouth]:
    """A closed loudspeaker of each kind whose plug may be pulled."""
    async with contextlib.AsyncExitStack() as stack:
        card = None
        if request.param == "alsa":
            card = await stack.enter_async_context(VirtualSoundCard())
            for name, value in card.env().items():
                monkeypatch.setenv(name, value)
        yield await stack.enter_async_context(mouth_on(card))


async def test_frames_have_one_length_and_carry_the_sound(ears: Ears) -> None:
    """A second of tone arrives whole, in frames of 20 ms."""
    await ears.microphone.open()
    await ears.say(TONE)
    await until(lambda: loudness(ears.heard) > 8000)
    assert {len(frame) for frame in ears.frames} == {FRAME_BYTES}
    assert ears.threads == {threading.get_ident()}


async def test_a_closed_microphone_hears_nothing(ears: Ears) -> None:
    """No frame comes after close has returned, nor before open."""
    await ears.say(TONE)
    assert not ears.frames
    await ears.microphone.open()
    await ears.say(TONE)
    await until(lambda: bool(ears.frames))
    await ears.microphone.close()
    count = len(ears.frames)
    await ears.say(TONE)
    assert len(ears.frames) == count


async def test_a_microphone_can_be_opened_and_closed_again(ears: Ears) -> None:
    """Twice each is harmless; the sound before does not come after."""
    for _ in range(2):
        await ears.microphone.open()
        await ears.microphone.open()
        await ears.say(TONE)
        await until(lambda: loudness(ears.heard) > 8000)
        await ears.microphone.close()
        await ears.microphone.close()
        ears.frames.clear()


async def test_a_microphone_works_from_its_opening_until_it_is_closed(ears: Ears) -> None:
    """Whether it does is known after some seconds at most."""
    assert not ears.microphone.works
    await ears.microphone.open()
    assert await ears.microphone.settle()
    assert ears.microphone.works
    await ears.microphone.close()
    assert not ears.microphone.works
    assert not await ears.microphone.settle()


async def test_a_microphone_is_closed_before_it_is_opened_and_after_it_was_closed(ears: Ears) -> None:
    """And at no time in between."""
    assert ears.microphone.is_closed
    await ears.microphone.open()
    assert not ears.microphone.is_closed
    await ears.microphone.close()
    assert ears.microphone.is_closed


async def test_sound_is_whole_however_soon_it_is_needed(ears: Ears) -> None:
    """It comes in frames, one or many at a time, and none is lost or doubled when that changes."""
    await ears.microphone.open()
    for times, pace in enumerate((Pace.HURRIED, Pace.CALM, Pace.LEISURELY, Pace.STEADY, Pace.HURRIED), 1):
        ears.pace = pace
        ears.microphone.adapt()
        await ears.say(TONE)
        expected = times * loud_samples(TONE)
        enough = 0.98 * expected
        await until(stepping(ears.step, lambda enough=enough: loud_samples(ears.heard) > enough), "the tone")
        assert loud_samples(ears.heard) < 1.02 * expected
    assert {len(frames) % FRAME_BYTES for frames in ears.frames} == {0}
    assert ears.threads == {threading.get_ident()}


async def test_an_open_speaker_pulls_until_it_is_closed(mouth: Mouth) -> None:
    """Blocks are pulled in the order in which they reach the DAC."""
    await mouth.speaker.open()
    await mouth.speaker.open()
    await mouth.play(60)
    await mouth.speaker.close()
    await mouth.speaker.close()
    count = len(mouth.pulled)
    mouth.step()
    await asyncio.sleep(0.05)  # in which it would be pulled from
    assert len(mouth.pulled) == count
    assert mouth.pulled[10:] == sorted(mouth.pulled[10:])


async def test_a_flushed_speaker_goes_on_pulling(mouth: Mouth) -> None:
    """Flush says when it fell silent, to the source too: not after what was promised to the last block."""
    await mouth.speaker.open()
    await mouth.play()
    last = mouth.pulled[-1]
    moment = await mouth.speaker.flush()
    assert moment <= last + 0.005
    assert moment in mouth.breaks
    await mouth.play()


async def test_a_closed_speaker_can_be_opened_again(mouth: Mouth) -> None:
    """It pulls anew."""
    for _ in range(2):
        await mouth.speaker.open()
        await mouth.play()
        await mouth.speaker.close()


async def test_a_speaker_is_asked_for_its_rate(mouth: Mouth) -> None:
    """24 kHz, the rate of most voices, needs no resampling."""
    await mouth.speaker.open()
    assert mouth.speaker.rate == 24_000
    await mouth.speaker.close()


async def test_a_speaker_whose_card_goes_away_says_so_and_pulls_when_it_is_back(loose_mouth: Mouth) -> None:
    """On the event loop's thread; nobody has to open it again."""
    await loose_mouth.speaker.open()
    await loose_mouth.play()
    assert not loose_mouth.lost_in
    await loose_mouth.unplug()
    await until(lambda: bool(loose_mouth.lost_in))
    await loose_mouth.replug()
    await loose_mouth.play()
    assert loose_mouth.lost_in == [threading.get_ident()]
