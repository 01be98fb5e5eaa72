"""Finds what the wizard must know of this machine before it asks."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from device.audio.cards.devices import Direction, SoundDevice
from device.audio.cards.portaudio import SoundCards
from device.boards import load_profile, profile_names
from device.errors import AudioError
from device.house import configuration, sources
from device.house.catalogue import PROVIDERS
from device.house.configuration import Config
from device.house.layers import Layer, lay
from device.ports.provider import Provider
from device.setup.wizard.facts import Answerer, Board, Facts, choices, guess_board
from device.wake.microwakeword import models as microwakeword
from device.wake.openwakeword import models as openwakeword
from device.wake.settings import Wake


def find_facts(path: Path) -> Facts:
    """Look at the file that is to be written, and at what there is to choose from. Raise ConfigError."""
    own = sources.read_table(path) if path.exists() else {}
    above = tuple(layer for layer in sources.file_layers(path) if layer.place != str(path)) if path.exists() else ()
    holds = configuration.effective([Layer(str(path), own), *above]).config
    devices = asyncio.run(_devices(holds))
    boards = tuple(map(_board, profile_names()))
    is_set = lay([Layer(str(path), own), *above]).has(("hardware", "profile"))
    return Facts(
        microphones=choices(devices, Direction.INPUT),
        loudspeakers=choices(devices, Direction.OUTPUT),
        boards=boards,
        words=_words(holds.wake),
        providers=tuple(_answerer(provider, holds) for provider in PROVIDERS),
        likely_board=holds.hardware.profile if is_set else guess_board(boards, devices),
        holds=holds,
        own=own,
        above=above,
    )


def _words(wake: Wake) -> tuple[str, ...]:
    """Return the words that ship for the engine; the usual one first."""
    found = microwakeword.shipped_words() if wake.engine == "microwakeword" else openwakeword.shipped_words()
    return tuple(sorted(found, key=lambda word: (word not in Wake().words, word)))


async def _devices(holds: Config) -> tuple[SoundDevice, ...]:
    cards = SoundCards(holds.audio, lambda fact: None)
    try:
        return await cards.list_devices()
    except AudioError:
        return ()
    finally:
        await cards.close()


def _board(name: str) -> Board:
    profile = load_profile(name)
    audio: dict[str, Any] = profile.overlay.get("audio", {})
    return Board(name, profile.title, audio.get("input", ""), audio.get("output", ""), profile.notes)


def _answerer(provider: Provider[Any], holds: Config) -> Answerer:
    """Return what can be chosen of a provider: its address, where its table has one."""
    table = provider.table
    usual = getattr(table.kind(), "url", None)
    if usual is None:
        return Answerer(provider.name)
    return Answerer(provider.name, (*table.name.split("."), "url"), holds.of(table).url, usual)
