"""MQTT: whether a house comes back to its broker by itself, how soon it does as it is told, and what that costs.

    .venv/bin/python -m tests.bench.bench_mqtt [--moments 20] [--ways killed] [--latency 300] [--cost 3] [--seed 1]

A whole house without sound cards is at a mosquitto, which is killed, restarted in order, or made to hang (SIGSTOP, for
1 to 40 s) at random moments, some of them while the house is about to connect again. Each time the house must do what
it is told soon after the broker is back. For the cost (`--cost`) the daemon runs on the virtual card, with and without.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[2]))

import common

from device.sim.devices.soundcard import VirtualSoundCard
from tests.house.cardless import open_cardless
from tests.tools.mqtt.brokers import Broker, Onlooker, onlooker
from tests.waiting import until

BASE = "hearthside/kitchen"
BACK_S = 90.0
"""The longest pause between two tries, a connection, and a quarter more."""
SETTLE_S = 12.0
WAYS = ["killed", "restarted", "hung"]


@asynccontextmanager
async def house_at(folder: Path) -> AsyncIterator[tuple[Broker, Onlooker]]:
    """Open one at a broker of its own."""
    with Broker(folder) as broker, pytest.MonkeyPatch.context() as patching:
        mqtt = {"host": "127.0.0.1", "port": broker.port, "id": "kitchen"}
        async with onlooker(broker) as other, open_cardless(folder, patching, tools={"mqtt": mqtt}):
            await until(lambda: other.last(f"{BASE}/timers"), "all that is told")
            yield broker, other


async def obeys(other: Onlooker, chance: random.Random) -> float:
    """Set the volume until it is set; return how long that took (s)."""
    began = time.monotonic()
    while time.monotonic() - began < BACK_S:
        # Another each time: what is as it was is not told again.
        wanted = str(chance.randint(0, 100))
        other.seen.clear()
        if other._link.publish(f"{BASE}/volume/set", wanted):
            end = time.monotonic() + 1.0
            while time.monotonic() < end:
                if other.last(f"{BASE}/volume") == wanted:
                    return time.monotonic() - began
                await asyncio.sleep(0.005)
        await asyncio.sleep(0.05)
    raise TimeoutError(f"the house did not obey within {BACK_S:g} s")


async def interrupted(folder: Path, moments: int, ways: list[str], chance: random.Random) -> str:
    """End the broker so often in each way; return a table of how soon the house obeyed."""
    back: dict[str, list[float]] = {way: [] for way in ways}
    async with house_at(folder) as (broker, other):
        order = [way for way in back for _ in range(moments)]
        chance.shuffle(order)
        for number, way in enumerate(order, start=1):
            await asyncio.sleep(chance.uniform(0.0, 40.0))
            away_s = chance.uniform(1.0, 40.0) if way == "hung" else chance.uniform(0.0, 5.0)
            {"killed": broker.kill, "restarted": broker.stop, "hung": broker.hang}[way]()
            await asyncio.sleep(away_s)
            (broker.go_on if way == "hung" else broker.start)()
            back[way].append(await obeys(other, chance))
            print(
                f"{number}: {way} for {away_s:.1f} s, obeyed {back[way][-1]:.2f} s later", file=sys.stderr, flush=True
            )
    rows = [(way, str(len(times)), common.spread(times)) for way, times in back.items()]
    return common.table(("the broker was", "times", "obeyed after, s"), rows)


async def latency(folder: Path, times: int) -> str:
    """Return how soon after a message its effect is told, in ms."""
    took: list[float] = []
    async with house_at(folder) as (_, other):
        for number in range(times):
            # Not more than a person may (commands.MOST_OTHERS).
            await asyncio.sleep(1.05)
            wanted = str(number % 101)
            began = time.monotonic()
            other.publish(f"{BASE}/volume/set", wanted)
            while other.last(f"{BASE}/volume") != wanted:
                await asyncio.sleep(0.0005)
            took.append((time.monotonic() - began) * 1000)
    took.sort()
    row = (str(times), f"{took[times // 2]:.1f}", f"{took[int(times * 0.95)]:.1f}", f"{took[-1]:.1f}")
    return common.table(("messages", "message to told effect, ms (median)", "95 %", "worst"), [row])


async def cost(folder: Path, rounds: int) -> str:
    """Return memory and CPU of the daemon with and without, in a quiet room."""
    memory: dict[str, list[float]] = {"without": [], "with": []}
    cpu: dict[str, list[float]] = {"without": [], "with": []}
    with Broker(folder) as broker:
        settings = ("tools.mqtt.host=127.0.0.1", f"tools.mqtt.port={broker.port}")
        async with VirtualSoundCard(sleepy=True) as card, onlooker(broker) as other:

            def start(which: str) -> common.Program:
                place = folder / which
                place.mkdir(exist_ok=True)
                return common.hearthside(card, str(place), settings if which == "with" else ())

            for _ in range(rounds):
                for which in memory:
                    with start(which) as program:
                        await asyncio.sleep(SETTLE_S)
                        memory[which].append(program.memory_mb("Pss"))
            assert any(message.topic.endswith("/availability") for message in other.seen)
            with ExitStack() as stack:
                running = {which: stack.enter_context(start(which)) for which in cpu}
                await asyncio.sleep(SETTLE_S)
                for _ in range(rounds):
                    percents = await asyncio.gather(*(common.cpu_percent(one, 20.0) for one in running.values()))
                    for which, percent in zip(running, percents, strict=True):
                        cpu[which].append(percent)
    rows = [(which, common.spread(memory[which], 2), common.spread(cpu[which], 2)) for which in memory]
    return common.table(("MQTT", "PSS, MB", "CPU, % of a core"), rows)


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--moments", type=int, default=20, help="how often the broker ends in each of three ways")
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=WAYS, help="in these ways only")
    parser.add_argument("--latency", type=int, default=300, help="how many messages are timed")
    parser.add_argument("--cost", type=int, default=3, help="how often the daemon is started with and without")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    chance = random.Random(options.seed)
    works = (
        (options.moments, lambda folder: interrupted(folder, options.moments, options.ways, chance)),
        (options.latency, lambda folder: latency(folder, options.latency)),
        (options.cost, lambda folder: cost(folder, options.cost)),
    )
    for count, work in works:
        if count:
            with tempfile.TemporaryDirectory() as folder:
                print(asyncio.run(work(Path(folder))), flush=True)


if __name__ == "__main__":
    main()
