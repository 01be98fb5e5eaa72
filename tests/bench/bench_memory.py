"""What each part of the idle daemon costs in memory, and what two parts would cost that it does without.

Run as a program; prints a Markdown table. Each line is a fresh process that has done what the lines above it say and
one thing more (`memory_steps.py`); the lines of the daemon are the real command in a quiet room, before and after
conversations (`conversing.py`).
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import common
import conversing
import memory_steps

from device.service.heap import CALM_S
from device.sim.devices.soundcard import VirtualSoundCard

SETTLE_S = 6.0  # the wake word dozes off after about 4
TIDIED_S = CALM_S + 3.0
CONVERSATIONS = 10
NAMES = {
    "python": "Python with asyncio",
    "library": "what else is used of its standard library",
    "numpy": "numpy",
    "modules": "our modules, msgspec, PyAudio, webrtcvad",
    "word": f'the wake word "{memory_steps.WORD}"',
    "portaudio": "PortAudio, initialised",
    "stream": "the microphone's stream",
}
STEPS = tuple(NAMES)
DAEMON = (
    "`hearthside run`, before the first conversation: also websockets and TLS, the player, tools",
    "after the first conversation: also a session, and the echo canceller",
    f"after {CONVERSATIONS} conversations",
)
# What is not done, and instead of which step.
INSTEAD = {
    "onnxruntime": ("word", "the same networks in onnxruntime"),
    "filters": ("portaudio", "PortAudio, trying every filter of ALSA's plug-ins"),
}
KINDS = ("Pss", "Anonymous", "Rss")
Memory = tuple[float, ...]
"""Of each kind, in MB of 10^6 bytes."""


def memory_after(steps: Sequence[str], card: VirtualSoundCard) -> Memory:
    """Return the memory of a fresh process that has taken these steps."""
    command = [sys.executable, str(Path(__file__).with_name("memory_steps.py")), *steps]
    env = {**os.environ, **card.env(), "PYTHONPATH": str(common.ROOT)}
    shown = subprocess.run(command, env=env, stdout=subprocess.PIPE, text=True, check=True)
    return tuple(map(float, shown.stdout.split()[-len(KINDS) :]))


async def memory_of_daemon(room: conversing.Room) -> list[Memory]:
    """Return the memory of the real command, at rest before the first conversation, after it, and after some."""
    with room.device() as program:

        async def at_rest(after_s: float) -> Memory:
            await asyncio.sleep(after_s)
            return tuple(map(program.memory_mb, KINDS))

        found = [await at_rest(SETTLE_S)]
        for count in (1, CONVERSATIONS - 1):
            for _ in range(count):
                await room.converse()
            found.append(await at_rest(TIDIED_S))
    return found


async def measure(rounds: int) -> dict[str, list[Memory]]:
    """Measure every line, one process at a time: they would share memory."""
    found: dict[str, list[Memory]] = {}
    with tempfile.TemporaryDirectory(prefix="hearthside-bench-") as folder:
        async with conversing.room(folder) as room:
            for _ in range(rounds):
                for at, step in enumerate(STEPS):
                    found.setdefault(step, []).append(memory_after(STEPS[: at + 1], room.card))
                for other, (step, _) in INSTEAD.items():
                    steps = (*STEPS[: STEPS.index(step)], other)
                    found.setdefault(other, []).append(memory_after(steps, room.card))
                for line, memory in zip(DAEMON, await memory_of_daemon(room), strict=True):
                    found.setdefault(line, []).append(memory)
    return found


def report(found: dict[str, list[Memory]]) -> str:
    """Return the table."""
    medians = {name: tuple(map(statistics.median, zip(*values, strict=True))) for name, values in found.items()}
    lines_of_all = (*STEPS, *DAEMON)
    before = dict(zip(lines_of_all, ("", *lines_of_all[:-1]), strict=True))
    nothing = (0.0,) * len(KINDS)
    lines = [(NAMES.get(name, name), medians[name], medians.get(last, nothing)) for name, last in before.items()]
    for other, (step, name) in INSTEAD.items():
        lines.append((f"*not done:* {name}", medians[other], medians[before[step]]))
    rows = []
    for name, memory, less in lines:
        pairs = [(f"{of:.1f}", f"{of - of_less:+.1f}") for of, of_less in zip(memory, less, strict=True)]
        rows.append((name, *itertools.chain(*pairs)))
    return common.table(("", "PSS, MB", "", "not of files, MB", "", "RSS, MB", ""), rows)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--write", action="store_true", help="put the table into docs/figures.md")
    options = parser.parse_args()
    common.publish("bench_memory", report(asyncio.run(measure(options.rounds))), options.write)


if __name__ == "__main__":
    main()
