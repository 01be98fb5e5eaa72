"""PCMs of ALSA's configuration, each a real one: which is meant, and why one cannot be opened."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from device.audio.cards.alsa import config, pcms
from device.audio.cards.alsa.chatter import hear_alsa
from device.audio.cards.devices import Direction, SoundDevice, choose_device
from device.audio.cards.microphone import AlsaMicrophone
from device.audio.cards.mixer import find_mixer
from device.audio.cards.portaudio import SoundCards
from device.audio.cards.speaker import AlsaSpeaker
from device.audio.settings import Audio
from device.core.events import DeviceFailed, Event
from device.errors import AlsaConfigError, AudioError, ConfigError, DeviceNotFoundError
from device.sim.devices.soundcard import MICROPHONE, VirtualSoundCard
from device.units import Hz
from tests.waiting import until

pytestmark = pytest.mark.patient

# PortAudio takes an asym of a sound server's PCM, but no plug.
SOURCES = """
pcm.raw_room { type pulse device "room.monitor" }
pcm.jmic_raw { type asym capture.pcm raw_room }
"""
# What each says by ALSA's own words, as alsa-lib 1.2.8 has them.
BROKEN = {
    "plug_of_none": ('type plug slave.pcm "nowhere"', "Unknown PCM nowhere"),
    "dsnoop_of_none": ('type dsnoop ipc_key 5678 slave { pcm "hw:9" }', "Cannot get card index for 9"),
    "hw_of_none": ("type hw card Foo", "Cannot get card index for Foo"),
    "no_such_type": ("type nosuchtype", "Cannot open shared library libasound_module_pcm_nosuchtype.so"),
    "plug_without_slave": ("type plug", "slave is not defined"),
}

Define = Callable[[str], None]


@pytest.fixture
def define(virtual_card: VirtualSoundCard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Define]:
    """Return what adds a text to ALSA's configuration, after the virtual card's."""
    before = os.environ["ALSA_CONFIG_PATH"]
    ours = tmp_path / "asound.conf"

    def define(text: str) -> None:
        ours.write_text(text, encoding="utf-8")
        monkeypatch.setenv("ALSA_CONFIG_PATH", f"{before}:{ours}")

    yield define
    # Whoever comes next finds what was there before.
    monkeypatch.setenv("ALSA_CONFIG_PATH", before)
    config.read_config()


async def opened(name: str) -> str:
    """Open a microphone; return the name of the device that was opened."""
    cards = SoundCards(Audio(input=name), lambda event: None)
    try:
        return (await cards.call(cards.choose, Direction.INPUT)).name
    finally:
        await cards.close()


async def test_an_exact_name_goes_before_a_part_of_another(define: Define) -> None:
    """Also where the other one comes first."""
    define(SOURCES + "pcm.jmic { type asym capture.pcm raw_room }\n")
    assert await opened("jmic") == "jmic"
    assert await opened("jmic_raw") == "jmic_raw"


async def test_an_exact_name_that_portaudio_cannot_use_does_not_stand_for_another(define: Define) -> None:
    """`audio.input = "jmic"` opened jmic_raw."""
    define(SOURCES + "pcm.jmic { type plug slave.pcm raw_room }\n")
    with pytest.raises(AudioError, match='"jmic" is there, but PortAudio cannot use it'):
        await opened("jmic")


@pytest.mark.parametrize("name", BROKEN)
async def test_a_pcm_that_cannot_be_opened_is_told_in_alsas_own_words(define: Define, name: str) -> None:
    """Another one that has the name in it, and would open, is not meant; nor is another program to blame."""
    body, words = BROKEN[name]
    define(f"{SOURCES}pcm.{name} {{ {body} }}\npcm.{name}_raw {{ type asym capture.pcm raw_room }}\n")
    with pytest.raises(DeviceNotFoundError) as raised:
        await opened(name)
    assert f'audio.input = "{name}" is a PCM of ALSA\'s configuration' in str(raised.value)
    assert words in str(raised.value)
    assert "another program" not in str(raised.value)


async def test_a_pcm_whose_server_is_away_is_waited_for_and_told_in_alsas_words(define: Define) -> None:
    """The name is right: it may come back."""
    define('pcm.away { type pulse server "unix:/nowhere/native" device "x" }\npcm.away_raw { type pulse }\n')
    cards = SoundCards(Audio(input="away"), lambda event: None)
    with pytest.raises(AudioError, match="PulseAudio: Unable to connect: Connection refused") as raised:
        await AlsaMicrophone(cards, lambda frame, moment: None).open()
    await cards.close()
    assert not isinstance(raised.value, ConfigError)
    assert "another program" not in str(raised.value)


LISTED = (SoundDevice(0, "hearthside_mic", 2, 2), SoundDevice(1, "s", 2, 0), SoundDevice(2, "speaker", 0, 2))


def test_what_only_works_the_other_way_is_not_looked_for_in_other_names() -> None:
    """`audio.output = "s"` would open the microphone, which a sound server plays to as well."""
    with pytest.raises(DeviceNotFoundError, match='"s": the sound device "s" has no output channels'):
        choose_device(LISTED, "s", Direction.OUTPUT)
    with pytest.raises(DeviceNotFoundError, match='"speaker": the sound device "speaker" has no input channels'):
        choose_device((*LISTED, SoundDevice(3, "speaker_monitor", 2, 0)), "speaker", Direction.INPUT)
    assert choose_device(LISTED, "speak", Direction.OUTPUT).name == "speaker"


async def test_a_pcm_that_only_captures_is_no_loudspeaker(define: Define) -> None:
    """`audio.output = "s"` opened a microphone: a sound server's PCM plays as well as it captures."""
    define(f"{SOURCES}pcm.s {{ type asym capture.pcm raw_room }}\n")
    cards = SoundCards(Audio(output="s"), lambda event: None)
    try:
        with pytest.raises(DeviceNotFoundError, match=r'audio\.output = "s" is a PCM .* cannot be opened for output'):
            await AlsaSpeaker(cards, Hz(24_000)).open()
    finally:
        await cards.close()


