"""Throw mutated server events at the device: at protocol and machine, and at sessions over a socket with real tools.

.venv/bin/python scripts/fuzz_events.py                      a million events, and 20,000 over a socket
.venv/bin/python scripts/fuzz_events.py --seed 7             what that seed gives, again
.venv/bin/python scripts/fuzz_events.py --seed 7 --house 12  only the one house that broke

Held: nothing is raised but the protocol's own errors inside of it; every call that came whole is answered once; what is
sent stays valid; the gate is never open for nobody; memory stays flat. That is the resident set of this process, read
after a garbage collection at every tenth: from the second to the last it may grow by 8 MiB. Exit code 1 when something
broke, with the seed and the message that did it.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import logging
import random
import resource
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.fuzz.direct import LONGEST_HOUSE, DirectHouse, Tally  # noqa: E402 - the root is put on the path above
from tests.fuzz.wire import WireFuzz  # noqa: E402

MOST_GROWTH_MIB = 8.0
SHOWN = 2_000


def resident_mib() -> float:
    """Return this process's resident set after a garbage collection."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() / 2**20


class Broken(Exception):  # noqa: N818 - it is what the run tells, not an error of the run
    """Something broke; the text is the report."""


def report(seed: int, where: str, last: Any, problem: BaseException) -> Broken:
    """Return what to tell: how to see it again, the message, and the traceback."""
    lines = [f"BROKEN with --seed {seed}{where}", f"the last message was: {last!r:.{SHOWN}}"]
    return Broken("\n".join([*lines, "".join(traceback.format_exception(problem))]))


def run_house(seed: int, number: int, events: int, tally: Tally) -> None:
    """Run one house. Raise Broken."""
    house = DirectHouse(f"{seed}/{number}", tally)
    try:
        house.run(events)
    except Exception as problem:
        raise report(seed, f" --house {number}", house.last, problem) from problem


def run_direct(seed: int, events: int, tally: Tally, tell: Callable[[float], None]) -> None:
    """Run house after house; tell how far it is after each. Raise Broken."""
    number = 0
    while tally.events < events:
        run_house(seed, number, min(LONGEST_HOUSE, events - tally.events), tally)
        number += 1
        tell(tally.events / events)


def run_socket(seed: int, events: int, tally: Tally, tell: Callable[[float], None]) -> None:
    """Run ten devices one after the other, each with its own server. Raise Broken."""
    for part in range(10):
        fuzz = WireFuzz(f"{seed}/socket/{part}", tally)
        try:
            asyncio.run(fuzz.run(max(1, events // 10)))
        except Exception as problem:
            raise report(seed, f" over the socket (part {part})", fuzz.last, problem) from problem
        tell((part + 1) / 10)


class Memory:
    """Reads the resident set at every tenth, and says whether it stayed flat."""

    def __init__(self) -> None:
        self._read: list[float] = []

    def at(self, share: float) -> None:
        """Note it when another tenth is done."""
        while len(self._read) < int(share * 10 + 1e-9):
            self._read.append(resident_mib())
            print(f"  {len(self._read) * 10:3d} %  {self._read[-1]:6.1f} MiB", flush=True)

    def check(self) -> None:
        """Raise Broken when it grew."""
        if len(self._read) > 1 and (grown := self._read[-1] - self._read[1]) > MOST_GROWTH_MIB:
            raise Broken(f"BROKEN: memory grew by {grown:.1f} MiB from the second tenth on")


def run(what: str, work: Callable[[int, int, Tally, Callable[[float], None]], None], seed: int, events: int) -> None:
    """Run one of the two, and print what came of it. Raise Broken."""
    print(f"{what}: {events} events with --seed {seed}", flush=True)
    began, tally, memory = time.monotonic(), Tally(), Memory()
    work(seed, events, tally, memory.at)
    memory.check()
    print(f"  {tally} in {time.monotonic() - began:.0f} s", flush=True)


def main(arguments: list[str] | None = None) -> int:
    """Run what was asked for; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=1_000_000, help="through protocol and machine (%(default)s)")
    parser.add_argument("--socket-events", type=int, default=20_000, help="over a socket (%(default)s)")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32), help="a random one")
    parser.add_argument("--house", type=int, help="run only this house of the seed")
    options = parser.parse_args(arguments)
    # Tools log what goes wrong with them, which is what happens here all the time.
    logging.getLogger("device").addHandler(logging.NullHandler())
    logging.getLogger("device").propagate = False
    try:
        if options.house is not None:
            run_house(options.seed, options.house, LONGEST_HOUSE, Tally())
        else:
            run("protocol and machine", run_direct, options.seed, options.events)
            run("sessions over a socket", run_socket, options.seed, options.socket_events)
    except Broken as broken:
        print(broken, flush=True)
        return 1
    finally:
        logging.getLogger("device").propagate = True
    print("nothing broke")
    return 0


if __name__ == "__main__":
    sys.exit(main())
