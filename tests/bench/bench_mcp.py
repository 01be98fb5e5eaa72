"""What MCP servers cost, how soon a call is done, and what becomes of calls while servers are killed and stopped.

    .venv/bin/python -m tests.bench.bench_mcp [--calls 300] [--moments 20] [--seed 1] [--write]

Real servers in processes of their own. For the second table a person's notes are written one after another while, at
random moments, the server or the process that speaks with it is killed, or stopped as one that hangs. Every call must
be answered, and every note that was said to be written must be there, once. Limits of time for what hangs are shorter
than the device's own, for this to end within minutes.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import logging
import math
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from device.errors import ToolError
from device.tools.mcp.bridge import Bridge, Patience
from device.tools.mcp.settings import Server
from device.tools.registry import Registry
from tests.bench.common import publish, table
from tests.tools.mcp.bridging import ancient, bridged, children, http_notes, is_running, is_well, notes
from tests.waiting import until

ROOT = Path(__file__).parents[2]
HOUSE = """
import asyncio, gc, os, sys, tempfile
from pathlib import Path
from device.house import app
from device.tools.registry import Registry

async def main():
    from tests.bench.common import ROOT
    from tests.waiting import until
    def memory():
        gc.collect()
        text = Path("/proc/self/smaps_rollup").read_text("ascii")
        return int(text.partition("\\nPss:")[2].split()[0]) * 1024 / 1e6
    if sys.argv[1] == "without":
        print(memory())
        return
    from device.tools.mcp.bridge import Bridge
    from device.tools.mcp.settings import Server
    with tempfile.TemporaryDirectory() as folder:
        command = (sys.executable, str(ROOT / "tests/tools/mcp/servers/notes.py"), folder)
        bridge = Bridge({"notes": Server(command=command)}, {})
        running = asyncio.create_task(bridge.run())
        await until(lambda: bridge.connected)
        Registry([], 20.0, [bridge.tools]).tell()
        print(memory())
        await bridge.aclose()
        running.cancel()

asyncio.run(main())
"""
IMPATIENT = Patience(ping_s=0.5, pong_s=1.0, answer_s=2.0, pauses=0.02)
CALL_S = 3.0
SETTLE_S = 1.0


def memory_mb(pid: int) -> float:
    """Return the proportional set size of a process, in MB of 10^6 bytes."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text("ascii")
    return int(text.partition("\nPss:")[2].split()[0]) * 1024 / 1e6


def cost_of_house() -> float:
    """Return what one server takes of the house's own memory, in fresh processes."""
    found: dict[str, float] = {}
    for which in ("without", "with"):
        command = [sys.executable, "-c", HOUSE, which]
        shown = [subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stdout for _ in range(3)]
        found[which] = statistics.median(map(float, shown))
    return found["with"] - found["without"]


async def costs() -> list[list[str]]:
    """Return the memory of each part."""
    own = cost_of_house()
    with tempfile.TemporaryDirectory() as folder:
        async with bridged({"notes": notes(Path(folder))}, patience=Patience()) as bridge:
            await asyncio.sleep(SETTLE_S)
            assert bridge.pid
            one, (server,) = memory_mb(bridge.pid), children(bridge.pid)
            rows = [
                ["the house, more than without servers", f"{max(own, 0.0):.1f}"],
                ["the process that speaks with one server", f"{one:.1f}"],
                ["the server of these tests, made with the same package", f"{memory_mb(server):.1f}"],
            ]
        four = {f"notes{number}": ancient(Path(folder), confirm_for=()) for number in range(4)}
        async with bridged(four, patience=Patience()) as bridge:
            await asyncio.sleep(SETTLE_S)
            assert bridge.pid
            rows.insert(2, ["the same with four servers", f"{memory_mb(bridge.pid):.1f}"])
    return rows


async def pace(calls: int) -> list[list[str]]:
    """Return how long a call takes, from the model's words to the answer for it (ms)."""
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with http_notes(folder) as new, http_notes(folder, "--old") as old:
            servers = {
                "a program, 2026-07-28": notes(folder),
                "HTTP, 2026-07-28": Server(url=new),
                "HTTP, 2025-11-25": Server(url=old),
            }
            for what, server in servers.items():
                async with bridged({"notes": server}, patience=Patience()) as bridge:
                    registry = Registry([], 20.0, [bridge.tools])
                    taken = []
                    for number in range(calls):
                        began = time.monotonic()
                        arguments = json.dumps({"name": f"n{number}", "text": "x"})
                        await registry.call("notes_write_note", arguments)
                        taken.append((time.monotonic() - began) * 1000)
                rows.append([what, *_spread(taken, 1)])
    return rows


