"""What a change costs: the program of this checkout and of others, in turn, in one run on one machine.

    tests/bench/bench_change.py --beside ../before

Each of the others is a checkout with a virtual environment of its own (`scripts/setup`). All listen at the same time
while CPU is measured, and take turns at everything else. Prints a Markdown table.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import bench_idle
import bench_reply
import common

from device.sim.devices.soundcard import VirtualSoundCard
from device.sim.person.voice import Person
from device.sim.realtime import SimulatedRealtime

START_SETTLE_S = 3.0


@dataclass
class Cost:
    """What was measured of one checkout."""

    start_s: list[float] = field(default_factory=list)
    pss_mb: list[float] = field(default_factory=list)
    quiet: list[float] = field(default_factory=list)
    talk: list[float] = field(default_factory=list)
    replies: bench_reply.Figures = field(default_factory=bench_reply.Figures)


Costs = dict[Path, Cost]


async def start_each(card: VirtualSoundCard, folder: str, costs: Costs) -> None:
    """Start one after the other, alone: they would share memory."""
    for checkout, cost in costs.items():
        with common.hearthside(card, folder, checkout=checkout) as program:
            cost.start_s.append(program.start_s)
            await asyncio.sleep(START_SETTLE_S)
            cost.pss_mb.append(program.memory_mb("Pss"))


async def listen_together(card: VirtualSoundCard, costs: Costs, rounds: int, seconds: float) -> None:
    """Let all listen at the same time: what else the machine does slows them down alike."""
    with contextlib.ExitStack() as stack:
        running = {}
        for checkout in costs:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="hearthside-bench-"))
            running[str(checkout)] = stack.enter_context(common.hearthside(card, folder, checkout=checkout))
        for _ in range(rounds):
            await asyncio.sleep(bench_idle.REST_S)
            quiet = await bench_idle.cpu_of(running, seconds)
            talking = asyncio.create_task(bench_idle.talk(card, seconds + 2))
            await asyncio.sleep(2)
            talk = await bench_idle.cpu_of(running, seconds)
            await talking
            for checkout, cost in costs.items():
                cost.quiet.append(quiet[str(checkout)])
                cost.talk.append(talk[str(checkout)])


async def reply_each(card: VirtualSoundCard, costs: Costs, rounds: int, turns: int, interruptions: int) -> None:
    """Let each hold conversations, in turn."""
    async with SimulatedRealtime() as server:
        person = Person(card.play_into_room)
        breath = await bench_reply.sentence(person, bench_reply.COMMAND, bench_reply.WAKE_WORD)
        stop = await bench_reply.sentence(person, "stop it and turn off the light")
        for number in range(rounds):
            for checkout, cost in costs.items():
                with tempfile.TemporaryDirectory(prefix="hearthside-bench-") as folder:
                    stage = bench_reply.Stage(card, server, breath, stop, folder, (), checkout)
                    await stage.run(stage.device, cost.replies, turns, interruptions)
            print(f"round {number + 1} of {rounds}", *map(summary, costs.values()), sep=" | ", file=sys.stderr)


def summary(cost: Cost) -> str:
    """Return what was added to replies so far."""
    return common.spread(cost.replies.added)


async def measure(checkouts: list[Path], options: argparse.Namespace) -> Costs:
    """Measure all on the fair card, or on one at PulseAudio's defaults."""
    costs = {checkout: Cost() for checkout in checkouts}
    async with bench_reply.CARDS[options.card]() as card:
        with tempfile.TemporaryDirectory(prefix="hearthside-bench-") as folder:
            for _ in range(options.rounds):
                await start_each(card, folder, costs)
        if options.seconds:
            await listen_together(card, costs, options.rounds, options.seconds)
        await reply_each(card, costs, options.rounds, options.turns, options.interruptions)
    return costs


def report(costs: Costs) -> str:
    """Return the table."""
    rows = []
    for checkout, cost in costs.items():
        replies = cost.replies
        seconds = (common.spread(values, 2) for values in (cost.start_s, cost.quiet, cost.talk))
        other = (cost.pss_mb, replies.wake_to_server, replies.uplink, replies.downlink, replies.added, replies.quiet)
        errors = [abs(value) for value in replies.truncation]
        rows.append((checkout.name, *seconds, *map(common.spread, (*other, errors))))
    head = (
        *("checkout", "start, s", "CPU quiet, %", "CPU talk, %", "PSS, MB", "word to first audio, ms", "way in, ms"),
        *("way out, ms", "added to a reply, ms", "`speech_started` to silence, ms", "truncation error, ms"),
    )
    return common.table(head, rows)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--beside", type=Path, action="append", required=True, metavar="DIR", help="another checkout")
    parser.add_argument("--card", choices=bench_reply.CARDS, default="fair")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=12.0, help="of CPU in each round; 0 leaves it out")
    parser.add_argument("--turns", type=int, default=6, help="replies of each in each round")
    parser.add_argument("--interruptions", type=int, default=3, help="interruptions of each in each round")
    options = parser.parse_args()
    begun = time.monotonic()
    checkouts = [*(path.resolve() for path in options.beside), common.ROOT]
    costs = asyncio.run(measure(checkouts, options))
    print(report(costs))
    print(f"in {time.monotonic() - begun:.0f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
