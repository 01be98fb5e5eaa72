"""Filters that nobody asked for are kept from PortAudio, and nothing else."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from device.audio.cards.alsa.filters import FILTERS, LIBRARY, SYSTEM, leave_out_filters
from device.sim.devices.soundcard import VirtualSoundCard

pytestmark = pytest.mark.patient

Configure = Callable[[str], None]
SHOW = """
import sys
import pyaudio
from device.audio.cards.alsa.pcms import LentPcms
from device.audio.cards.alsa.chatter import silence_libraries
silence_libraries()
LentPcms().lend(sys.argv[1:])
portaudio = pyaudio.PyAudio()
for index in range(portaudio.get_device_count()):
    print("device", portaudio.get_device_info_by_index(index)["name"])
with open("/proc/self/maps") as maps:
    print("loaded", "libavcodec" in maps.read())
"""


@pytest.fixture
def configure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Configure:
    """Return what writes ~/.asoundrc. The package's filters are configured whether it is installed or not."""
    package = tmp_path / "60-a52-encoder.conf"
    package.write_text("".join(f"pcm.{name} {{ type null }}\n" for name in FILTERS), encoding="utf-8")
    monkeypatch.setenv("ALSA_CONFIG_PATH", f"{SYSTEM / 'alsa.conf'}:{package}")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)

    def write(text: str) -> None:
        (tmp_path / ".asoundrc").write_text(text, encoding="utf-8")

    return write


def _left(*wanted: str) -> set[str]:
    """Return the filters that are left, and the PCM "null"."""
    library = ctypes.CDLL(LIBRARY)
    library.snd_config_update_free_global()
    library.snd_config_update()
    leave_out_filters(wanted)
    root, node = ctypes.c_void_p.in_dll(library, "snd_config"), ctypes.c_void_p()
    names = {*FILTERS, "null"}
    found = {name for name in names if library.snd_config_search(root, f"pcm.{name}".encode(), ctypes.byref(node)) == 0}
    library.snd_config_update_free_global()
    return found


def test_a_filter_that_nobody_mentions_is_left_out(configure: Configure) -> None:
    """PCMs of another kind stay."""
    configure("")
    assert _left("default", "plughw:CARD=Device") == {"null"}


@pytest.mark.parametrize("name", ["upmix", "upmix:SLAVE=default", "plug:upmix", 'plug:"upmix"'])
def test_a_filter_that_is_configured_stays(name: str, configure: Configure) -> None:
    """By whatever name it is opened."""
    configure("")
    assert _left("default", name) == {"null", "upmix"}


@pytest.mark.parametrize(
    "text",
    [
        'pcm.mine { type plug slave.pcm "speex" }',
        "pcm.!default speex",
        'pcm.speex { type plug slave.pcm "hw:1" }',
        "pcm.mine { type plug slave { pcm 'speex' } }  # nothing else",
    ],
)
def test_what_a_person_defined_or_refers_to_stays(text: str, configure: Configure) -> None:
    """A reference is looked up by its name when the PCM is opened."""
    configure(text)
    assert _left("default") == {"null", "speex"}


def test_a_configuration_with_an_error_is_left_alone(configure: Configure) -> None:
    """libasound has read nothing then; PortAudio will report it."""
    configure("pcm.mine {")
    library = ctypes.CDLL(LIBRARY)
    library.snd_config_update_free_global()
    assert library.snd_config_update() < 0
    leave_out_filters(["default"])


def test_included_files_are_read_too(configure: Configure, tmp_path: Path) -> None:
    """However deep."""
    other, another = tmp_path / "other.conf", tmp_path / "another.conf"
    other.write_text(f"<{another}>\n", encoding="utf-8")
    another.write_text("pcm.mine vdownmix\n", encoding="utf-8")
    configure(f"<{other}>\n")
    assert _left("default") == {"null", "vdownmix"}


def test_a_file_named_by_the_environment_is_read_too(
    configure: Configure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the files of ALSA's own folders are."""
    configure("")
    other = tmp_path / "99-mine.conf"
    other.write_text("pcm.mine a52\n", encoding="utf-8")
    monkeypatch.setenv("ALSA_CONFIG_PATH", f"{os.environ['ALSA_CONFIG_PATH']}:{other}")
    assert _left("default") == {"null", "a52"}


def test_portaudio_lists_what_a_person_defined_and_loads_no_encoder(virtual_card: VirtualSoundCard) -> None:
    """In a process of its own, as the daemon does it."""
    command = [sys.executable, "-c", SHOW, "hearthside_mic", "hearthside_speaker"]
    shown = subprocess.run(
        command, env={**os.environ, **virtual_card.env()}, capture_output=True, text=True, check=True
    )
    lines = shown.stdout.splitlines()
    assert {"device hearthside_mic", "device hearthside_speaker", "device default", "loaded False"} <= set(lines)
