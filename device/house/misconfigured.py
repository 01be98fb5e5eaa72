"""The house while its configuration is wrong: a light that shows it, and a sentence, once."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from pathlib import Path

import msgspec

from device.audio.cards.portaudio import SoundCards
from device.audio.cards.speaker import AlsaSpeaker
from device.audio.mouth.player import Player
from device.audio.volume import Volume
from device.core.events import DeviceFailed, Event
from device.core.failures import MISCONFIGURED
from device.core.indication import Indication
from device.errors import HearthsideError
from device.foreign.espeak import EspeakVoice
from device.house.closing import Closing
from device.house.configuration import Config
from device.house.salvage import salvaged
from device.kit import signals
from device.panel.gpio import NullPanel, open_panel
from device.panel.settings import Button
from device.ports.facts import Post
from device.ports.panel import Panel
from device.service.complaint import Complaint
from device.units import BYTES_PER_SAMPLE, Samples

log = logging.getLogger(__name__)

# A card that is opened, and what it plays late.
_SPARE_S = 3.0


async def serve(path: Path | None) -> None:
    """Show it, say it if that has not been done, and wait to be ended."""
    stop, settings, complaint = asyncio.Event(), salvaged(path), Complaint()
    with signals.told(stop.set):
        async with Closing() as closing:
            panel = _open_light(settings)
            closing.add_safety("lights", panel.close)
            panel.show(Indication.FAULT)
            log.warning("the service cannot start before this is corrected: %s", complaint.text or "see its log")
            if not complaint.is_told and await _say_if_possible(settings, stop):
                complaint.note_told()
            await stop.wait()


def _open_light(settings: Config) -> Panel:
    # A button would do nothing.
    panel = msgspec.structs.replace(settings.hardware, button=Button())
    try:
        return open_panel(panel, lambda fact: None, lambda moment: Samples(0))
    except HearthsideError as error:
        log.warning("it cannot be shown: %s", error)
        return NullPanel()


async def _say_if_possible(settings: Config, stop: asyncio.Event) -> bool:
    """Tell whether it was said."""
    failures: list[str] = []

    def note(fact: Event) -> None:
        if isinstance(fact, DeviceFailed):
            failures.append(fact.message)

    try:
        async with Closing() as closing:
            await _say(settings, note, closing, stop)
    except HearthsideError as error:
        failures.append(str(error))
    for failure in failures:
        log.warning("it cannot be said: %s", failure)
    return not failures


async def _say(settings: Config, post: Post, closing: Closing, stop: asyncio.Event) -> None:
    voice = EspeakVoice()
    pcm = await voice.speak(MISCONFIGURED)
    cards = SoundCards(settings.audio, post)
    closing.add("sound cards", cards.close)
    player = Player(AlsaSpeaker(cards, voice.rate), voice.rate, post)
    closing.add("player", player.close)
    await Volume(settings.audio, player.set_volume).start()
    player.play_announcement(pcm, voice.rate)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(len(pcm) / BYTES_PER_SAMPLE / voice.rate + _SPARE_S):
            await stop.wait()
