"""Finds what the wizard must know of this machine before it asks."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

from device.audio.cards.devices import Direction, SoundDevice
from device.audio.cards.portaudio import SoundCards
from device.boards import AUTO, Profile, load_profile, profile_names
from device.boards.finding import Board as Found
from device.boards.finding import find_board
from device.errors import AudioError
from device.house import configuration, sources
from device.house.catalogue import PROVIDERS
from device.house.configuration import PROFILE, Config
from device.house.layers import Layer, lay
from device.ports.provider import Provider
from device.setup.wizard.facts import Answerer, Board, Facts, choices, likely_board
from device.wake.microwakeword import models as microwakeword
from device.wake.openwakeword import models as openwakeword
from device.wake.settings import Wake


def find_facts(path: Path) -> Facts:
    """Look at the file that is to be written, and at what there is to choose from. Raise ConfigError."""
    own = sources.read_table(path) if path.exists() else {}
    above = tuple(layer for layer in sources.file_layers(path) if layer.place != str(path)) if path.exists() else ()
    holds = configuration.effective([Layer(str(path), own), *above]).config
    devices = asyncio.run(_devices(holds))
    found = find_board(AUTO)
    is_set = lay([Layer(str(path), own), *above]).has(PROFILE)
    return Facts(
        microphones=choices(devices, Direction.INPUT),
        loudspeakers=choices(devices, Direction.OUTPUT),
        boards=(_found(found), *sorted(map(_board, profile_names()), key=lambda board: board.name not in found.names)),
        words=_words(holds.wake),
        providers=tuple(_answerer(provider, holds) for provider in PROVIDERS),
        likely_board=holds.hardware.profile if is_set else likely_board(found),
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
    return _described(name, load_profile(name))


def _found(found: Found) -> Board:
    """Return what "auto" stands for."""
    board = _described(AUTO, found.profile)
    return replace(board, title=f"find out: {found.said}")


def _described(name: str, profile: Profile) -> Board:
    audio = profile.audio
    return Board(name, profile.title, audio.get("input", ""), audio.get("output", ""), profile.notes)


def _answerer(provider: Provider[Any], holds: Config) -> Answerer:
    """Return what can be chosen of a provider: its address, where its table has one."""
    table = provider.table
    usual = getattr(table.kind(), "url", None)
    if usual is None:
        return Answerer(provider.name)
    return Answerer(provider.name, (*table.name.split("."), "url"), holds.of(table).url, usual)