def test_a_name_that_alsa_gives_to_everybody_may_be_a_part_of_a_cards_name(define: Define) -> None:
    """A Pi's "hdmi" means its card, though alsa.conf defines a PCM of that name."""
    define("pcm.mine { type null }\n")
    config.read_config()
    assert config.defines("mine")
    assert not config.defines("hdmi")
    assert not config.defines("nobodys")
    listed = (SoundDevice(0, "vc4-hdmi: MAI PCM i2s-hifi-0 (hw:0,0)", 0, 2),)
    assert pcms.find_listed(listed, "hdmi", Direction.OUTPUT) is listed[0]


@pytest.mark.parametrize("included", [False, True])
async def test_an_error_in_a_file_is_told_with_file_and_line(define: Define, tmp_path: Path, included: bool) -> None:
    """At the start it ends the program with a message; PortAudio would end it without one."""
    wrong = "pcm.ok { type null }\npcm.bad {\n  type plug\n} }\n"
    (tmp_path / "more.conf").write_text(wrong, encoding="utf-8")
    define(f"<{tmp_path}/more.conf>\n" if included else wrong)
    name = "more.conf" if included else "asound.conf"
    with pytest.raises(AlsaConfigError, match=f"{tmp_path}/{name}, line 4: Unexpected }}") as raised:
        await opened(MICROPHONE)
    assert isinstance(raised.value, ConfigError)


READING = """
from device.audio.cards.alsa.config import read_config
from device.errors import AlsaConfigError
try:
    read_config()
except AlsaConfigError as error:
    print(error)
"""


def test_an_error_in_a_persons_own_file_is_told_as_well(tmp_path: Path) -> None:
    """ALSA's own configuration loads ~/.asoundrc, as it loads /etc/asound.conf."""
    (tmp_path / ".asoundrc").write_text("pcm.bad {\n  type plug\n} }\n", encoding="utf-8")
    env = {name: value for name, value in os.environ.items() if name != "ALSA_CONFIG_PATH"} | {"HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", READING], capture_output=True, text=True, check=True, env=env)
    assert f"{tmp_path}/.asoundrc, line 3: Unexpected }}" in done.stdout


