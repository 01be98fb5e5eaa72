"""Keeping the sound libraries from writing to stderr."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from device.audio.chatter import STDERR, hushed

PROBE = """
import asyncio, sys
from device.audio.alsa import SoundCards
from device.config import Audio
cards = SoundCards(Audio(), print)
devices = asyncio.run(cards.list_devices())
print(*(device.name for device in devices), sep="\\n")
print("a line of our own", file=sys.stderr)
"""


def test_chatter_is_dropped_and_our_own_lines_are_kept(capfd: pytest.CaptureFixture[str]) -> None:
    """What a thread of ours logs meanwhile comes a little later, but comes."""
    with hushed():
        os.write(STDERR, b"ALSA lib pcm.c: unable to open slave\nour own words\nExpression 'ret' failed\n")
    assert capfd.readouterr().err == "our own words\n"


def test_stderr_is_restored_after_an_error(capfd: pytest.CaptureFixture[str]) -> None:
    """An open that fails is the usual case."""
    with pytest.raises(OSError, match="busy"), hushed():
        raise OSError("busy")
    os.write(STDERR, b"jack says this later\n")
    assert capfd.readouterr().err == "jack says this later\n"


@pytest.mark.usefixtures("virtual_card")
def test_listing_the_devices_writes_nothing_to_stderr() -> None:
    """ALSA and JACK complain of every PCM that a default configuration names and this machine lacks."""
    probe = subprocess.run([sys.executable, "-c", PROBE], capture_output=True, text=True, check=True)
    assert probe.stderr == "a line of our own\n"
    assert {"hearthside_mic", "hearthside_speaker"} <= set(probe.stdout.splitlines())
