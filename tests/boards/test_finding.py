"""The board that is plugged in is found by what the kernel tells; what only a person can tell is a question."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.boards import GENERIC, finding, load_profile, profile_names
from device.boards.finding import Board, find_board
from device.boards.signs import Machine, Sign, candidates
from device.errors import ConfigError
from device.foreign.asound import Card, CardPcm
from device.foreign.plugged import Hat
from device.foreign.usb import UsbId
from device.house import configuration
from device.house.configuration import Effective
from device.house.layers import Layer
from tests.boards.boards import HUB, LISTINGS, Listing, plug_in_hat, plug_in_usb

EVERY = pytest.mark.parametrize("listing", LISTINGS, ids=lambda listing: f"{listing.profile}-{listing.id}")
Plug = Callable[[Callable[[Path], object]], None]

SIGNS = {name: load_profile(name).found_by for name in profile_names()}
V1, ADAFRUIT = "respeaker_2mic_v1", "adafruit_voice_bonnet"


@pytest.fixture
def plug(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Plug:
    """Plug something into this machine: a function that writes what the kernel tells then."""
    monkeypatch.setattr(finding, "look", functools.partial(_LOOK, tmp_path))
    return lambda write: write(tmp_path)  # type: ignore[return-value]


_LOOK = finding.look


def listing_of(profile: str) -> Listing:
    """Return the first one of a board."""
    return next(listing for listing in LISTINGS if listing.profile == profile)


def settled(table: dict[str, Any] | None = None) -> Effective:
    """Return what holds with a file of these settings."""
    return configuration.effective([Layer("config.toml", table or {})])


@EVERY
def test_every_board_is_found_by_what_a_pi_lists_with_it_and_no_other_is(listing: Listing, plug: Plug) -> None:
    """Beside HDMI, the headphone socket and a hub; of boards that are listed in the same way all are named."""
    plug(listing.plug_in)
    board = find_board("auto")
    assert set(board.names) == {listing.profile, *listing.twins}
    assert board.is_sure is not bool(listing.twins)
    assert f'the sound card "{listing.id}"' in board.why


@EVERY
def test_what_was_found_is_listened_to_by_the_id_of_its_card(listing: Listing, plug: Plug) -> None:
    """Which only that card has; also where several boards fit. What does not play leaves that to another card."""
    plug(listing.plug_in)
    audio = settled().config.audio
    assert audio.input == listing.id
    assert audio.output == (listing.id if listing.outputs else "default")


def test_nothing_that_is_known_changes_nothing(plug: Plug) -> None:
    """A USB microphone, and the converter that many boards have: what is built in holds."""
    plug(lambda root: plug_in_usb(root, "0d8c:0014"))
    plain = Listing(
        "pirate_audio",
        *("sndrpihifiberry", "RPi-simple", "snd_rpi_hifiberry_dac", "snd_rpi_hifiberry_dac"),
        *("HifiBerry DAC HiFi pcm5102a-hifi-0", 0, 2),
    )
    plug(plain.plug_in)
    found = settled()
    assert (found.board.names, found.board.is_sure) == ((GENERIC,), True)
    assert found.config == configuration.SCHEMA()
    assert found.config.hardware.profile == "auto"


def test_what_a_person_names_wins(plug: Plug) -> None:
    """Whatever is plugged in; "generic" is a name as well."""
    plug(listing_of("codec_zero").plug_in)
    assert settled({"hardware": {"profile": "respeaker_4mic"}}).config.audio.input == "seeed4micvoicec"
    generic = settled({"hardware": {"profile": "generic"}})
    assert (generic.config.audio.input, generic.board.why) == ("default", "")


def test_what_a_person_sets_lies_over_what_was_found(plug: Plug) -> None:
    """Each setting by itself; another microphone has other channels and another echo."""
    plug(listing_of("respeaker_usb_mic_array_v2").plug_in)
    bare = settled().config.audio
    assert (bare.vad, bare.echo_cancelled) == ("xvf3000", True)
    other = settled({"audio": {"input": "USB PnP"}}).config.audio
    assert (other.input, other.output, other.vad, other.echo_cancelled) == ("USB PnP", "ArrayUAC10", "auto", False)
    same = settled({"audio": {"input": "plughw:CARD=ArrayUAC10"}}).config.audio
    assert (same.vad, same.echo_cancelled) == ("xvf3000", True)
    assert settled({"audio": {"output": "HDMI"}}).config.audio.echo_cancelled is False


def test_boards_that_cannot_be_told_apart_are_a_question_and_what_they_share_holds(plug: Plug) -> None:
    """The card and the button of both are the same, and their mixer; lights are left alone until somebody has said."""
    plug(listing_of(V1).plug_in)
    found = settled()
    v1, adafruit = (settled({"hardware": {"profile": name}}).config for name in (V1, ADAFRUIT))
    assert found.config.audio == v1.audio == adafruit.audio
    assert found.config.hardware.button == v1.hardware.button
    for part in (V1, ADAFRUIT, "fits all of them", "seeed2micvoicec"):
        assert part in found.board.said
    assert f'profile = "{V1}"' in found.board.to_do
    assert found.place("audio.input") == f"the board ({ADAFRUIT} or {V1})"


def test_a_pin_that_all_of_them_need_is_refused_and_one_that_only_one_needs_is_not(plug: Plug) -> None:
    """GPIO 18 carries the sound of both; 10 only the lights of the ReSpeaker's."""
    plug(listing_of(V1).plug_in)
    settled({"hardware": {"led": {"pin": 10}}})
    with pytest.raises(ConfigError, match=r"GPIO 18 .* name the board that you have in hardware\.profile"):
        settled({"hardware": {"led": {"pin": 18}}})


