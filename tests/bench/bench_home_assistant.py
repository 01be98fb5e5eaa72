"""What Home Assistant costs, how soon it does what a model asks for, and what trouble with it does.

    .venv/bin/python -m tests.bench.bench_home_assistant [--write] [--troubles 20] [--real]

The link and the tools run in a process of their own, as the daemon has them and without its ears, whose work would hide
theirs. The simulated Home Assistant is another process. `--real` asks the real one how soon (tests/system).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import random
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from device.secrets import Secret
from device.tools.home.tools import home_tools
from device.tools.homeassistant.link import Link
from device.tools.homeassistant.settings import HomeAssistant
from device.tools.registry import Registry
from tests.bench import common
from tests.tools.homeassistant.owner import owner_of
from tests.tools.homeassistant.process import HomeProcess, SimulatedProcess
from tests.tools.homeassistant.trouble import Model, Outcome, Trouble, suffer
from tests.waiting import until

THINGS = (2, 2_000)
CHANGES_PER_S = 50
SETTLE_S = 3.0


async def hold(url: str, token: str, things: int) -> None:
    """Be the process that holds the link, until somebody ends it."""
    from device.service import heap

    heap.share_one_heap()
    link = Link(HomeAssistant(url=url), Secret(token))
    registry = Registry(home_tools([link]), 20.0)
    living = asyncio.create_task(link.run())
    await until(lambda: link.is_connected and len(link.things) == things, "all of the house")
    # A first question: what is computed of the things when they are asked for is there, too.
    await registry.call("home_find", '{"what": "light 2"}')
    heap.tidy()
    print("holding", file=sys.stderr, flush=True)
    await living


def holder(home: HomeProcess, things: int) -> common.Program:
    """Start that process."""
    command = [sys.executable, "-m", "tests.bench.bench_home_assistant", "--hold", home.url, home.token, str(things)]
    return common.Program(command, {}, "holding")


async def cost(folder: Path, things: int, seconds: float) -> tuple[float, float, float]:
    """Return its memory (MB), and its CPU (% of a core) while nothing changes, and while lights do."""
    with SimulatedProcess(folder / "log", things) as home, holder(home, things) as program:
        await asyncio.sleep(SETTLE_S)
        memory = program.memory_mb("Pss")
        quiet = await common.cpu_percent(program, seconds)
        changing = asyncio.create_task(change(home, things))
        await asyncio.sleep(SETTLE_S)
        busy = await common.cpu_percent(program, seconds)
        assert not changing.done(), "the lights did not change"
        changing.cancel()
    return memory, quiet, busy


async def change(home: HomeProcess, things: int) -> None:
    """Dim one light after the other."""
    async with owner_of(home.url, home.token) as owner:
        begun = time.monotonic()
        for number in range(1_000_000):
            light = 2 * (number % (things // 2))
            await owner.call("light.turn_on", f"light.thing_{light}", brightness_pct=1 + number % 100)
            await asyncio.sleep(max(0.0, begun + number / CHANGES_PER_S - time.monotonic()))


@asynccontextmanager
async def linked(home: HomeProcess) -> AsyncIterator[Registry]:
    """Connect to it."""
    link = Link(HomeAssistant(url=home.url), Secret(home.token))
    living = asyncio.create_task(link.run())
    await until(lambda: link.is_connected and len(link.things) > 0, "what the house has", 60)
    yield Registry(home_tools([link]), 20.0)
    living.cancel()


async def latencies(home: HomeProcess, name: str, entity: str, calls: int) -> list[float]:
    """Return how long it took from each call of the tool until another client was told of the light's new state, in
    ms."""
    took: list[float] = []
    async with linked(home) as registry, owner_of(home.url, home.token) as owner:
        await owner.command("subscribe_entities", entity_ids=[entity])
        await owner.event()
        await owner.call("light.turn_off", entity)
        await owner.event()
        for number in range(calls):
            action = "off" if number % 2 else "on"
            began = time.monotonic()
            calling = asyncio.create_task(registry.call("home_control", json.dumps({"what": name, "action": action})))
            while (await owner.event())["c"][entity]["+"].get("s") != action:
                pass
            took.append((time.monotonic() - began) * 1000)
            await calling
            await asyncio.sleep(0.02)
    return took


async def troubles(folder: Path, number: int, seed: int) -> tuple[list[Outcome], Model]:
    """Let it have each trouble so many times."""
    chance = random.Random(seed)
    with SimulatedProcess(folder / "log") as home:
        async with linked(home) as registry:
            model = Model(registry, "home_control", '{"what": "ceiling lights", "action": "on"}')
            living = asyncio.create_task(model.live())
            await model.first(is_done=True, since=0)
            outcomes = [await suffer(home, model, one, chance) for one in Trouble for _ in range(number)]
            living.cancel()
    return outcomes, model


async def measure(folder: Path, options: argparse.Namespace) -> None:
    """Measure all of it, and print it."""
    costs = {things: await cost(folder, things, options.seconds) for things in THINGS}
    few, many = (costs[things] for things in THINGS)
    with SimulatedProcess(folder / "log", THINGS[1]) as home:
        took = {f"simulated, {THINGS[1]:,} things": await latencies(home, "light 2", "light.thing_2", options.calls)}
    if options.real:
        from tests.system.homeassistant import VERSION, RealHome

        with RealHome(folder / "real") as real:
            name = f"Home Assistant {VERSION}, its demo"
            took[name] = await latencies(real, "ceiling lights", "light.ceiling_lights", options.calls)
    rows = [
        ["memory for 2,000 things, MB (PSS)", "8 at most", f"{many[0] - few[0]:.1f}"],
        ["CPU while nothing changes, % of a core", "none", f"{many[1]:.2f}"],
        [f"CPU while {CHANGES_PER_S} things a second change, % of a core", "2 at most", f"{many[2]:.2f}"],
        *(
            [f"ms from the model's call to the new state: {name}", "50 at the median", told(ms)]
            for name, ms in took.items()
        ),
    ]
    common.publish("bench_home_assistant", common.table(("what", "aim", "measured"), rows), options.write)
    outcomes, model = await troubles(folder, options.troubles, options.seed)
    head = ("trouble", "times", "s until the model was told", "s from its return until it was used again")
    table = common.table(head, [row(one, outcomes) for one in Trouble])
    common.publish("bench_home_assistant_trouble", table, options.write)
    print(f"\nthe longest call: {model.longest_s:.1f} s; the model was told: {sorted(model.said)}")


def told(values: list[float]) -> str:
    """Return the median, the lowest and the highest, and what 95 % are within."""
    return f"{common.spread(values)[:-1]}; 95 % within {statistics.quantiles(values, n=20)[-1]:.1f})"


def row(trouble: Trouble, outcomes: list[Outcome]) -> list[str]:
    """Return a row of the table."""
    of = [outcome for outcome in outcomes if outcome.trouble is trouble]
    spreads = (
        common.spread([outcome.told_s for outcome in of]),
        common.spread([outcome.recovered_s for outcome in of]),
    )
    return [trouble.value, str(len(of)), *spreads]


def main() -> None:
    """Measure, or be the process that is measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="put the tables into docs/figures.md")
    parser.add_argument("--real", action="store_true", help="ask the real Home Assistant as well")
    parser.add_argument("--seconds", type=float, default=30.0, help="of each measurement of CPU")
    parser.add_argument("--calls", type=int, default=100)
    parser.add_argument("--troubles", type=int, default=20, help="times of each")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--hold", nargs=3, metavar=("URL", "TOKEN", "THINGS"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.hold:
        url, token, things = options.hold
        asyncio.run(hold(url, token, int(things)))
    else:
        with tempfile.TemporaryDirectory(prefix="hearthside-bench-") as folder:
            logging.disable()
            asyncio.run(measure(Path(folder), options))


if __name__ == "__main__":
    main()
