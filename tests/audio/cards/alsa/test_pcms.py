"""Names as arecord -L and aplay -L show them, which PortAudio does not list."""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from device.audio.cards.alsa import pcms
from device.audio.cards.alsa.pcms import News
from device.audio.cards.capture import Pace
from device.audio.cards.devices import Direction, SoundDevice
from device.audio.cards.microphone import AlsaMicrophone
from device.audio.cards.portaudio import SoundCards
from device.audio.cards.speaker import AlsaSpeaker
from device.audio.settings import Audio
from device.core.events import DeviceFailed, DeviceRecovered, Event
from device.errors import AudioError, ConfigError, DeviceNotFoundError
from device.foreign import asound
from device.foreign.asound import Card
from device.sim.devices.soundcard import MICROPHONE, VirtualSoundCard
from device.units import Hz
from tests.waiting import until

pytestmark = pytest.mark.patient

LIMIT_S = 20.0
CARDS = """\
 0 [Headphones     ]: bcm2835_headpho - bcm2835 Headphones
                      bcm2835 Headphones
 2 [Device         ]: USB-Audio - USB PnP Sound Device
                      C-Media Electronics Inc. USB PnP Sound Device at usb-3f980000.usb-1.2, full speed
"""
PCMS = """\
00-00: bcm2835 Headphones : bcm2835 Headphones : playback 8
02-00: USB Audio : USB Audio : playback 1 : capture 1
"""
HEADPHONES = Card(0, "Headphones", "bcm2835 Headphones", "bcm2835 Headphones")
USB_LONG_NAME = "C-Media Electronics Inc. USB PnP Sound Device at usb-3f980000.usb-1.2, full speed"
USB = Card(2, "Device", "USB PnP Sound Device", USB_LONG_NAME)

Define = Callable[[str], None]


