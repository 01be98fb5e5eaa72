"""What it costs to listen: start, CPU and memory of `hearthside run`, beside a naive openwakeword loop.

Run as a program; prints a Markdown table.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import common

from device.sim.person import Person
from device.sim.soundcard import VirtualSoundCard

WORD = "hey_jarvis"
SETTLE_S = 2.0
TALK = "The kettle is on the stove and the cat sleeps in the sun while it rains on the other side of the street."


@dataclass
class Cost:
    """What was measured of one program."""

    start: list[float] = field(default_factory=list)
    quiet: list[float] = field(default_factory=list)
    speech: list[float] = field(default_factory=list)
    pss: list[float] = field(default_factory=list)


async def listen(program: common.Program, card: VirtualSoundCard, cost: Cost, seconds: float) -> None:
    """Measure a program that listens: first in a quiet room, then to somebody who never stops talking."""
    await asyncio.sleep(SETTLE_S)
    cost.quiet.append(await common.cpu_percent(program, seconds))
    with common.running(asyncio.create_task(talk(card))):
        await asyncio.sleep(SETTLE_S)
        cost.speech.append(await common.cpu_percent(program, seconds))
    cost.pss.append(program.pss_mb())


async def talk(card: VirtualSoundCard) -> None:
    """Talk for ever, without the wake word."""
    person = Person(card.play_into_room)
    while True:
        await person.say(TALK)


async def measure(starts: int, rounds: int, seconds: float) -> dict[str, Cost]:
    """Start and measure both programs in turns."""
    costs = {"hearthside": Cost(), "naive loop": Cost()}
    async with VirtualSoundCard() as card:
        with tempfile.TemporaryDirectory(prefix="hearthside-bench-") as folder:
            programs: dict[str, Callable[[], common.Program]] = {
                "hearthside": lambda: common.hearthside(card, folder, (f'wake.words=["{WORD}"]',)),
                "naive loop": lambda: common.naive_loop(card, WORD),
            }
            for index in range(max(starts, rounds)):
                for name, start in programs.items():
                    with start() as program:
                        costs[name].start.append(program.start_s)
                        if index < rounds:
                            await listen(program, card, costs[name], seconds)
    return costs


def report(costs: dict[str, Cost]) -> str:
    """Return the table."""
    ours, theirs = costs["hearthside"], costs["naive loop"]
    lines = [
        ("start to listening, s", ours.start, theirs.start, 2, "1.0, later 0.8 s"),
        ("CPU in a quiet room, % of a core", ours.quiet, theirs.quiet, 1, "ratio 0.7, later 0.10"),
        ("CPU while somebody talks, % of a core", ours.speech, theirs.speech, 1, "ratio 0.7"),
        ("memory (PSS), MB", ours.pss, theirs.pss, 1, "100, later 90 MB"),
    ]
    rows = [
        (name, common.spread(a, digits), common.spread(b, digits), f"{ratio(a, b):.2f}", aim)
        for name, a, b, digits, aim in lines
    ]
    return common.table(("", "hearthside run", "naive openwakeword loop", "ratio", "aim at most"), rows)


def ratio(ours: list[float], theirs: list[float]) -> float:
    """Return the ratio of the medians."""
    return statistics.median(ours) / statistics.median(theirs)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--starts", type=int, default=7, help="how often each program is started")
    parser.add_argument("--rounds", type=int, default=2, help="how often CPU and memory are measured")
    parser.add_argument("--seconds", type=float, default=12.0, help="length of one measurement of the CPU")
    parser.add_argument("--write", action="store_true", help="put the table into docs/figures.md")
    options = parser.parse_args()
    costs = asyncio.run(measure(options.starts, options.rounds, options.seconds))
    common.publish("bench_idle", report(costs), options.write)


if __name__ == "__main__":
    main()
