"""The sound card's mixer through amixer: a recorded one, and the real one over a sound server."""

from __future__ import annotations

import asyncio
import os
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

from device.audio.cards import mixer
from device.audio.cards.mixer import AlsaMixer, control_device, find_mixer, playback_controls
from device.errors import AudioError
from tests.waiting import block_until

Install = Callable[[str], Path]

# What amixer prints for a WM8960 HAT (shortened), a Pi's headphone socket, a USB card and an HDMI output.
WM8960 = """\
Simple mixer control 'Headphone',0
  Capabilities: pvolume
  Playback channels: Front Left - Front Right
  Limits: Playback 0 - 127
  Mono:
  Front Left: Playback 109 [86%] [-12.00dB]
  Front Right: Playback 109 [86%] [-12.00dB]
Simple mixer control 'Headphone Playback ZC',0
  Capabilities: pswitch
  Playback channels: Front Left - Front Right
  Mono:
  Front Left: Playback [off]
  Front Right: Playback [off]
Simple mixer control 'Speaker',0
  Capabilities: pvolume
  Playback channels: Front Left - Front Right
  Limits: Playback 0 - 127
  Mono:
  Front Left: Playback 109 [86%] [-12.00dB]
  Front Right: Playback 109 [86%] [-12.00dB]
Simple mixer control 'Capture',0
  Capabilities: cvolume cswitch
  Capture channels: Front Left - Front Right
  Limits: Capture 0 - 63
  Front Left: Capture 39 [62%] [12.00dB] [on]
  Front Right: Capture 39 [62%] [12.00dB] [on]
Simple mixer control 'ADC PCM',0
  Capabilities: cvolume
  Capture channels: Front Left - Front Right
  Limits: Capture 0 - 255
  Front Left: Capture 195 [76%] [0.00dB]
  Front Right: Capture 195 [76%] [0.00dB]
"""
PI_HEADPHONES = """\
Simple mixer control 'PCM',0
  Capabilities: pvolume pvolume-joined pswitch pswitch-joined
  Playback channels: Mono
  Limits: Playback -10239 - 400
  Mono: Playback -2000 [77%] [-20.00dB] [on]
"""
USB_BOTH_WAYS = """\
Simple mixer control 'Mic',0
  Capabilities: cvolume cvolume-joined cswitch cswitch-joined
  Capture channels: Mono
  Limits: Capture 0 - 35
  Mono: Capture 20 [57%] [8.00dB] [on]
Simple mixer control 'Headset',0
  Capabilities: volume volume-joined
  Playback channels: Mono
  Capture channels: Mono
  Limits: 0 - 10
  Mono: 5 [50%]
"""
HDMI = """\
Simple mixer control 'IEC958',0
  Capabilities: pswitch pswitch-joined
  Playback channels: Mono
  Mono: Playback [on]
"""
CARDS = """\
 0 [Headphones     ]: bcm2835_headpho - bcm2835 Headphones
                      bcm2835 Headphones
 1 [seeed2micvoicec]: simple-card - seeed2micvoicec
                      seeed2micvoicec
 2 [Device         ]: USB-Audio - USB PnP Sound Device
                      C-Media Electronics Inc. USB PnP Sound Device at usb-3f980000.usb-1.2, full speed
"""
PCMS = """\
00-00: bcm2835 Headphones : bcm2835 Headphones : playback 8
01-00: tlv320aic3x-hifi-0 : tlv320aic3x-hifi-0 : playback 1 : capture 1
02-00: USB Audio : USB Audio : playback 1 : capture 1
"""


def card(scontents: str, answer: str = "") -> str:
    """Return the body of an amixer that lists these controls and answers get and set alike."""
    listing, other = shlex.quote(scontents), shlex.quote(answer or scontents)
    return f"case $* in *scontents) echo {listing} ;; *) echo {other} ;; esac"


@pytest.mark.parametrize(
    ("scontents", "expected"),
    [
        (WM8960, ["Headphone,0", "Speaker,0"]),
        (PI_HEADPHONES, ["PCM,0"]),
        (USB_BOTH_WAYS, ["Headset,0"]),
        (HDMI, []),
        ("", []),
    ],
)
def test_playback_volumes_are_told_from_switches_and_captures(scontents: str, expected: list[str]) -> None:
    """Also when the capability is joined, or one for both directions."""
    assert playback_controls(scontents) == expected


async def test_the_loudspeaker_comes_before_the_headphone_socket(fake_amixer: Install) -> None:
    """Though amixer lists it after."""
    fake_amixer(card(WM8960))
    found = await find_mixer("hw:1,0")
    assert found is not None
    assert (found.device, found.control) == ("hw:1", "Speaker,0")


async def test_the_configured_control_wins(fake_amixer: Install) -> None:
    """audio.mixer, with or without its index."""
    fake_amixer(card(WM8960))
    for name in ("Headphone", "Headphone,0"):
        found = await find_mixer("hw:1,0", name)
        assert found is not None
        assert found.control == "Headphone,0"


async def test_a_control_that_does_not_exist_is_named_beside_those_that_do(
    fake_amixer: Install, caplog: pytest.LogCaptureFixture
) -> None:
    """Software gain it is then."""
    fake_amixer(card(WM8960))
    assert await find_mixer("hw:1,0", "Speeker") is None
    assert 'audio.mixer: hw:1 has no playback volume "Speeker"; there are: Headphone,0, Speaker,0' in caplog.text