def test_two_boards_at_once_are_a_question(plug: Plug) -> None:
    """A HAT and an array: whose microphone is meant nobody can tell, so none is taken."""
    plug(listing_of("codec_zero").plug_in)
    plug(lambda root: plug_in_usb(root, "2886:001a"))
    board = find_board("auto")
    assert board.names == ("codec_zero", "respeaker_xvf3800")
    assert "the USB device 2886:001a" in board.said
    assert settled().config.audio == configuration.SCHEMA().audio


def test_an_array_is_known_before_its_card_is_there(plug: Plug) -> None:
    """It takes its time at the start; then it is waited for by its usual name."""
    plug(lambda root: plug_in_usb(root, "2886:001A"))
    assert settled().config.audio.input == load_profile("respeaker_xvf3800").audio["input"]


def test_a_hat_is_known_by_its_eeprom_before_its_card_is_there(plug: Plug) -> None:
    """Its texts end with a zero."""
    plug(lambda root: plug_in_hat(root, "Pi-CodecZero"))
    board = find_board("auto")
    assert (board.names, board.why) == (("codec_zero",), 'the HAT "Pi-CodecZero"')


@pytest.mark.parametrize("product", ["Sense HAT", "", "\0\0"])
def test_another_hat_is_none_of_ours(plug: Plug, product: str) -> None:
    """Nor is one whose EEPROM says nothing."""
    plug(lambda root: plug_in_hat(root, product))
    assert find_board("auto").names == (GENERIC,)


def test_a_machine_without_any_of_it_has_no_board(plug: Plug) -> None:
    """Neither ALSA nor USB nor a device tree: a container."""
    assert find_board("auto").names == (GENERIC,)


def test_unreadable_ids_are_passed_over(plug: Plug, tmp_path: Path) -> None:
    """A device that goes away while it is looked at."""
    plug(lambda root: plug_in_usb(root, HUB))
    (tmp_path / "sys/bus/usb/devices/1-0/idVendor").write_text("zz")
    plug(lambda root: plug_in_usb(root, "2886:0019"))
    assert find_board("auto").names == ("respeaker_lite",)


