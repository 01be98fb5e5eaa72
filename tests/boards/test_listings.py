"""Every board's profile finds its card among what a Pi lists with it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from device.audio.cards import portaudio
from device.audio.cards.alsa import pcms
from device.audio.cards.devices import Direction, SoundDevice, choose_device
from device.audio.cards.mixer import control_device
from device.audio.cards.portaudio import SoundCards
from device.audio.settings import Audio
from device.boards import profile_names
from device.foreign.asound import read_cards
from device.house import configuration
from tests.boards.boards import LISTINGS, Listing

EACH = pytest.mark.parametrize(
    "listing",
    [listing for listing in LISTINGS if listing.is_named],
    ids=lambda listing: f"{listing.profile}-{listing.driver}",
)


def with_board(name: str) -> Audio:
    """Return which cards are used where only the board is named."""
    return configuration.parse({"hardware": {"profile": name}}).audio


class _PortAudio:
    """What PyAudio tells of the devices that a listing names."""

    def __init__(self, listing: Listing) -> None:
        self._devices = listing.portaudio

    def get_device_count(self) -> int:
        return len(self._devices)

    def get_device_info_by_index(self, index: int) -> dict[str, Any]:
        name, inputs, outputs = self._devices[index]
        return {"index": index, "name": name, "maxInputChannels": inputs, "maxOutputChannels": outputs}


@pytest.fixture
def listed(listing: Listing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[SoundDevice, ...]:
    """The board's listing as SoundCards understands it."""
    root = listing.write(tmp_path)
    monkeypatch.setattr(portaudio, "read_cards", lambda: read_cards(root))
    monkeypatch.setattr(SoundCards, "_initialise", lambda self: _PortAudio(listing))
    return SoundCards(Audio(), lambda event: None).devices()


@EACH
def test_a_board_finds_its_own_card(listing: Listing, listed: tuple[SoundDevice, ...]) -> None:
    """In both directions, where it has both; what it leaves to another card is ALSA's default."""
    audio = with_board(listing.profile)
    for name, direction in ((audio.input, Direction.INPUT), (audio.output, Direction.OUTPUT)):
        found = choose_device(listed, name, direction).name
        assert found == ("default" if name == "default" else f"{listing.name}: {listing.pcm} (hw:2,0)")


@EACH
def test_a_board_in_use_is_found_as_well(listing: Listing, tmp_path: Path) -> None:
    """PortAudio leaves out a card that somebody else holds: then the kernel's list counts."""
    known = pcms.list_cards(listing.write(tmp_path))
    assert choose_device(known, with_board(listing.profile).input, Direction.INPUT).name.endswith("(hw:2,0)")


@EACH
def test_a_boards_volume_is_its_own_cards(listing: Listing, tmp_path: Path) -> None:
    """And not the HDMI output's, which comes first."""
    output = with_board(listing.profile).output
    assert control_device(output, listing.write(tmp_path)) == ("default" if output == "default" else "hw:2")


@EACH
def test_a_person_may_write_id_name_or_part(listing: Listing, listed: tuple[SoundDevice, ...]) -> None:
    """Whatever arecord -l and /proc/asound/cards show, in any case."""
    names = (listing.id, listing.name, listing.long_name, listing.name[:-1], listing.id[:-1].upper(), "hw:2", "hw:2,0")
    for name in names:
        assert choose_device(listed, name, Direction.INPUT).index == 2, name


def test_every_board_has_its_listing() -> None:
    """Those without one have no card of their own."""
    assert {listing.profile for listing in LISTINGS} == set(profile_names()) - {"generic", "virtual", "pirate_audio"}
