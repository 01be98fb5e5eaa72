"""Does what the daemon does until it listens, step by step, in this process: `memory_steps.py STEP...`.

Prints the memory of the process (PSS, what is not of files, and RSS; MB of 10^6 bytes) after the steps; for
bench_memory.py. Each step imports only what it needs, so this file itself imports none of it.
"""

from __future__ import annotations

import asyncio
import gc
import os
import re
import sys
from pathlib import Path
from typing import Any

WORD = "hey_jarvis"
held: list[Any] = []
"""Objects that must not be freed."""


async def python() -> None:
    """Python with asyncio, which runs this."""
    from device.service import heap

    heap.share_one_heap()


async def library() -> None:
    """The rest of the standard library."""
    import argparse
    import ctypes
    import email.message
    import json
    import logging
    import ssl
    import tempfile
    import tomllib

    held.append((argparse, ctypes, email, json, logging, ssl, tempfile, tomllib))


async def numpy() -> None:
    """The array library."""
    import numpy

    held.append(numpy)


async def modules() -> None:
    """The daemon's own modules, and the small libraries that they import."""
    import pyaudio
    import webrtcvad

    from device.house import app
    from device.wake.openwakeword import engine

    held.append((app, engine, pyaudio, webrtcvad))


async def word() -> None:
    """A wake word, loaded and run for 0.8 s."""
    from device.wake.openwakeword.engine import OpenWakeWord

    engine = OpenWakeWord([WORD])
    engine.process(bytes(10 * 2560))
    held.append(engine)


async def onnxruntime() -> None:
    """The same networks in onnxruntime."""
    import numpy as np

    from device.wake.networks.onnx import OnnxNetwork
    from device.wake.openwakeword.models import feature_model, find_word

    embedding, head = OnnxNetwork(feature_model("embedding_model")), OnnxNetwork(find_word(WORD).path)
    vector = np.zeros((1, 1, 1, 96), np.float32)
    embedding.bind(np.zeros((1, 76, 32, 1), np.float32), vector)()
    head.bind(np.zeros((1, 16, 96), np.float32), np.zeros((1, 1), np.float32))()
    held.append((embedding, head))


async def portaudio() -> None:
    """PortAudio, as the daemon starts it."""
    from device.audio.cards.portaudio import SoundCards
    from device.audio.settings import Audio
    from device.sim.devices.soundcard import MICROPHONE, SPEAKER

    cards = SoundCards(Audio(input=MICROPHONE, output=SPEAKER), held.append)
    await cards.find()
    held.append(cards)


async def filters() -> None:
    """PortAudio, trying every filter that is defined."""
    import pyaudio

    from device.audio.cards.alsa.chatter import silence_libraries

    # The virtual card's configuration is spared the filters of the machine's own, which are meant here.
    os.environ.pop("ALSA_CONFIG_PATH", None)
    silence_libraries()
    held.append(pyaudio.PyAudio())


async def stream() -> None:
    """The microphone's stream, open for a second."""
    from device.audio.cards.microphone import AlsaMicrophone

    await AlsaMicrophone(held[-1], lambda frame, moment: None, lambda: False).open()
    await asyncio.sleep(1)


STEPS = {
    step.__name__: step for step in (python, library, numpy, modules, word, onnxruntime, portaudio, filters, stream)
}


async def main() -> None:
    """Take the steps, tidy up as the daemon does, and tell."""
    for name in sys.argv[1:]:
        await STEPS[name]()
    tell()


def tell() -> None:
    """Print what this process has."""
    from device.service import heap

    gc.collect()
    heap.give_back()
    rollup = Path("/proc/self/smaps_rollup").read_text(encoding="ascii")
    for kind in ("Pss", "Anonymous", "Rss"):
        [size] = re.findall(rf"^{kind}:\s+(\d+) kB", rollup, re.MULTILINE)
        print(int(size) * 1024 / 1e6)


if __name__ == "__main__":
    asyncio.run(main())
