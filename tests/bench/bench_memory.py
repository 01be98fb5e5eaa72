"""What each part of the idle daemon costs in memory, and what two parts would cost that it does without.

Run as a program; prints a Markdown table. Each line is a fresh process that has done what the lines above it say and
one thing more (`memory_steps.py`); the line of the daemon is the real command in a quiet room.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import common
import memory_steps

from device.sim.devices.soundcard import VirtualSoundCard

SETTLE_S = 6.0  # the wake word dozes off after about 4
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
DAEMON = "`hearthside run`: also websockets and TLS, the player, tools"
# What is not done, and instead of which step.
INSTEAD = {
    "onnxruntime": ("word", "the same networks in onnxruntime"),
    "filters": ("portaudio", "PortAudio, trying every filter of ALSA's plug-ins"),
}
Memory = tuple[float, float]
"""PSS and RSS in MB of 10^6 bytes."""


def memory_after(steps: Sequence[str], card: VirtualSoundCard) -> Memory:
    """Return the memory of a fresh process that has taken these steps."""
    command = [sys.executable, str(Path(__file__).with_name("memory_steps.py")), *steps]
    env = {**os.environ, **card.env(), "PYTHONPATH": str(common.ROOT)}
    shown = subprocess.run(command, env=env, stdout=subprocess.PIPE, text=True, check=True)
    pss, rss = map(float, shown.stdout.split()[-2:])
    return pss, rss


async def memory_of_daemon(card: VirtualSoundCard, folder: str) -> Memory:
    """Return the memory of the real command in a quiet room."""
    with common.hearthside(card, folder, (f'wake.words=["{memory_steps.WORD}"]',)) as program:
        await asyncio.sleep(SETTLE_S)
        return program.memory_mb("Pss"), program.memory_mb("Rss")


async def measure(rounds: int) -> dict[str, list[Memory]]:
    """Measure every line, one process at a time: they would share memory."""
    found: dict[str, list[Memory]] = {}
    with tempfile.TemporaryDirectory(prefix="hearthside-bench-") as folder:
        async with VirtualSoundCard() as card:
            for _ in range(rounds):
                for at, step in enumerate(STEPS):
                    found.setdefault(step, []).append(memory_after(STEPS[: at + 1], card))
                for other, (step, _) in INSTEAD.items():
                    found.setdefault(other, []).append(memory_after((*STEPS[: STEPS.index(step)], other), card))
                found.setdefault(DAEMON, []).append(await memory_of_daemon(card, folder))
    return found


def report(found: dict[str, list[Memory]]) -> str:
    """Return the table."""
    medians = {name: tuple(map(statistics.median, zip(*values, strict=True))) for name, values in found.items()}
    before = dict(zip((*STEPS, DAEMON), ("", *STEPS), strict=True))
    lines = [(NAMES.get(name, name), medians[name], medians.get(previous, (0, 0))) for name, previous in before.items()]
    for other, (step, name) in INSTEAD.items():
        lines.append((f"*not done:* {name}", medians[other], medians[before[step]]))
    rows = [
        (name, f"{pss:.1f}", f"{pss - less_pss:+.1f}", f"{rss:.1f}", f"{rss - less_rss:+.1f}")
        for name, (pss, rss), (less_pss, less_rss) in lines
    ]
    return common.table(("", "PSS, MB", "", "RSS, MB", ""), rows)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--write", action="store_true", help="put the table into docs/figures.md")
    options = parser.parse_args()
    common.publish("bench_memory", report(asyncio.run(measure(options.rounds))), options.write)


if __name__ == "__main__":
    main()
