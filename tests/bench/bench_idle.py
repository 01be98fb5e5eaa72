"""Measures start, CPU and memory of `hearthside run` while it listens, compared with a naive openwakeword loop.

Run as a program; prints a Markdown table.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import common
import numpy as np

from device.sim.devices.soundcard import VirtualSoundCard
from device.sim.person.voice import Person
from device.units import CAPTURE_RATE

WORD, SECOND_WORD = "hey_jarvis", "alexa"
SETTLE_S = 9.0  # after about 6.5 a quiet room is listened to in long blocks
REST_S = 50.0  # after about 45 also one in which there was a sound soon before
TALK = "The cat sleeps in the sun while it rains on the other side."
# A room in which people live: a sentence or a noise this often.
EVERY_S = 20.0
# How long the sentence takes, and a little more.
SENTENCE_S = 4.0
# A plate is put down: 0.3 s of noise that fades.
CLATTER = (
    (np.random.default_rng(1).standard_normal(4800) * 6000 * np.exp(-np.arange(4800) / 1200)).astype("<i2").tobytes()
)


@dataclass
class Cost:
    """What was measured of one program."""

    start: list[float] = field(default_factory=list)
    pss: list[float] = field(default_factory=list)
    rss: list[float] = field(default_factory=list)
    quiet: list[float] = field(default_factory=list)
    seldom: list[float] = field(default_factory=list)
    seldom_speech: list[float] = field(default_factory=list)
    speech: list[float] = field(default_factory=list)
    lived: list[float] = field(default_factory=list)
    seldom_lived: list[float] = field(default_factory=list)


Starters = dict[str, Callable[[], common.Program]]


async def start_each(programs: Starters, costs: dict[str, Cost]) -> None:
    """Start one after the other, each alone, because together they would share memory."""
    for name, start in programs.items():
        with start() as program:
            costs[name].start.append(program.start_s)
            await asyncio.sleep(SETTLE_S)
            costs[name].pss.append(program.memory_mb("Pss"))
            costs[name].rss.append(program.memory_mb("Rss"))


async def listen_alone(folder: str, costs: dict[str, Cost], rounds: int, seconds: float) -> None:
    """Let each listen to all rooms on a card that delivers blocks as long as the program asks for."""
    async with VirtualSoundCard(sleepy=True) as card:
        for _ in range(rounds):
            for name, start in starters(card, folder).items():
                with start() as program:
                    await asyncio.sleep(1.5 * SETTLE_S)
                    costs[name].seldom.append(await common.cpu_percent(program, seconds))
                    talking = asyncio.create_task(talk(card, seconds + SETTLE_S))
                    await asyncio.sleep(SETTLE_S)
                    costs[name].seldom_speech.append(await common.cpu_percent(program, seconds))
                    await talking
                    living = asyncio.create_task(speak_or_clatter(card))
                    costs[name].seldom_lived.append(await common.cpu_percent(program, 2 * EVERY_S))
                    await living


def starters(card: VirtualSoundCard, folder: str) -> Starters:
    """Return the two programs, to be started on a card."""
    return {
        "hearthside": lambda: common.hearthside(card, folder, (f'wake.words=["{WORD}"]',)),
        "naive loop": lambda: common.naive_loop(card, WORD),
    }


async def listen_together(
    programs: Starters, costs: dict[str, Cost], card: VirtualSoundCard, rounds: int, seconds: float
) -> None:
    """Let both listen at the same time, so that other load on the machine affects both alike."""
    with contextlib.ExitStack() as stack:
        running = {name: stack.enter_context(start()) for name, start in programs.items()}
        for _ in range(rounds):
            await asyncio.sleep(REST_S)
            for name, percent in (await cpu_of(running, seconds)).items():
                costs[name].quiet.append(percent)
            talking = asyncio.create_task(talk(card, seconds + 2 * SETTLE_S))
            await asyncio.sleep(SETTLE_S)
            for name, percent in (await cpu_of(running, seconds)).items():
                costs[name].speech.append(percent)
            await talking
        if rounds:
            await live_in(running, costs, card, rounds)


async def live_in(
    running: dict[str, common.Program], costs: dict[str, Cost], card: VirtualSoundCard, rounds: int
) -> None:
    """Let all listen to a room in which somebody speaks or makes a noise now and then."""
    for _ in range(rounds):
        living = asyncio.create_task(speak_or_clatter(card))
        for name, percent in (await cpu_of(running, 2 * EVERY_S)).items():
            costs[name].lived.append(percent)
        await living


async def speak_or_clatter(card: VirtualSoundCard) -> None:
    """Say a sentence, and after EVERY_S put something down."""
    await Person(card.play_into_room).say(TALK)
    await asyncio.sleep(EVERY_S - SENTENCE_S)
    await card.play_into_room(CLATTER, CAPTURE_RATE)
    await asyncio.sleep(EVERY_S - SENTENCE_S)


async def cpu_of(running: dict[str, common.Program], seconds: float) -> dict[str, float]:
    """Return how much of a core each uses."""
    shares = await asyncio.gather(*(common.cpu_percent(program, seconds) for program in running.values()))
    return dict(zip(running, shares, strict=True))


async def talk(card: VirtualSoundCard, seconds: float) -> None:
    """Talk for that long, without the wake word."""
    person, until = Person(card.play_into_room), time.monotonic() + seconds
    while time.monotonic() < until:
        await person.say(TALK)


async def measure(starts: int, rounds: int, seconds: float) -> dict[str, Cost]:
    """Measure both programs."""
    costs = {"hearthside": Cost(), "naive loop": Cost(), "two words": Cost()}
    with tempfile.TemporaryDirectory(prefix="hearthside-bench-") as folder:
        async with VirtualSoundCard() as card:
            programs = starters(card, folder)
            for _ in range(starts):
                await start_each(programs, costs)
            words = f'wake.words=["{WORD}","{SECOND_WORD}"]'
            programs["two words"] = lambda: common.hearthside(card, folder, (words,))
            await listen_together(programs, costs, card, rounds, seconds)
        await listen_alone(folder, costs, rounds, seconds)
    return costs


def report(costs: dict[str, Cost]) -> str:
    """Return the table."""
    ours, theirs = costs["hearthside"], costs["naive loop"]
    lines = [
        ("start to listening, s", ours.start, theirs.start, 2, "0.8 s"),
        ("CPU in a quiet room, % of a core", ours.quiet, theirs.quiet, 2, "ratio 0.10"),
        ("the same on a card that brings sound as seldom as asked", ours.seldom, theirs.seldom, 2, "ratio 0.10"),
        ("CPU in a quiet room, beside the loop in continuous sound", ours.quiet, theirs.speech, 2, "ratio 0.10"),
        ("CPU while somebody talks, % of a core", ours.speech, theirs.speech, 1, "ratio 0.35"),
        (
            "the same on a card that brings sound as seldom as asked",
            ours.seldom_speech,
            theirs.seldom_speech,
            2,
            "ratio 0.35",
        ),
        (f"CPU with a sentence or a noise every {EVERY_S:.0f} s", ours.lived, theirs.lived, 2, "ratio 0.10"),
        (
            "the same on a card that brings sound as seldom as asked",
            ours.seldom_lived,
            theirs.seldom_lived,
            2,
            "ratio 0.10",
        ),
        ("memory (PSS), MB", ours.pss, theirs.pss, 1, "90 MB, better 60"),
        ("memory (RSS: shared libraries counted whole), MB", ours.rss, theirs.rss, 1, ""),
    ]
    rows = [
        (name, common.spread(a, digits), common.spread(b, digits), f"{ratio(a, b):.2f}", aim)
        for name, a, b, digits, aim in lines
    ]
    head = ("", "hearthside run", "naive openwakeword loop", "ratio", "aim at most")
    return "\n\n".join((common.table(head, rows), report_words(ours, costs["two words"])))


def report_words(one: Cost, two: Cost) -> str:
    """Return the table of what one more wake word costs."""
    cost = ("CPU while somebody talks, % of a core", common.spread(one.speech, 2), common.spread(two.speech, 2))
    row = (*cost, f"{ratio(two.speech, one.speech):.3f}", "ratio 1.05")
    return common.table(("", "one wake word", "two", "ratio", "aim at most"), [row])


def ratio(ours: list[float], theirs: list[float]) -> float:
    """Return the ratio of the medians."""
    return statistics.median(ours) / statistics.median(theirs)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--starts", type=int, default=5, help="how often each program is started")
    parser.add_argument("--rounds", type=int, default=3, help="how often CPU is measured")
    parser.add_argument("--seconds", type=float, default=12.0, help="length of one measurement of the CPU")
    parser.add_argument("--write", action="store_true", help="put the table into docs/figures.md")
    options = parser.parse_args()
    costs = asyncio.run(measure(options.starts, options.rounds, options.seconds))
    common.publish("bench_idle", report(costs), options.write)


if __name__ == "__main__":
    main()