def test_a_board_that_says_more_of_itself_is_meant() -> None:
    """Two with one sound card, of which one names itself."""
    known = {
        "bare": (Sign(card="same"),),
        "named": (Sign(card="same"), Sign(hat="Named*")),
    }
    pcms = (CardPcm(Card(2, "same", "Same"), 0, "hifi", True, True),)
    assert [one.name for one in candidates(known, Machine(pcms))] == ["bare", "named"]
    assert [one.name for one in candidates(known, Machine(pcms, hat=Hat("Named HAT")))] == ["named"]


def test_every_part_of_a_sign_must_be_there() -> None:
    """In any case of letters."""
    sign = Sign(card="zero", pcm="*da7213*", usb="2886:001A", hat="*codec*")
    pcm = CardPcm(Card(2, "Zero", "RPi Codec Zero"), 0, "HiFi DA7213-hifi-0", True, True)
    whole = Machine((pcm,), frozenset({UsbId(0x2886, 0x001A)}), Hat("Pi-CodecZero"))
    assert candidates({"it": (sign,)}, whole)
    for lacking in (
        Machine((), whole.usb, whole.hat),
        Machine((pcm,), frozenset(), whole.hat),
        Machine((pcm,), whole.usb, None),
        Machine((CardPcm(pcm.card, 0, "wm8960", True, True),), whole.usb, whole.hat),
    ):
        assert not candidates({"it": (sign,)}, lacking)


WORDS = st.sampled_from(["Zero", "seeed2micvoicec", "Array", "sndrpigooglevoi", "USB", "Device", "wm8960soundcard"])
PCMS = st.builds(
    lambda card_id, name, pcm: CardPcm(Card(2, card_id, name), 0, pcm, True, True),
    *(WORDS, st.sampled_from(["RPi Codec Zero", "ReSpeaker Lite", "Jabra SPEAK 510 USB", "Anker PowerConf C300", "?"])),
    st.sampled_from(["da7213-hifi-0", "wm8960-hifi-0", "tlv320aic3x-hifi-0", "USB Audio", ""]),
)
USB = st.frozensets(st.builds(UsbId, st.just(0x2886), st.sampled_from([0x18, 0x19, 0x1A, 0x20])), max_size=2)
MACHINES = st.builds(
    Machine,
    st.lists(PCMS, max_size=3).map(tuple),
    USB,
    st.none() | st.builds(Hat, st.sampled_from(["Pi-CodecZero", "Sense HAT", "Raspberry Pi Codec Zero"])),
)


@given(MACHINES)
def test_whatever_is_plugged_in_there_is_an_answer(machine: Machine) -> None:
    """A configuration that holds, in words for people; what is taken of several boards is what each of them says."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(finding, "look", lambda: machine)
        found = settled()
    board = found.board
    assert board.said
    assert board.is_sure is (board.to_do == "")
    for name in board.names:
        assert _says_at_least(load_profile(name).overlay, _without_cards(board))


@given(MACHINES, PCMS)
def test_one_thing_more_never_makes_another_one_sure(machine: Machine, pcm: CardPcm) -> None:
    """What fitted fits yet, or what is plugged in beside it says more of another one of the same card."""
    before = candidates(SIGNS, machine)
    after = candidates(SIGNS, Machine((*machine.pcms, pcm), machine.usb, machine.hat))
    for one in before:
        assert any(one.evidence <= other.evidence for other in after)


def _without_cards(board: Board) -> dict[str, Any]:
    overlay = dict(board.profile.overlay)
    overlay["audio"] = {key: value for key, value in board.profile.audio.items() if key not in ("input", "output")}
    return overlay


def _says_at_least(table: dict[str, Any], part: dict[str, Any]) -> bool:
    return all(
        _says_at_least(table.get(name, {}), value) if isinstance(value, dict) else table.get(name) == value
        for name, value in part.items()
    )
