"""How much the model is told of the tools in a house of 150 things, and how many of a hundred requests come right.

    .venv/bin/python -m tests.bench.bench_tools [--write]

Nothing here depends on the machine: bytes are counted, and the model is a program (tests/tools/home/brain.py).
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from device.ports.home import Rules, Thing
from device.tools.budget import size_of, size_of_all
from tests.bench import common
from tests.tools.home.bighouse import BY_ID, PLACES, REQUESTS, THINGS, Came, House, outcome, tools_at

BYTES_PER_TOKEN = 4
"""A rule of thumb for English and JSON: nobody but the provider can count its tokens."""
MANY = 2_000


def a_large_house() -> tuple[Thing, ...]:
    """Return as many things in the same rooms."""
    places = [*PLACES.values()]
    return tuple(
        replace(thing, id=f"{thing.id}_{number}", names=(f"{thing.name} {number}",), place=places[number % len(places)])
        for number, thing in ((number, THINGS[number % len(THINGS)]) for number in range(MANY))
    )


def sizes() -> list[list[str]]:
    """Return a row for each house."""
    rows = []
    houses = (("no home", ()), ("10 things in the kitchen", THINGS[:10]), ("150 things, 12 rooms", THINGS))
    for name, things in (*houses, (f"{MANY:,} things, 12 rooms", a_large_house())):
        registry = tools_at(House(Rules(), things=things))
        told = registry.tell()
        bare = [size_of(spec) for spec in told.specs if not things and not spec.name.startswith("home_")]
        size = size_of_all(bare) if bare else told.size
        plain = {spec.name: spec for spec in registry.specs}
        overview = sum(len(spec.description) - len(plain[spec.name].description) for spec in told.specs)
        untrimmed = sum(size_of(spec) for spec in registry.specs if things or not spec.name.startswith("home_"))
        rows.append([name, f"{untrimmed:,}", f"{overview:,}", f"{size:,}", f"{size // BYTES_PER_TOKEN:,}"])
    return rows


async def requests() -> list[list[str]]:
    """Return a row for each half of the requests."""
    came = [await outcome(request) for request in REQUESTS]
    halves = (("the half that was worked with", came[0::2]), ("the other half", came[1::2]), ("all", came))
    return [[name, str(len(half)), str(sum(one.right for one in half)), *_wrong(half)] for name, half in halves]


def _wrong(came: list[Came]) -> list[str]:
    wrong = [one for one in came if not one.right]
    done = sum(bool(one.done) for one in wrong)
    return [str(done), str(len(wrong) - done)]


def main() -> int:
    """Count, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="put the tables on docs/figures.md")
    options = parser.parse_args()
    logging.disable()
    assert len(BY_ID) == len(THINGS)
    head = ["home", "all schemas, bytes", "of it told of the home", "told, bytes", "tokens (bytes / 4, an estimate)"]
    common.publish("bench_tools", common.table(head, sizes()), options.write)
    head = ["requests", "number", "right", "wrong thing done", "otherwise wrong"]
    common.publish("bench_requests", common.table(head, asyncio.run(requests())), options.write)
    return 0


if __name__ == "__main__":
    sys.exit(main())