async def test_setting_asks_for_a_mapped_percentage_and_reports_what_became_of_it(fake_amixer: Install) -> None:
    """Cards round to their steps."""
    calls = fake_amixer(card(PI_HEADPHONES))
    assert await AlsaMixer("hw:0", "PCM,0").set(75) == 77
    assert await AlsaMixer("hw:0", "PCM,0").get() == 77
    assert calls.read_text().splitlines() == ["-M -D hw:0 sset PCM,0 75%", "-M -D hw:0 sget PCM,0"]


async def test_a_card_without_a_volume_has_no_mixer(fake_amixer: Install) -> None:
    """HDMI and many amplifiers."""
    fake_amixer(card(HDMI))
    assert await find_mixer("default") is None


async def test_a_failing_amixer_means_no_mixer_and_later_an_audio_error(fake_amixer: Install) -> None:
    """With amixer's last line as the reason."""
    fake_amixer("echo 'ALSA lib chatter' >&2; echo 'amixer: Mixer attach hw:7 error' >&2; exit 1")
    assert await find_mixer("hw:7") is None
    with pytest.raises(AudioError, match="amixer: Mixer attach hw:7 error"):
        await AlsaMixer("hw:7", "PCM,0").set(10)


async def test_output_without_a_percentage_is_an_audio_error(fake_amixer: Install) -> None:
    """A future amixer may print something else."""
    fake_amixer("echo hello")
    with pytest.raises(AudioError, match="no volume"):
        await AlsaMixer("hw:0", "PCM,0").get()


async def test_without_amixer_there_is_no_mixer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """alsa-utils is not installed; the error names it."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert await find_mixer("default") is None
    with pytest.raises(AudioError, match="install alsa-utils"):
        await AlsaMixer("hw:0", "PCM,0").get()


async def test_a_hanging_amixer_is_given_up_and_ended(fake_amixer: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    """A dead sound server keeps it waiting for ever."""
    monkeypatch.setattr(mixer, "TIMEOUT_S", 0.3)
    fake_amixer("exec /bin/sleep 600")
    with pytest.raises(AudioError, match="did not answer"):
        await AlsaMixer("pulse", "Master,0").get()


def wait_for_text(file: Path) -> str:
    """Return what the file holds, once it holds something."""
    block_until(lambda: file.exists() and file.read_text(), f"a word in {file.name}")
    return file.read_text()


async def test_a_cancelled_call_leaves_no_amixer_behind(fake_amixer: Install, tmp_path: Path) -> None:
    """It is ended and waited for before the cancellation goes on."""
    pid_file = tmp_path / "pid"
    fake_amixer(f"echo $$ >{shlex.quote(str(pid_file))}; exec /bin/sleep 600")
    task = asyncio.create_task(AlsaMixer("hw:0", "PCM,0").get())
    pid = await asyncio.to_thread(wait_for_text, pid_file)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid), 0)


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ("default", "default"),
        ("hw:1,0", "hw:1"),
        ("plughw:2", "hw:2"),
        ("plughw:CARD=Lite,DEV=0", "hw:Lite"),
        ("sysdefault:CARD=seeed2micvoicec", "hw:seeed2micvoicec"),
        ("dmix:CARD=Device,DEV=0", "hw:Device"),
        ("bcm2835 Headphones: - (hw:0,0)", "hw:0"),
        ("seeed2mic", "hw:1"),
        ("usb pnp", "hw:2"),
        ("pulse", "pulse"),
        ("my_speaker", "my_speaker"),
    ],
)
def test_the_card_is_found_from_what_audio_output_names(tmp_path: Path, output: str, expected: str) -> None:
    """PCM names, device names as PortAudio prints them, and parts of a card's name."""
    (tmp_path / "cards").write_text(CARDS)
    (tmp_path / "pcm").write_text(PCMS)
    assert control_device(output, tmp_path) == expected


def test_the_volume_of_a_card_that_only_captures_is_of_no_use(tmp_path: Path) -> None:
    """Two USB cards: the microphone comes first."""
    (tmp_path / "cards").write_text(
        f"{CARDS} 3 [Device_1       ]: USB-Audio - USB Speaker\n                      USB Speaker\n"
    )
    pcms = PCMS.replace("USB Audio : playback 1 : capture 1", "USB Audio : capture 1")
    (tmp_path / "pcm").write_text(f"{pcms}03-00: USB Audio : USB Audio : playback 1\n")
    assert control_device("usb", tmp_path) == "hw:3"


def test_a_machine_without_sound_cards_has_no_list_of_them(tmp_path: Path) -> None:
    """The name is then tried as it stands."""
    assert control_device("seeed2mic", tmp_path / "missing") == "seeed2mic"


async def test_the_real_amixer_sets_a_real_volume(pulse: None) -> None:
    """Through alsa-utils and ALSA to a null sink, read back by another run."""
    found = await find_mixer("pulse")
    assert found is not None
    assert found.control == "Master,0"
    assert await found.set(40) == 40
    assert await found.get() == 40


async def test_the_real_amixer_without_such_a_card_finds_nothing() -> None:
    """No sound card of this number anywhere."""
    assert await find_mixer("hw:31") is None