def in_folder(folder: Path) -> set[str]:
    """Return the names of the files in a folder."""
    return {path.name for path in folder.iterdir()}


class Writer:
    """Writes notes one after another, and keeps what it was told."""

    def __init__(self, bridge: Bridge) -> None:
        self._registry = Registry([], CALL_S, [bridge.tools])
        self.written: list[str] = []
        self.refused = self.unknown = 0

    async def write(self) -> None:
        """Until somebody cancels it."""
        for number in range(1_000_000):
            try:
                arguments = json.dumps({"name": f"n{number}", "text": "x"})
                await self._registry.call("notes_write_note", arguments)
                self.written.append(f"n{number}.txt")
            except ToolError as error:
                if "cannot be reached" in str(error):
                    self.refused += 1
                    await asyncio.sleep(0.01)
                else:
                    self.unknown += 1


async def disturbed(moments: int, chance: random.Random, end: Callable[[Bridge], int]) -> list[str]:
    """Disturb it at random moments; return how soon a note was written again, and what became of calls."""
    taken = []
    gone: list[int] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with bridged({"notes": notes(folder)}, patience=IMPATIENT) as bridge:
            writer = Writer(bridge)
            writing = asyncio.create_task(writer.write())
            for _ in range(moments):
                await asyncio.sleep(chance.uniform(0.0, 0.5))
                gone.append(end(bridge))
                began = time.monotonic()
                await until(lambda: not is_running(gone[-1]), "its end", 60)
                await until(lambda: _is_new(bridge, gone), "a new one", 60)
                count = len(writer.written)
                await until(lambda count=count: len(writer.written) > count, "a note")  # type: ignore[misc]
                taken.append(time.monotonic() - began)
            writing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await writing
        lost = set(writer.written) - in_folder(folder)
    assert not lost, f"said to be written, and not there: {lost}"
    return [*_spread(taken, 1), str(len(writer.written)), str(writer.unknown), str(len(lost))]


def _is_new(bridge: Bridge, gone: list[int]) -> bool:
    """Say whether the process and its server are others than those that have ended, and are well."""
    servers = children(bridge.pid) if bridge.pid else []
    return bool(servers) and not {bridge.pid, *servers} & set(gone) and is_well(bridge)


def _server(number: signal.Signals) -> Callable[[Bridge], int]:
    def end(bridge: Bridge) -> int:
        assert bridge.pid
        (server,) = children(bridge.pid)
        os.kill(server, number)
        return server

    return end


def _child(number: signal.Signals) -> Callable[[Bridge], int]:
    def end(bridge: Bridge) -> int:
        assert bridge.pid
        pid = bridge.pid
        os.kill(pid, number)
        return pid

    return end


def _spread(taken: list[float], digits: int) -> list[str]:
    """Return the median, what 19 of 20 take at most, and the most."""
    taken = sorted(taken)
    shown = (statistics.median(taken), taken[math.ceil(0.95 * len(taken)) - 1], taken[-1])
    return [f"{one:.{digits}f}" for one in shown]


async def main(calls: int, moments: int, seed: int, write: bool) -> None:
    """Measure, and tell."""
    # Each call that fails while something is dead would be a line.
    logging.disable(logging.CRITICAL)
    publish("bench_mcp_memory", table(["memory (PSS)", "MB"], await costs()), write)
    publish("bench_mcp_calls", table(["a call of", "median, ms", "95 %", "most"], await pace(calls)), write)
    chance = random.Random(seed)
    kinds: dict[str, Callable[[Bridge], int]] = {
        "the server is killed": _server(signal.SIGKILL),
        "the server hangs": _server(signal.SIGSTOP),
        "the process is killed": _child(signal.SIGKILL),
        "the process hangs": _child(signal.SIGSTOP),
    }
    rows = [[what, *await disturbed(moments, chance, end)] for what, end in kinds.items()]
    head = [f"{moments} times", "works again, median s", "95 %", "most", "notes written", "not known", "lost"]
    publish("bench_mcp_kills", table(head, rows), write)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=300)
    parser.add_argument("--moments", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--write", action="store_true", help="put the tables on docs/figures.md")
    options = parser.parse_args()
    asyncio.run(main(options.calls, options.moments, options.seed, options.write))
