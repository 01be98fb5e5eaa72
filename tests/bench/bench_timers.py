"""kill -9 at random moments while timers are set, ring and are stopped: none may be lost, late or rung twice.

    .venv/bin/python -m tests.bench.bench_timers [--kills 200] [--seed 1]

A process does what the daemon does with timers: the feature as it is, the machine, and a person who stops what rings,
calls some off and sets others. It writes down each of these, before and after, in a file that survives it. Another
process kills it at a random moment, starts it again at once, and in the end compares what was promised with what has
rung.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from device.core import events as ev
from device.core.actions import StopRinging
from device.core.machine import Machine
from device.core.memory import Settings
from device.tools.registry import Registry
from device.tools.timers.entry import Countdown
from device.tools.timers.keeper import Timekeeper
from device.tools.timers.settings import Timers
from device.tools.timers.store import Store
from device.tools.timers.tools import timer_tools
from device.units import Ms, Samples

LATE_S = 2.0
AT_ONCE = 4
"""How many timers there are at a time."""


def boot() -> float:
    """Return the boot clock (s)."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Person:
    """Sets timers, stops what rings, and calls some off; writes everything down."""

    def __init__(self, folder: Path) -> None:
        self._journal = (folder / "journal").open("a", buffering=1)
        self._machine = Machine(Settings())
        self.keeper = Timekeeper(Timers(), Store(folder / "state"), self._post)
        self._tools = Registry(timer_tools(self.keeper), 10.0)
        self._chance = random.Random()

    def _note(self, what: str, which: object, **more: object) -> None:
        self._journal.write(json.dumps({"what": what, "which": which, "at": boot(), "pid": os.getpid(), **more}) + "\n")

    def _post(self, fact: ev.Event) -> None:
        if isinstance(fact, ev.AlarmDue):
            self._note("rings", fact.label)
        elif isinstance(fact, ev.AlarmMissed):
            self._note("missed", fact.label)
        for action in self._machine.handle_event(fact, Ms(time.monotonic() * 1000)):
            self.keeper.observe(action, self._machine.status)
            if isinstance(action, StopRinging):
                self._note("silent", "")

    async def live(self) -> None:
        """Until somebody kills it."""
        self.keeper.start()
        await self.keeper.ready()
        self._note("ready", "")
        while True:
            await asyncio.sleep(self._chance.uniform(0.0, 0.02))
            await self._chance.choice((self._set, self._set, self._stop, self._stop, self._call_off))()

    async def _set(self) -> None:
        if len(self.keeper.waiting) >= AT_ONCE:
            return
        name, seconds = f"t{time.monotonic_ns():x}", self._chance.uniform(0.02, 0.6)
        length = Countdown.of(seconds, self.keeper.now)
        self._note("wants", name, due=length.boot)
        change = await self.keeper.add(ev.AlarmKind.TIMER, name, length)
        self._note("set", name, due=length.boot, kept=change.kept)

    async def _stop(self) -> None:
        """By the button, which answers when it is silent, or by voice, which answers when the disk knows."""
        ringing = [entry.label for entry in self.keeper.ringing]
        if not ringing:
            return
        for name in ringing:
            self._note("stops", name)
        if self._chance.random() < 0.5:
            self._post(ev.ButtonClicked(Samples(0)))
            await asyncio.gather(*self.keeper._tasks)
        else:
            await self._tools.call("stop_ringing", "{}")
        for name in ringing:
            self._note("stopped", name)

    async def _call_off(self) -> None:
        waiting = [entry for entry in self.keeper.waiting if entry not in self.keeper.ringing]
        if not waiting:
            return
        entry = self._chance.choice(waiting)
        self._note("calls off", entry.label)
        if await self.keeper.remove([entry]):
            self._note("called off", entry.label)


async def live(folder: Path) -> None:
    """Be the process that is killed."""
    await Person(folder).live()


def judge(journal: list[dict[str, Any]], end: float) -> tuple[Counter[str], list[str], float]:
    """Return what happened how often, what was wrong, and how late the latest was (s), once the process was back."""
    counts: Counter[str] = Counter(str(entry["what"]) for entry in journal)
    problems, latest = [], 0.0
    ready = [(entry["at"], entry["pid"]) for entry in journal if entry["what"] == "ready"]
    of: dict[str, list[dict[str, Any]]] = {}
    for entry in journal:
        of.setdefault(entry["which"], []).append(entry)
    for name, story in of.items():
        if not name:
            continue
        what = [entry["what"] for entry in story]
        for before in ("stopped", "called off"):
            if before in what and "rings" in what[what.index(before) :]:
                problems.append(f"{name} rang after it was {before}")
        pids = [entry["pid"] for entry in story if entry["what"] == "rings"]
        if len(pids) != len(set(pids)):
            problems.append(f"{name} rang twice in one process")
        if "missed" in what:
            problems.append(f"{name} was missed")
        promised = next((entry for entry in story if entry["what"] == "set"), None)
        ended = any(end in what for end in ("stops", "calls off"))
        if promised is None:
            continue
        if "rings" in what:
            rang = next(entry for entry in story if entry["what"] == "rings")
            back = next(at for at, pid in ready if pid == rang["pid"])
            late = rang["at"] - max(promised["due"], back)
            latest = max(latest, late)
            if rang["at"] < promised["due"] - 0.001:
                problems.append(f"{name} rang {promised['due'] - rang['at']:.3f} s early")
            if late > LATE_S:
                problems.append(f"{name} rang {late:.3f} s late")
        elif not ended and promised["due"] < end - LATE_S:
            problems.append(f"{name} was lost")
    return counts, problems, latest


def run(folder: Path, kills: int, seed: int) -> tuple[Counter[str], list[str], float]:
    """Kill so often; then let it live for a while, and judge."""
    chance = random.Random(seed)
    for _ in range(kills):
        process = _start(folder)
        if chance.random() < 0.8:
            _wait_until_ready(folder, process.pid)
        # The others may not even have read what is set.
        time.sleep(chance.uniform(0.0, 1.0))
        process.send_signal(signal.SIGKILL)
        process.wait()
    process = _start(folder)
    _wait_until_ready(folder, process.pid)
    time.sleep(2 * LATE_S)
    end = boot()
    process.kill()
    process.wait()
    lines = (folder / "journal").read_text().splitlines()
    return judge([json.loads(line) for line in lines if line.endswith("}")], end)


def _start(folder: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", "tests.bench.bench_timers", "--live", str(folder)])


def _wait_until_ready(folder: Path, pid: int) -> None:
    journal = folder / "journal"
    while not (journal.exists() and any(f'"pid": {pid}' in line for line in journal.open() if '"ready"' in line)):
        time.sleep(0.01)


def main() -> int:
    """Print what happened; return 1 when something was wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--live", type=Path)
    options = parser.parse_args()
    if options.live is not None:
        asyncio.run(live(options.live))
    with tempfile.TemporaryDirectory() as folder:
        counts, problems, latest = run(Path(folder), options.kills, options.seed)
    print(f"{options.kills} kills: {counts['set']} timers set, {counts['rings']} rang, {counts['stopped']} stopped,")
    print(f"{counts['called off']} called off; the latest was {1000 * latest:.0f} ms late; {len(problems)} problems")
    print("\n".join(problems))
    return 1 if problems or counts["stopped"] < options.kills / 4 else 0


if __name__ == "__main__":
    sys.exit(main())
