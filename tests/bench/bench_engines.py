"""Measures the costs of the two wake-word engines: `hearthside run` with each, at the same time on the same card.

Run as a program; prints a Markdown table. Room and person are those of bench_idle.py.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import bench_idle
import common

from device.sim.devices.soundcard import VirtualSoundCard

ENGINES = ("openwakeword", "microwakeword")
PAGE = common.ROOT / "docs/wake-words.md"


def starter(card: VirtualSoundCard, folder: str, engine: str) -> bench_idle.Starters:
    """Return the daemon with an engine, to be started on a card."""
    return {engine: lambda: common.hearthside(card, folder, (f"wake.engine={engine}",))}


async def measure(rounds: int, seconds: float) -> dict[str, bench_idle.Cost]:
    """Measure both: start and memory one after the other, CPU together."""
    costs = {engine: bench_idle.Cost() for engine in ENGINES}
    with tempfile.TemporaryDirectory(prefix="hearthside-bench-") as folder:
        async with VirtualSoundCard() as card:
            programs: bench_idle.Starters = {}
            for engine in ENGINES:
                programs |= starter(card, folder, engine)
            for _ in range(rounds):
                await bench_idle.start_each(programs, costs)
            await bench_idle.listen_together(programs, costs, card, rounds, seconds)
    return costs


def report(costs: dict[str, bench_idle.Cost]) -> str:
    """Return the table."""
    ours, micro = (costs[engine] for engine in ENGINES)
    lines = [
        ("CPU in a quiet room, % of a core", ours.quiet, micro.quiet, 2),
        ("CPU while somebody talks, % of a core", ours.speech, micro.speech, 2),
        ("memory (PSS), MB", ours.pss, micro.pss, 1),
        ("start to listening, s", ours.start, micro.start, 2),
    ]
    rows = [
        (name, common.spread(a, digits), common.spread(b, digits), f"{bench_idle.ratio(b, a):.2f}")
        for name, a, b, digits in lines
    ]
    return common.table(("`hearthside run` with", *(f"`{engine}`" for engine in ENGINES), "ratio"), rows)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="how often each is measured")
    parser.add_argument("--seconds", type=float, default=12.0, help="length of one measurement of the CPU")
    parser.add_argument("--write", action="store_true", help="put the table into docs/wake-words.md")
    options = parser.parse_args()
    costs = asyncio.run(measure(options.rounds, options.seconds))
    common.publish("bench_engines", report(costs), options.write, PAGE)


if __name__ == "__main__":
    main()
