"""What there is to choose from."""

from __future__ import annotations

from device.audio.cards.devices import Direction, SoundDevice
from device.boards import AUTO, load_profile
from device.boards.finding import Board as Found
from device.foreign.asound import Card
from device.setup.wizard.facts import Choice, choices, likely_board

USB = SoundDevice(0, "USB PnP: Audio (hw:1,0)", 1, 2, Card(1, "Device", "USB PnP Sound Device", "at usb-1"))
SPEAKER = SoundDevice(1, "bcm2835: (hw:0,0)", 0, 8, Card(0, "Headphones", "bcm2835 Headphones"))
PCM, STOCK = SoundDevice(3, "kitchen", 128, 128), SoundDevice(4, "sysdefault", 128, 128)


def test_cards_are_named_by_what_outlives_a_restart() -> None:
    """A card's id, and the PCMs that somebody has defined; not those of ALSA's own."""
    found = choices([USB, SPEAKER, PCM, STOCK], Direction.INPUT)
    assert [choice.value for choice in found] == ["Device", "kitchen", "default"]
    assert found[0] == Choice("Device", "USB PnP: Audio (hw:1,0)")
    assert [choice.value for choice in choices([USB, SPEAKER], Direction.OUTPUT)] == ["Device", "Headphones", "default"]


def test_a_machine_without_cards_has_the_default_yet() -> None:
    """One may be plugged in later."""
    assert [choice.value for choice in choices([], Direction.INPUT)] == ["default"]


def test_what_can_be_found_out_is_proposed_to_be_found_out() -> None:
    """Where several boards fit, one of them: Enter must not leave it open."""
    profile = load_profile("generic")
    assert likely_board(Found(("codec_zero",), profile, 'the sound card "Zero"')) == AUTO
    assert likely_board(Found(("generic",), profile, "nothing")) == AUTO
    assert (
        likely_board(Found(("adafruit_voice_bonnet", "respeaker_2mic_v1"), profile, "both")) == "adafruit_voice_bonnet"
    )
