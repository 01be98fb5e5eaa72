"""Lets a person try what was chosen: see the microphone's level, hear the loudspeaker, be heard by the wake word."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from device.audio.cards.capture import Pace
from device.audio.cards.microphone import AlsaMicrophone, OnFrame
from device.audio.cards.portaudio import SoundCards
from device.audio.frames import DIGITAL_SILENCE_DBFS, level_dbfs
from device.audio.settings import Audio
from device.errors import AudioError
from device.kit.threads import Threads
from device.ports.wake import Detection
from device.setup.doctor.soundtest import play, speak
from device.wake.engines import load_engine
from device.wake.settings import Wake
from device.wake.worker import WakeWorker

SENTENCE = "This is the loudspeaker of your Hearthside."
REFRESH_S = 0.1
# dB a frame of 20 ms: a level that jumps with every vowel cannot be read.
_FALL = 1.5
HEARD_ENOUGH = 3
"""Detections after which nobody needs more."""

Show = Callable[[float, str], None]
"""How much (0 to 1) of a meter is filled, and what stands beside it."""
IsOver = Callable[[], bool]
"""Whether the person has seen enough."""

# What a meter shows, in dBFS.
FLOOR, CEILING = -70.0, 0.0


class NoSoundError(AudioError):
    """A microphone that opens and gives nothing."""


async def microphone(audio: Audio, show: Show, is_over: IsOver) -> float:
    """Show its level until the person has seen enough; return the loudest. Raise AudioError."""
    level = loudest = DIGITAL_SILENCE_DBFS

    def on_frame(pcm: bytes, moment: float) -> None:
        nonlocal level, loudest
        newest = level_dbfs(pcm)
        level, loudest = max(newest, level - _FALL), max(newest, loudest)

    async with _listening(audio, on_frame):
        while not is_over():
            show(filled(level), f"{level:4.0f} dBFS")
            await asyncio.sleep(REFRESH_S)
    return loudest


async def loudspeaker(audio: Audio) -> None:
    """Say a sentence. Raise AudioError, or SpeechError where there is no local voice."""
    await play(audio, await speak(SENTENCE))


async def wake_word(audio: Audio, wake: Wake, show: Show, is_over: IsOver) -> int:
    """Show the words' scores until the person has seen, or it has heard, enough; return how often it did.

    Raise AudioError or ConfigError.
    """
    engine = await Threads("loading").call(load_engine, wake)
    heard: list[Detection] = []
    worker = WakeWorker(engine, heard.append, lambda fact: None)
    async with _listening(audio, lambda pcm, moment: worker.feed(pcm)):
        worker.start()
        try:
            while not is_over() and len(heard) < HEARD_ENOUGH:
                score = max(engine.scores.values(), default=0.0)
                show(score, f"{score:4.2f}  {_times(len(heard))}")
                await asyncio.sleep(REFRESH_S)
        finally:
            worker.close()
    return len(heard)


def filled(dbfs: float) -> float:
    """Return how much of a meter a level fills, 0 to 1."""
    return min(1.0, max(0.0, (dbfs - FLOOR) / (CEILING - FLOOR)))


@asynccontextmanager
async def _listening(audio: Audio, on_frame: OnFrame) -> AsyncIterator[None]:
    cards = SoundCards(audio, lambda fact: None)
    try:
        found = AlsaMicrophone(cards, on_frame, lambda: Pace.STEADY)
        await found.open()
        if not await found.settle():
            raise NoSoundError("the microphone can be opened, but gives no sound; does its driver suit the system?")
        yield
    finally:
        await cards.close()


def _times(count: int) -> str:
    return f"heard {count} of {HEARD_ENOUGH}"
