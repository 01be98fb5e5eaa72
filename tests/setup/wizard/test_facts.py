"""What there is to choose from."""

from __future__ import annotations

from device.audio.cards.devices import Direction, SoundDevice
from device.boards import profile_names
from device.foreign.asound import Card
from device.setup.wizard.facts import Board, Choice, choices, guess_board

USB = SoundDevice(0, "USB PnP: Audio (hw:1,0)", 1, 2, Card(1, "Device", "USB PnP Sound Device", "at usb-1"))
SPEAKER = SoundDevice(1, "bcm2835: (hw:0,0)", 0, 8, Card(0, "Headphones", "bcm2835 Headphones"))
SEEED = SoundDevice(2, "seeed: (hw:2,0)", 2, 2, Card(2, "seeed2micvoicec", "seeed-2mic-voicecard"))
PCM, STOCK = SoundDevice(3, "kitchen", 128, 128), SoundDevice(4, "sysdefault", 128, 128)
BOARDS = [
    Board("generic", "Any"),
    Board("respeaker_2mic_v1", "ReSpeaker", "seeed2micvoicec", "seeed2micvoicec"),
    Board("usb_speakerphone", "Speakerphone", "USB", "USB"),
]


def test_cards_are_named_by_what_outlives_a_restart() -> None:
    """A card's id, and the PCMs that somebody has defined; not those of ALSA's own."""
    found = choices([USB, SPEAKER, PCM, STOCK], Direction.INPUT)
    assert [choice.value for choice in found] == ["Device", "kitchen", "default"]
    assert found[0] == Choice("Device", "USB PnP: Audio (hw:1,0)")
    assert [choice.value for choice in choices([USB, SPEAKER], Direction.OUTPUT)] == ["Device", "Headphones", "default"]


def test_a_machine_without_cards_has_the_default_yet() -> None:
    """One may be plugged in later."""
    assert [choice.value for choice in choices([], Direction.INPUT)] == ["default"]


def test_a_board_is_guessed_by_its_card_only_when_that_is_sure() -> None:
    """Every USB card has "USB" in its name: no board is known by that."""
    assert guess_board(BOARDS, [USB, SEEED]) == "respeaker_2mic_v1"
    assert guess_board(BOARDS, [USB]) == "generic"
    assert guess_board(BOARDS, []) == "generic"
    assert "generic" in profile_names()