@pytest.fixture
def define(virtual_card: VirtualSoundCard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Define:
    """Return what adds PCMs with an argument, as plughw: has, to ALSA's configuration: NAME:CARD=room or =speaker."""
    ours = tmp_path / "asound.conf"
    ours.write_text("", encoding="utf-8")
    monkeypatch.setenv("ALSA_CONFIG_PATH", f"{os.environ['ALSA_CONFIG_PATH']}:{ours}")
    server = virtual_card.env()["PULSE_SERVER"]

    def define(name: str) -> None:
        arguments = "@args [ CARD ] @args.CARD { type string }"
        device = '@func concat strings [ $CARD ".monitor" ]' if name == "testmic" else "@func concat strings [ $CARD ]"
        text = f'pcm.{name} {{ {arguments} type pulse server "{server}" device {{ {device} }} }}\n'
        # A new file: libasound looks at the seconds of its time only.
        new = tmp_path / "new.conf"
        new.write_text(ours.read_text(encoding="utf-8") + text, encoding="utf-8")
        new.replace(ours)

    return define


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    """A Pi with headphones and a USB microphone."""
    (tmp_path / "cards").write_text(CARDS, encoding="utf-8")
    (tmp_path / "pcm").write_text(PCMS, encoding="utf-8")
    return tmp_path


async def test_a_pcm_with_arguments_is_a_microphone_and_a_loudspeaker(define: Define) -> None:
    """It is opened under the name that a person copied, and ALSA's configuration is left as it was found."""
    define("testmic")
    define("testspeaker")
    path = os.environ["ALSA_CONFIG_PATH"]
    frames: list[bytes] = []
    pulls: list[int] = []

    def source(count: int, moment: float) -> bytes:
        pulls.append(count)
        return bytes(2 * count)

    cards = SoundCards(Audio(input="testmic:CARD=room", output="testspeaker:CARD=speaker"), lambda event: None)
    speaker = AlsaSpeaker(cards, Hz(24_000))
    speaker.attach(source, lambda: None, lambda moment: None)
    await cards.find()
    assert {"testmic:CARD=room", "testspeaker:CARD=speaker"} <= {device.name for device in await cards.list_devices()}
    await AlsaMicrophone(cards, lambda frame, moment: frames.append(frame)).open()
    await speaker.open()
    await until(lambda: len(frames) > 5 and len(pulls) > 5)
    await cards.close()
    assert os.environ["ALSA_CONFIG_PATH"] == path


@pytest.mark.parametrize("name", ["testmic:CRD=room", "plughw:CARD=Nowhere", "hw:9,0", "sysdefault:CARD=9"])
async def test_a_name_that_alsa_does_not_know_is_an_error_that_lists_what_there_is(define: Define, name: str) -> None:
    """Neither a card that is not there nor a wrong argument is taken for a device in use."""
    define("testmic")
    cards = SoundCards(Audio(input=name), lambda event: None)
    with pytest.raises(DeviceNotFoundError, match=f'audio.input = "{name}".*"hearthside_mic"'):
        await cards.find()
    await cards.close()


async def test_a_card_that_appears_late_is_waited_for(define: Define) -> None:
    """USB cards come up while the machine starts."""
    cards = SoundCards(Audio(input="testmic:CARD=room"), lambda event: None)
    with pytest.raises(DeviceNotFoundError):
        await cards.find()
    finding = asyncio.create_task(cards.find(LIMIT_S))
    await asyncio.sleep(0)
    define("testmic")
    await finding
    await cards.close()


async def test_a_loudspeaker_that_appears_is_found_beside_an_idle_microphone(define: Define) -> None:
    """The devices are listed anew, for which the microphone's stream is opened again: it hears on."""
    gaps: list[bool] = []
    frames: list[bytes] = []
    facts: list[Event] = []
    cards = SoundCards(Audio(input=MICROPHONE, output="testspeaker:CARD=speaker"), facts.append)
    microphone = AlsaMicrophone(
        cards, lambda frame, moment: frames.append(frame), lambda: Pace.STEADY, lambda: gaps.append(True)
    )
    await microphone.open()
    speaker = AlsaSpeaker(cards, Hz(24_000))
    with pytest.raises(DeviceNotFoundError):
        await speaker.open()
    await until(lambda: bool(frames))
    assert not gaps
    define("testspeaker")
    await until(lambda: speaker.is_open)
    frames.clear()
    await until(lambda: bool(frames) and speaker.works)
    assert gaps == [True]
    assert [type(fact) for fact in facts] == [DeviceFailed, DeviceRecovered]
    await cards.close()


def test_the_cards_are_known_as_portaudio_names_them(proc: Path) -> None:
    """Busy ones too, which PortAudio leaves out."""
    assert pcms.list_cards(proc) == (
        SoundDevice(-1, "bcm2835 Headphones: bcm2835 Headphones (hw:0,0)", 0, 1, HEADPHONES),
        SoundDevice(-1, "USB PnP Sound Device: USB Audio (hw:2,0)", 1, 1, USB),
    )


@pytest.fixture
def shut(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """Return the errors of ALSA's PCMs; those not in it do not exist."""
    errors: dict[str, int] = {}
    monkeypatch.setattr(pcms, "try_pcm", lambda name, direction: errors.get(name, errno.ENOENT))
    return errors


def test_a_busy_card_exists_by_any_of_its_names(proc: Path, shut: dict[str, int]) -> None:
    """It may be free in a moment: no error of the configuration."""
    shut.update({"hw:2,0": errno.EBUSY, "plughw:CARD=Device": errno.EBUSY, "hw:0,0": 0})
    for name in ("usb pnp", "hw:2", "hw:2,0", "plughw:CARD=Device"):
        assert pcms.look_for(name, Direction.INPUT, proc) == errno.EBUSY
    assert pcms.look_for("Headphones", Direction.OUTPUT, proc) == 0
    assert pcms.look_for("Headphones", Direction.INPUT, proc) in pcms.MISSING
    assert pcms.look_for("Jabra", Direction.INPUT, proc) in pcms.MISSING


@pytest.mark.parametrize(
    ("reason", "words"),
    [(errno.EBUSY, "another program"), (errno.EACCES, "group audio"), (errno.ECONNREFUSED, "Connection refused")],
)
def test_a_device_that_is_shut_is_no_error_of_the_configuration(shut: dict[str, int], reason: int, words: str) -> None:
    """The message says what keeps it shut."""
    shut["plughw:CARD=Device"] = reason
    with pytest.raises(AudioError, match=words) as raised:
        pcms.choose_pcm((), "plughw:CARD=Device", Direction.INPUT)
    assert not isinstance(raised.value, ConfigError)


async def test_a_fallback_of_the_default_is_told(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Which device listens must not be a riddle."""
    caplog.set_level("INFO")
    monkeypatch.setattr(SoundCards, "devices", lambda self: (SoundDevice(0, "USB Audio", 1, 2),))
    await SoundCards(Audio(), lambda event: None).find()
    assert "default input cannot be opened" in caplog.text
    assert '"USB Audio"' in caplog.text


def test_devices_are_listed_again_only_for_news(
    proc: Path, shut: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once for each change; never for a device that is not there."""
    monkeypatch.setattr(asound, "fingerprint", lambda: (proc / "cards").read_text(encoding="utf-8"))
    news, listed = News(), (SoundDevice(0, "USB Audio", 0, 2),)
    news.note_listing()
    for wanted in ("Jabra", "USB Audio"):
        assert not news.is_good(listed, wanted, Direction.OUTPUT)
    shut.update({"USB Audio": errno.EBUSY, "Jabra": errno.EBUSY})
    # It is listed, and nothing came or went: it will open as it was known, when it is free.
    assert not news.is_good(listed, "USB Audio", Direction.OUTPUT)
    assert [news.is_good(listed, "Jabra", Direction.OUTPUT) for _ in range(3)] == [True, False, False]
    shut["Jabra"] = 0
    assert [news.is_good(listed, "Jabra", Direction.OUTPUT) for _ in range(3)] == [True, False, False]
    (proc / "cards").write_text("", encoding="utf-8")
    assert [news.is_good(listed, "USB Audio", Direction.OUTPUT) for _ in range(3)] == [True, False, False]


async def test_a_pcm_that_lacks_its_argument_is_told_in_alsas_words(define: Define) -> None:
    """It is the one that is meant, and no part of another name."""
    define("testmic")
    cards = SoundCards(Audio(input="testmic"), lambda event: None)
    try:
        with pytest.raises(DeviceNotFoundError, match="cannot be opened for input: empty string is not accepted"):
            await cards.find()
    finally:
        await cards.close()
