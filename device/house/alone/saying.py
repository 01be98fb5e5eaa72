"""Saying a sentence while nothing of the house is open."""

from __future__ import annotations

import asyncio
import contextlib
import logging

from device.audio.cards.portaudio import SoundCards
from device.audio.cards.speaker import AlsaSpeaker
from device.audio.mouth.player import Player
from device.audio.volume import Volume
from device.core.events import DeviceFailed, Event
from device.errors import HearthsideError
from device.foreign.espeak import EspeakVoice
from device.house.closing import Closing
from device.house.configuration import Config
from device.ports.facts import Post
from device.units import BYTES_PER_SAMPLE

log = logging.getLogger(__name__)

# A card that is opened, and what it plays late.
_SPARE_S = 3.0


async def say(settings: Config, text: str, stop: asyncio.Event) -> bool:
    """Say it to its end, or until told to stop; tell whether it was said. Why it was not is logged."""
    failures: list[str] = []

    def note(fact: Event) -> None:
        if isinstance(fact, DeviceFailed):
            failures.append(fact.message)

    try:
        async with Closing() as closing:
            await _say(settings, text, note, closing, stop)
    except HearthsideError as error:
        failures.append(str(error))
    for failure in failures:
        log.warning("it cannot be said: %s", failure)
    return not failures


async def _say(settings: Config, text: str, post: Post, closing: Closing, stop: asyncio.Event) -> None:
    voice = EspeakVoice()
    pcm = await voice.speak(text)
    cards = SoundCards(settings.audio, post)
    closing.add("sound cards", cards.close)
    player = Player(AlsaSpeaker(cards, voice.rate), voice.rate, post)
    closing.add("player", player.close)
    await Volume(settings.audio, player.set_volume).start()
    player.play_announcement(pcm, voice.rate)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(len(pcm) / BYTES_PER_SAMPLE / voice.rate + _SPARE_S):
            await stop.wait()