def test_the_command_ends_with_what_is_wrong_in_alsas_configuration(define: Define, tmp_path: Path) -> None:
    """One line, and the exit code of a configuration that is wrong."""
    define("pcm.bad { type plug\n} }\n")
    config = tmp_path / "config.toml"
    config.write_text("", encoding="utf-8")
    command = [Path(sys.executable).with_name("hearthside"), "run", "--config", config]
    env = {**os.environ, "OPENAI_API_KEY": "sk-of-nobody"}
    run = subprocess.run(command, capture_output=True, text=True, check=False, env=env)
    assert run.returncode == 78
    assert f"{tmp_path}/asound.conf, line 2: Unexpected }}" in run.stderr
    assert "Traceback" not in run.stderr


async def test_an_error_that_comes_while_it_runs_is_a_fault_and_goes_when_it_is_mended(define: Define) -> None:
    """Whoever edits the file sees what is wrong in the log; the device goes on."""
    facts: list[Event] = []
    define("pcm.bad { type plug\n")
    cards = SoundCards(Audio(input=MICROPHONE), facts.append)
    microphone = AlsaMicrophone(cards, lambda frame, moment: None)
    with pytest.raises(AlsaConfigError):
        await microphone.open()
    assert isinstance(facts[0], DeviceFailed)
    define("# nothing\n")
    await until(lambda: microphone.works, "a microphone that works")
    await cards.close()


async def test_a_default_that_cannot_be_opened_and_is_replaced_is_a_warning(
    define: Define, caplog: pytest.LogCaptureFixture
) -> None:
    """Once, with ALSA's reason: who listens must not be a riddle."""
    define('pcm.!default { type plug slave.pcm "nowhere" }\n')
    cards = SoundCards(Audio(), lambda event: None)
    await cards.find()
    await cards.find()
    await cards.close()
    told = [record for record in caplog.records if "default input" in record.message]
    assert [record.levelno for record in told] == [logging.WARNING]
    assert "Unknown PCM nowhere" in told[0].message
    assert "audio.input" in told[0].message


async def test_a_name_that_must_be_lent_needs_no_folder(
    define: Define, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A full or read-only disk is no deafness; and amixer, which inherits what it cannot read, sets the volume."""
    monkeypatch.setenv("TMPDIR", "/proc/nowhere")
    monkeypatch.setattr("tempfile.tempdir", None)
    room = '@args [ CARD ] @args.CARD { type string } type pulse device "room.monitor"'
    define(f"pcm.testmic {{ {room} }}\nctl.mine {{ type pulse }}\n")
    frames: list[bytes] = []
    cards = SoundCards(Audio(input="testmic:CARD=room"), lambda event: None)
    microphone = AlsaMicrophone(cards, lambda frame, moment: frames.append(frame))
    await microphone.open()
    assert await microphone.settle()
    mixer = await find_mixer("mine")
    await cards.close()
    assert mixer is not None
    assert mixer.control == "Master,0"


def test_what_alsa_says_is_heard_in_the_thread_that_asked() -> None:
    """And its words are put together as C does."""
    with hear_alsa() as said:
        assert pcms.try_pcm("nowhere", Direction.INPUT)
    assert "Unknown PCM nowhere" in said
    before = list(said)
    pcms.try_pcm("nowhere_else", Direction.INPUT)
    assert said == before


HEARING = """
from device.audio.cards.alsa.pcms import explain_pcm
from device.audio.cards.devices import Direction
print(explain_pcm("nowhere", Direction.INPUT))
"""


def test_what_is_heard_of_alsa_does_not_reach_stderr() -> None:
    """Neither before nor after."""
    done = subprocess.run([sys.executable, "-c", HEARING], capture_output=True, text=True, check=True)
    assert done.stdout == "Unknown PCM nowhere; No such file or directory\n"
    assert done.stderr == ""
