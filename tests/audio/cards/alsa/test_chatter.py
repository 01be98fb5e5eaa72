"""Keeping the sound libraries from writing to stderr."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytestmark = pytest.mark.patient

LISTING = """
import asyncio, sys
from device.audio.cards.portaudio import SoundCards
from device.audio.settings import Audio
cards = SoundCards(Audio(), print)
devices = asyncio.run(cards.list_devices())
print(*(device.name for device in devices), sep="\\n")
print("a line of our own", file=sys.stderr)
"""

# A library that writes, before the program ends, while a call of the sound system hangs.
HANGING = """
import ctypes, sys, threading, time
from device.audio.cards.alsa.chatter import silence_libraries
silence_libraries()
silence_libraries()
library = ctypes.CDLL(None)
library.fputs(b"Expression 'ret' failed in 'pa_linux_alsa.c'\\n", ctypes.c_void_p.in_dll(library, "stderr"))
library.fputs(b"ALSA lib pcm.c: unable to open slave\\n", ctypes.c_void_p.in_dll(library, "stderr"))
threading.Thread(target=library.sleep, args=(60,), daemon=True).start()
print("a line of our own", file=sys.stderr, flush=True)
library.fputs(b"a real surprise\\n", ctypes.c_void_p.in_dll(library, "stderr"))
sys.stdin.read()
"""


def run(program: str) -> subprocess.CompletedProcess[str]:
    """Run it to its end."""
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)


@pytest.mark.usefixtures("virtual_card")
def test_listing_the_devices_writes_nothing_to_stderr() -> None:
    """ALSA and JACK complain of every PCM that a default configuration names and this machine lacks."""
    probe = run(LISTING)
    assert probe.stderr == "a line of our own\n"
    assert {"hearthside_mic", "hearthside_speaker"} <= set(probe.stdout.splitlines())


def test_our_own_lines_and_surprises_get_through_while_a_call_hangs() -> None:
    """And the chatter does not, whenever it comes."""
    with subprocess.Popen(
        [sys.executable, "-c", HANGING], stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as program:
        assert program.stderr is not None
        lines = {program.stderr.readline(), program.stderr.readline()}
        program.communicate()
    assert lines == {"a line of our own\n", "a real surprise\n"}
